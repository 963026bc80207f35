"""Both clients of the SDK with the real service: money, lists and refusals."""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

import heliograph_client
from both_clients import KINDS, opened
from contract.service import GENERATE, Customer, Service
from support.breaking_proxy import Proxy, breaking_proxy

DOLLARS = 5
UNKNOWN = "0199a5f0000070008000000000000000"


@pytest.fixture
def proxy(service: Service) -> Iterator[Proxy]:
    port = urlsplit(service.url).port
    assert port is not None
    with breaking_proxy(port) as proxy:
        yield proxy


@pytest.fixture
def payer(service: Service) -> Customer:
    return service.customer(dollars=DOLLARS)


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, service: Service, payer: Customer) -> Iterator[Any]:
    """A client of one kind, and then of the other, that acts for the payer."""
    with opened(request.param, payer.api_key, service.url) as client:
        yield client


@pytest.fixture(params=KINDS)
def unlucky(request: pytest.FixtureRequest, payer: Customer, proxy: Proxy) -> Iterator[Any]:
    """The same, through a proxy that loses answers."""
    with opened(request.param, payer.api_key, proxy.url) as client:
        yield client


def picture(side: int = 400) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def test_events_of_a_task_that_does_not_exist_are_not_found(client: Any):
    with pytest.raises(heliograph_client.NotFound):
        next(iter(client.events(UNKNOWN)))


def test_a_submit_whose_answer_is_lost_is_repeated_and_paid_for_once(unlucky: Any, proxy: Proxy):
    proxy.lose = 1
    task_id = unlucky.submit("a lake", num_images=4)
    first, second = (one.headers["idempotency-key"] for one in proxy.to(GENERATE))
    assert first == second
    assert [task.task_id for task in unlucky.list()] == [task_id]
    assert unlucky.balance() == pytest.approx(DOLLARS - 4 * 0.03)
    assert unlucky.task(task_id).receipt.held == pytest.approx(4 * 0.03)


def test_a_key_of_ones_own_gives_the_same_task_again_and_takes_no_other_request(client: Any):
    first = client.submit("a lake", idempotency_key="order-17")
    assert client.submit("a lake", idempotency_key="order-17") == first
    with pytest.raises(heliograph_client.ApiError) as raised:
        client.submit("a sea", idempotency_key="order-17")
    assert raised.value.status == 422
    assert client.balance() == pytest.approx(DOLLARS - 4 * 0.03)


def test_what_cannot_be_paid_is_refused_with_the_request_id(client: Any):
    with pytest.raises(heliograph_client.PaymentRequired) as raised:
        client.batch([{"prompt": "a lake"}] * 50)
    assert raised.value.request_id
    assert client.balance() == DOLLARS


def test_a_cancelled_task_is_paid_back_even_when_the_answer_is_lost(unlucky: Any, proxy: Proxy):
    task_id = unlucky.submit("a lake")
    proxy.lose = 1
    ended = unlucky.cancel(task_id)
    assert (ended.state, ended.fail_code) == ("failed", "Cancelled")
    assert unlucky.balance() == DOLLARS
    with pytest.raises(heliograph_client.TaskFailed, match="Cancelled"):
        unlucky.wait(task_id)


def test_tasks_are_listed_the_youngest_first_and_told_in_full(client: Any, service: Service):
    assert list(client.list()) == []
    ids = []
    for number in range(3):
        service.clock.advance(1)
        ids.append(client.submit(f"lake {number}", num_images=1))
    assert [task.task_id for task in client.list()] == ids[::-1]
    assert [task.prompt for task in client.list(limit=2)] == ["lake 2", "lake 1"]
    assert list(client.list(state="success")) == []
    assert list(client.list(mode="text-to-image", created_before=1)) == []
    task = client.task(ids[0])
    assert (task.state, task.num_images, task.aspect_ratio) == ("pending", 1, "1:1")
    assert task.timeline[0].event == "received"
    assert [line.kind for line in task.receipt.lines] == ["hold"]


def test_more_tasks_than_a_page_holds_are_listed(client: Any):
    answers = [client.batch([{"prompt": "x", "num_images": 1}] * 50) for _ in range(3)]
    ids = {item.task_id for batch in answers for item in batch.items}
    assert ids == {task.task_id for task in client.list()}
    assert len(list(client.list(limit=120))) == 120


def test_a_price_is_quoted_and_nothing_moves(client: Any):
    quote = client.quote("warmer", num_images=2, images=[picture()], aspect_ratio="3:2")
    assert (quote.price, quote.price_per_image) == (0.06, 0.03)
    assert (quote.balance, quote.balance_after, quote.affordable) == (DOLLARS, DOLLARS - 0.06, True)
    assert (quote.width, quote.height) == (1200, 800)
    assert (quote.images[0].width, quote.images[0].height) == (400, 400)
    assert client.balance() == DOLLARS
    assert list(client.list()) == []


def test_a_picture_that_the_server_does_not_take_is_refused_with_the_limit(client: Any):
    with pytest.raises(heliograph_client.BadRequest, match="384"):
        client.generate("warmer", images=[picture(100)])


def test_a_wrong_field_of_a_batch_is_named(client: Any):
    with pytest.raises(heliograph_client.BadRequest) as raised:
        client.batch([{"prompt": "a lake"}, {"prompt": ""}])
    assert raised.value.field == "items[1].input.prompt"


def test_the_models_and_their_prices_are_read(client: Any):
    (model,) = client.models()
    assert (model.model_id, model.max_images) == ("wan-2-5-image", 4)
    modes = {mode.mode: mode for mode in model.modes}
    assert modes["text-to-image"].price == 0.03
    assert modes["image-to-image"].sizes["21:9"] == (1344, 576)
