"""Both clients of the SDK with the real service: what goes beyond the hosted API, and lost answers."""

import io
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import heliograph_client
from both_clients import KINDS, opened
from heliograph_client import webhooks
from support.breaking_proxy import Proxy, breaking_proxy
from support.database import Databases
from support.receiver import Receiver
from support.service import Customer, Installation, installed

GENERATE = "/api/v1/generateTask/wan-2-5-image"
STATUS = "/api/v1/statusTask/wan-2-5-image"
PNG = b"\x89PNG"
UNKNOWN = "0199a5f0000070008000000000000000"


@pytest.fixture(scope="module")
def installation(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A service that works, also for callbacks to this machine."""
    folder = tmp_path_factory.mktemp("sdk")
    with (
        databases.fresh() as url,
        installed(folder, url, HELIOGRAPH_TRUSTED_NETWORKS="127.0.0.0/8") as installation,
    ):
        installation.serve().ready()
        yield installation


@pytest.fixture(scope="module")
def tester(installation: Installation) -> Customer:
    """Has a test key: every outcome on demand, nothing charged."""
    return installation.customer("1", "--test")


@pytest.fixture
def proxy(installation: Installation) -> Iterator[Proxy]:
    with breaking_proxy(installation.port) as proxy:
        yield proxy


class Clients:
    """Makes clients of one kind."""

    def __init__(self, kind: str, url: str, stack: ExitStack) -> None:
        self._kind = kind
        self._url = url
        self._stack = stack

    def of(self, customer: Customer, url: str | None = None) -> Any:
        return self._stack.enter_context(opened(self._kind, customer.api_key, url or self._url))


@pytest.fixture(params=KINDS)
def clients(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Clients]:
    with ExitStack() as stack:
        yield Clients(request.param, installation.url, stack)


@pytest.fixture
def client(clients: Clients, tester: Customer) -> Any:
    return clients.of(tester)


def picture(side: int = 400) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def test_images_are_made_read_and_saved(client: Any, tmp_path: Path):
    result = client.generate("a lake", num_images=2, aspect_ratio="16:9")
    assert [image.read()[:4] for image in result.images] == [PNG, PNG]
    saved = result.images[0].save(tmp_path / "lake")
    with Image.open(saved) as made:
        assert (saved.suffix, made.size) == (".png", (1696, 960))


def test_waiting_is_one_question_that_the_server_holds(
    clients: Clients, tester: Customer, proxy: Proxy
):
    client = clients.of(tester, proxy.url)
    assert len(client.generate("a lake [[delay:1.5]]", num_images=1).images) == 1
    held = [one.query.get("wait") for one in proxy.to(STATUS)]
    assert held == [None, ["30"]]


def test_the_time_to_wait_can_end_before_the_task(client: Any):
    task_id = client.submit("a lake [[delay:600]]")
    with pytest.raises(heliograph_client.StillRunning) as raised:
        client.wait(task_id, timeout_seconds=1)
    assert raised.value.task_id == task_id
    client.cancel(task_id)


def test_events_tell_the_progress_of_each_image(client: Any):
    seen = list(client.events(client.submit("a lake [[delay:2.5]]", num_images=2)))
    assert (seen[-1].state, len(seen[-1].urls)) == ("success", 2)
    shares = [status.progress for status in seen if status.state == "processing"]
    assert len(shares) > 1
    assert {len(one) for one in shares if one} == {2}
    assert shares == sorted(shares)


def test_events_that_break_off_are_taken_up_where_they_broke(
    clients: Clients, tester: Customer, proxy: Proxy
):
    client = clients.of(tester, proxy.url)
    task_id = client.submit("a lake [[delay:2.5]]")
    proxy.cut = 2
    seen = list(client.events(task_id))
    assert seen[-1].state == "success"
    assert all(before != after for before, after in itertools.pairwise(seen))
    first, second, *_ = proxy.to(f"/api/v1/tasks/{task_id}/events")
    assert "last-event-id" not in first.headers
    assert second.headers["last-event-id"].isdigit()


def test_a_task_that_ended_by_itself_cannot_be_cancelled_but_deleted(client: Any):
    result = client.generate("a lake", num_images=1)
    with pytest.raises(heliograph_client.Conflict):
        client.cancel(result.task_id)
    client.delete(result.task_id)
    with pytest.raises(heliograph_client.ApiError, match="410"):
        result.images[0].read()
    assert client.task(result.task_id).prompt is None


def test_pictures_are_uploaded_once_and_used_again(client: Any, tmp_path: Path):
    path = tmp_path / "photo.png"
    path.write_bytes(picture())
    kept = client.upload(path)
    assert (kept.width, kept.height) == (400, 400)
    with Image.open(path) as opened_picture:
        references = [kept.url, path, opened_picture]
        result = client.generate("warmer", images=references, num_images=1)
    task = client.task(result.task_id)
    assert (task.mode, len(task.image_urls)) == ("image-to-image", 3)
    assert task.image_urls[0] == kept.url


def test_a_batch_is_accepted_as_a_whole_and_followed(client: Any):
    accepted = client.batch(
        [
            {"prompt": "a lake", "num_images": 1, "client_item_id": "lake"},
            {"prompt": "a sea [[fail:PromptInvalid]]"},
        ]
    )
    lake, sea = accepted.items
    assert (lake.client_item_id, sea.client_item_id) == ("lake", "1")
    client.wait(lake.task_id)
    with pytest.raises(heliograph_client.TaskFailed):
        client.wait(sea.task_id)
    batch = client.batch_status(accepted.batch_id)
    assert (batch.state, batch.counts["success"], batch.counts["failed"]) == ("completed", 1, 1)
    assert (len(batch.items[0].urls), batch.items[1].fail_code) == (1, "PromptInvalid")
    assert batch.complete_time >= batch.create_time


async def test_a_notice_of_the_server_is_verified(installation: Installation, tester: Customer):
    async with (
        Receiver() as receiver,
        heliograph_client.AsyncClient(tester.api_key, installation.url) as client,
    ):
        task_id = await client.submit("a lake", callback_url=receiver.url())
        (sent,) = await receiver.arrived(1, timeout_seconds=20)
    notice = webhooks.verify(sent.body, sent.headers, tester.webhook_secret)
    assert notice.task is not None
    assert (notice.task.task_id, notice.task.state) == (task_id, "success")
    with pytest.raises(heliograph_client.BadSignature):
        webhooks.verify(sent.body + b" ", sent.headers, tester.webhook_secret)
