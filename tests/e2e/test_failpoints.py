"""kill -9 at every step of a task's life, before and after each commit; then a healthy process goes on.

A few steps in the normal run; `make prove-failpoints` takes them all. They share one database, so
that every audit is one of all that was left behind so far.
"""

import asyncio
import contextlib
import itertools
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx2
import pytest

from e2e.crowd import GENERATE, image_to_image, text_to_image
from e2e.test_crash import (
    every_end_was_told,
    nothing_was_paid_twice,
    what_nobody_knows_is_on_record,
)
from e2e.upstream import Upstream, upstream
from heliograph.base.database import open_pool
from support.database import Databases, roomy_folder
from support.faults import FAULTY, Fault
from support.pictures import encoded, photo
from support.receiver import Receiver
from support.service import Customer, Installation, Process, installed, wait_for

Test = TypeVar("Test", bound=Callable[..., Any])

MOMENTS = ("before", "after")
DEADLINE_SECONDS = 20
KILLED_SECONDS = 40
ENDED_SECONDS = 60

#: So that a successor comes in seconds. What is waited for is the same, only shorter.
QUICK = {
    "heliograph.tasks.run:LEASE_SECONDS": 3,
    "heliograph.tasks.hold:LEASE_SECONDS": 3,
    "heliograph.tasks.hold:RENEW_SECONDS": 0.5,
    "heliograph.tasks.rescue:GRACE_SECONDS": 1,
    "heliograph.tasks.run:LOOK_UP_AFTER_SECONDS": 4,
    "heliograph.tasks.routing.lookup:LOOK_UP_AFTER_SECONDS": 4,
    "heliograph.tasks.routing.lookup:LOOK_UP_AGAIN_SECONDS": 2,
    "heliograph.webhooks.deliver:LEASE_MARGIN_SECONDS": 1,
    "heliograph.worker:HEARTBEAT_SECONDS": 3,
}
SETTINGS = {
    "HELIOGRAPH_TASK_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "HELIOGRAPH_WEBHOOK_TIMEOUT_SECONDS": "2",
    "HELIOGRAPH_WEBHOOK_RETRY_SECONDS": "1,2,4",
}

DASHSCOPE = "heliograph.providers.dashscope.provider:DashScopeProvider"

#: Steps of a worker, in the order of a task's life. After a function of a `store`, and after those in
#: the middle of `finish`, the transaction is still open.
WORKER_STEPS = (
    "heliograph.tasks.store:claim_tasks",
    "heliograph.tasks.step:_prepare",
    "heliograph.tasks.step:wait_for_turn",
    "heliograph.tasks.store:begin_attempts",
    f"{DASHSCOPE}.start",
    "heliograph.tasks.store:save_ref",
    "heliograph.tasks.run:_keep_ref",
    "heliograph.tasks.run:note_outcome",
    f"{DASHSCOPE}.check",
    "heliograph.storage.disk:_write_whole",
    "heliograph.storage.disk:_publish",
    "heliograph.tasks.run:store_pictures",
    "heliograph.tasks.finish:end_tasks",
    "heliograph.tasks.finish:wake_next",
    "heliograph.tasks.finish:lock_balance",
    "heliograph.tasks.finish:tell_low_balance",
    "heliograph.tasks.finish:_commit",
    "heliograph.worker:advance",
    "heliograph.webhooks.store:claim_notice",
    "heliograph.webhooks.post:Post.send",
    "heliograph.webhooks.store:note_reply",
    "heliograph.webhooks.deliver:Deliverer.deliver",
    "heliograph.tasks.store:nudge_overdue",
)
API_STEPS = (
    "heliograph.tasks.submit:lock_books",
    "heliograph.tasks.new.store:insert_tasks",
    "heliograph.tasks.submit:hold_many",
    "heliograph.tasks.new.store:enqueue_tasks",
    "heliograph.tasks.submit:remember",
    "heliograph.tasks.submit:_commit",
)
ONE_STATEMENT = ("heliograph.tasks.new.store:submit_if_payable",)
UPLOAD_STEPS = ("heliograph.uploads.store:add_upload", "heliograph.storage.disk:_publish")

#: What the normal run takes: the submit that nobody was told of, pictures that are kept and not charged
#: for, the upload whose file never came. A call that may be paid for waits for its deadline: too long.
FEW = {
    ("heliograph.tasks.submit:_commit", "after"),
    ("heliograph.tasks.finish:_commit", "before"),
    ("heliograph.uploads.store:add_upload", "after"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each step of the test's kind, before and after; in the normal run a few of them."""
    steps: tuple[str, ...] = getattr(metafunc.function, "steps", ())
    if not steps:
        return
    every = metafunc.config.getoption("every_failpoint", False)
    pairs = [pair for pair in itertools.product(steps, MOMENTS) if every or pair in FEW]
    faults = [Fault(step, moment, constants=QUICK) for step, moment in pairs]
    # with the module's name: two rooms may have a function of one name, and these are keys of requests
    names = [
        f"{moment}-{step.removeprefix('heliograph.').replace(':', '.')}" for step, moment in pairs
    ]
    metafunc.parametrize("fault", faults, ids=names)


def at(steps: tuple[str, ...]) -> Callable[[Test], Test]:
    """Marks a test that is to be made at each of `steps`."""

    def mark(test: Test) -> Test:
        test.steps = steps  # type: ignore[attr-defined]  # read when the tests are made
        return test

    return mark


@dataclass
class Stand:
    """An installation with an API that stays, the paid upstream, and a receiver of each test's own."""

    url: str
    folder: Path
    installation: Installation
    customer: Customer
    paid: Upstream
    receiver: Receiver = field(default_factory=Receiver)

    @contextlib.contextmanager
    def faulty(self, fault: Fault) -> Iterator[Installation]:
        """The same installation at another port; its processes have `fault` in them."""
        shared = ("HELIOGRAPH_DATA_DIR", "HELIOGRAPH_PUBLIC_URL")
        settings = {name: self.installation.settings[name] for name in shared}
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with installed(
            folder, self.url, **SETTINGS, **self.paid.settings, **settings, **fault.settings
        ) as one:
            one.command = FAULTY
            yield one

    def bodies(self, name: str) -> list[dict[str, object]]:
        """Submits with prompts of their own, one of them with a picture to work from."""
        makes = (text_to_image, image_to_image, text_to_image)
        return [
            {
                "request_type": "callback",
                "callback_url": self.receiver.script(f"/hook/{name}/{number}"),
                "input": make(f"{name} {number}", images=1 + number % 2),
            }
            for number, make in enumerate(makes)
        ]


@pytest.fixture(scope="module")
def standing(databases: Databases) -> Iterator[Stand]:
    with ExitStack() as opened:
        url = opened.enter_context(databases.fresh())
        folder = Path(
            opened.enter_context(
                tempfile.TemporaryDirectory(prefix="heliograph-test-", dir=roomy_folder())
            )
        )
        paid = opened.enter_context(upstream(seconds=0.5, answer_seconds=0.3))
        installation = opened.enter_context(installed(folder, url, **SETTINGS, **paid.settings))
        customer = installation.customer("1000")
        installation.serve("--no-worker").ready()
        yield Stand(url, folder, installation, customer, paid)


@pytest.fixture
async def stand(standing: Stand) -> AsyncIterator[Stand]:
    async with Receiver() as receiver:
        yield replace(standing, receiver=receiver)


@pytest.fixture
async def books(standing: Stand) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(standing.url, size=2)
    yield pool
    await pool.close()


async def submit(
    url: str, customer: Customer, body: dict[str, object], key: str | None
) -> str | None:
    """Submit once, under an idempotency key if any; the task's id, None when the answer never came."""
    headers = customer.headers | ({} if key is None else {"Idempotency-Key": key})
    try:
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as http:
            answer = await http.post(GENERATE, json=body)
    except httpx2.TransportError:
        return None
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["taskId"])


async def killed(process: Process) -> None:
    """Until it has died at its point."""
    await asyncio.to_thread(
        wait_for, lambda: process.exit_code is not None, "the kill", seconds=KILLED_SECONDS
    )
    assert process.exit_code == -signal.SIGKILL, process.log_lines()[-5:]


async def outlived(stand: Stand, books: asyncpg.Pool, task_ids: set[str]) -> None:
    """A healthy worker takes over; then everything has ended, and everything holds."""
    unfinished = """SELECT (SELECT count(*) FROM tasks WHERE completed_at IS NULL)
        + (SELECT count(*) FROM notices WHERE state = 'pending')"""
    with stand.faulty(Fault(constants=QUICK)) as successor:
        worker = successor.worker()
        async with asyncio.timeout(ENDED_SECONDS):
            while await books.fetchval(unfinished):
                await asyncio.sleep(0.1)
        worker.kill()
    rows = await books.fetch("SELECT * FROM tasks")
    assert all(row["state"] == "success" or row["provider_ref"] is None for row in rows)
    nothing_was_paid_twice(rows, stand.paid.submits())
    await what_nobody_knows_is_on_record(books)
    here = {row["task_id"].hex: row for row in rows if row["task_id"].hex in task_ids}
    assert set(here) == task_ids
    every_end_was_told(here, stand)
    audit = await asyncio.to_thread(stand.installation.run, "audit")
    assert audit.returncode == 0, audit.stdout


@at(WORKER_STEPS)
async def test_a_worker_that_is_killed_at_this_step_loses_and_repeats_nothing(
    stand: Stand, books: asyncpg.Pool, fault: Fault, request: pytest.FixtureRequest
):
    name = request.node.callspec.id
    with stand.faulty(fault) as installation:
        victim = installation.worker()
        bodies = enumerate(stand.bodies(name))
        answers = [
            await submit(stand.installation.url, stand.customer, body, f"{name}-{number}")
            for number, body in bodies
        ]
        await killed(victim)
    await outlived(stand, books, {answer for answer in answers if answer})


@at(API_STEPS)
async def test_a_submit_that_is_cut_off_at_this_step_and_repeated_is_one_task(
    stand: Stand, books: asyncpg.Pool, fault: Fault, request: pytest.FixtureRequest
):
    name = request.node.callspec.id
    before = await books.fetchval("SELECT count(*) FROM tasks")
    first, *others = stand.bodies(name)
    with stand.faulty(fault) as installation:
        victim = await asyncio.to_thread(installation.serve("--no-worker").ready)
        assert await submit(installation.url, stand.customer, first, name) is None
        await killed(victim)
    accepted = {await submit(stand.installation.url, stand.customer, first, name)}
    for number, body in enumerate(others):
        accepted.add(await submit(stand.installation.url, stand.customer, body, f"{name}-{number}"))
    assert await books.fetchval("SELECT count(*) FROM tasks") == before + len(accepted)
    await outlived(stand, books, {task_id for task_id in accepted if task_id})


@at(ONE_STATEMENT)
async def test_a_submit_of_one_statement_is_written_whole_or_not_at_all(
    stand: Stand, books: asyncpg.Pool, fault: Fault, request: pytest.FixtureRequest
):
    before = {row["task_id"] for row in await books.fetch("SELECT task_id FROM tasks")}
    with stand.faulty(fault) as installation:
        victim = await asyncio.to_thread(installation.serve("--no-worker").ready)
        body = stand.bodies(request.node.callspec.id)[0]
        assert await submit(installation.url, stand.customer, body, None) is None
        await killed(victim)
    written = {row["task_id"] for row in await books.fetch("SELECT task_id FROM tasks")} - before
    assert len(written) == (fault.moment == "after")
    await outlived(stand, books, {task_id.hex for task_id in written})


@at(UPLOAD_STEPS)
async def test_an_upload_that_is_cut_off_at_this_step_can_be_repeated(stand: Stand, fault: Fault):
    picture = encoded(photo(), "PNG")
    headers = stand.customer.headers | {"Content-Type": "image/png"}
    async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
        with stand.faulty(fault) as installation:
            victim = await asyncio.to_thread(installation.serve("--no-worker").ready)
            with pytest.raises(httpx2.TransportError):
                await http.post(f"{installation.url}/api/v1/files", content=picture)
            await killed(victim)
        answer = await http.post(f"{stand.installation.url}/api/v1/files", content=picture)
        assert answer.status_code == 200, answer.text
        assert (await http.get(answer.json()["data"]["url"])).status_code == 200
