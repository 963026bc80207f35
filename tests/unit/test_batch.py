"""Calls that arrive while a run is in flight share the next."""

import asyncio
import contextvars
import itertools

import pytest

from heliograph.base import batch as batches
from heliograph.base.batch import Batch
from heliograph.base.errors import Busy


class Counter:
    """Doubles numbers; each run waits until it is let go, unless nobody holds it."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.open = asyncio.Event()
        self.begun = asyncio.Event()

    async def run(self, items: list[int]) -> list[int]:
        self.runs.append(items)
        self.begun.set()
        await self.open.wait()
        if 13 in items:
            raise ValueError("13 is not lucky")
        return [2 * item for item in items]


@pytest.fixture
def counter() -> Counter:
    return Counter()


async def first_in_flight(batch: Batch[int, int], counter: Counter) -> asyncio.Task[int]:
    """A call whose run has begun, and does not end before the counter is opened."""
    first = asyncio.create_task(batch(0))
    await counter.begun.wait()
    return first


def calls(batch: Batch[int, int], *items: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(batch(item)) for item in items]


async def begun() -> None:
    """Let tasks that were just created reach their first wait."""
    await asyncio.sleep(0)


async def test_one_call_is_a_run_of_its_own(counter: Counter):
    counter.open.set()

    assert await Batch(counter.run, 10)(21) == 42
    assert counter.runs == [[21]]


async def test_calls_that_arrive_during_a_run_share_the_next(counter: Counter):
    batch = Batch(counter.run, 10)
    first = await first_in_flight(batch, counter)
    others = calls(batch, 1, 2, 3)
    await begun()
    counter.open.set()

    assert await asyncio.gather(first, *others) == [0, 2, 4, 6]
    assert counter.runs == [[0], [1, 2, 3]]


async def test_a_run_takes_no_more_than_its_limit(counter: Counter):
    batch = Batch(counter.run, 2)
    first = await first_in_flight(batch, counter)
    others = calls(batch, 1, 2, 3, 4, 5)
    await begun()
    counter.open.set()

    assert await asyncio.gather(first, *others) == [0, 2, 4, 6, 8, 10]
    assert counter.runs == [[0], [1, 2], [3, 4], [5]]


async def test_a_failure_reaches_every_call_of_its_run_and_no_other(counter: Counter):
    batch = Batch(counter.run, 2)
    first = await first_in_flight(batch, counter)
    others = calls(batch, 1, 13, 3)
    await begun()
    counter.open.set()

    ends = await asyncio.gather(first, *others, return_exceptions=True)
    assert [str(end) for end in ends] == ["0", "13 is not lucky", "13 is not lucky", "6"]


async def test_after_a_failure_the_next_call_is_served(counter: Counter):
    counter.open.set()
    batch = Batch(counter.run, 2)
    with pytest.raises(ValueError, match="lucky"):
        await batch(13)

    assert await batch(1) == 2


async def test_a_call_that_is_cancelled_while_waiting_is_not_run(counter: Counter):
    batch = Batch(counter.run, 10)
    first = await first_in_flight(batch, counter)
    leaving, staying = calls(batch, 1, 2)
    await begun()
    leaving.cancel()
    await begun()
    counter.open.set()

    assert await asyncio.gather(first, staying) == [0, 4]
    assert counter.runs == [[0], [2]]


async def test_a_call_that_is_cancelled_during_its_run_spoils_nothing(counter: Counter):
    batch = Batch(counter.run, 10)
    leaving, staying = calls(batch, 1, 2)
    await counter.begun.wait()
    leaving.cancel()
    await begun()
    counter.open.set()

    assert await staying == 4
    assert counter.runs == [[1, 2]]
    assert await batch(5) == 10


async def test_when_all_who_wait_are_cancelled_nothing_is_run(counter: Counter):
    batch = Batch(counter.run, 10)
    first = await first_in_flight(batch, counter)
    (leaving,) = calls(batch, 1)
    await begun()
    leaving.cancel()
    await begun()
    counter.open.set()

    assert await first == 0
    assert counter.runs == [[0]]


async def test_too_few_results_are_a_fault_of_the_run():
    async def run(items: list[int]) -> list[int]:
        return items[1:]

    with pytest.raises(AssertionError, match="one result for each"):
        await Batch(run, 10)(1)


async def test_too_many_who_wait_are_told_to_come_back(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batches, "WAITING_LIMIT", 2)
    batch = Batch(counter.run, 10)
    first = await first_in_flight(batch, counter)
    others = calls(batch, 1, 2)
    await begun()

    with pytest.raises(Busy):
        await batch(3)
    counter.open.set()
    assert await asyncio.gather(first, *others) == [0, 2, 4]


async def test_who_has_waited_too_long_is_sent_away_and_not_run(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batches, "LONGEST_WAIT_SECONDS", 0.02)
    batch = Batch(counter.run, 10)
    first = await first_in_flight(batch, counter)

    for item in (1, 2):
        with pytest.raises(Busy):
            await batch(item)
    counter.open.set()
    assert await first == 0
    assert counter.runs == [[0]]
    assert await batch(3) == 6


async def test_while_the_line_stands_still_nobody_may_join_it(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
):
    batch = Batch(counter.run, 10)
    first = await first_in_flight(batch, counter)
    waiting = calls(batch, 1)
    await begun()
    monkeypatch.setattr(batches, "FULL_SECONDS", 0)

    with pytest.raises(Busy):
        await batch(2)
    counter.open.set()
    assert await asyncio.gather(first, *waiting) == [0, 2]
    assert await batch(3) == 6


async def test_who_is_patient_is_not_sent_away_however_long_the_line_stands(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batches, "LONGEST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(batches, "FULL_SECONDS", 0)
    monkeypatch.setattr(batches, "WAITING_LIMIT", 1)
    batch = Batch(counter.run, 10, patient=True)
    first = await first_in_flight(batch, counter)
    others = calls(batch, 1, 2, 3)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(others[0]), 0.05)

    counter.open.set()
    assert await asyncio.gather(first, *others) == [0, 2, 4, 6]
    assert counter.runs == [[0], [1, 2, 3]]


async def test_when_the_run_is_cancelled_nobody_waits_for_ever(counter: Counter):
    batch = Batch(counter.run, 1)
    waiting = calls(batch, 1, 2)
    await counter.begun.wait()
    (worker,) = batch._workers
    worker.cancel()

    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * 2


async def test_while_one_run_is_in_flight_another_takes_its_share(counter: Counter):
    batch = Batch(counter.run, 10, runs=2)
    first = await first_in_flight(batch, counter)
    others = calls(batch, *range(1, 6))
    await begun()
    await begun()
    assert counter.runs == [[0], [1, 2, 3]]

    counter.open.set()
    assert await asyncio.gather(first, *others) == [0, 2, 4, 6, 8, 10]
    assert counter.runs == [[0], [1, 2, 3], [4, 5]]


async def test_a_run_does_not_carry_the_name_of_the_first_callers_request():
    request_id = contextvars.ContextVar("request_id", default="none")
    request_id.set("one of many")

    async def run(items: list[int]) -> list[str]:
        return [request_id.get() for _ in items]

    assert await Batch(run, 10)(1) == "none"


async def test_under_load_every_call_gets_its_own_result():
    sizes: list[int] = []

    async def run(items: list[int]) -> list[int]:
        sizes.append(len(items))
        await asyncio.sleep(0)
        return [-item for item in items]

    batch = Batch(run, 7)
    numbers = itertools.count()

    async def caller() -> None:
        for _ in range(50):
            number = next(numbers)
            assert await batch(number) == -number

    await asyncio.gather(*(caller() for _ in range(20)))
    assert sum(sizes) == 1000
    assert max(sizes) == 7


class Standing(asyncio.SelectorEventLoop):
    """A loop whose clock stands where it is set."""

    moment = 0.1

    def time(self) -> float:
        return self.moment


def test_who_has_waited_for_so_long_is_sent_away_whatever_the_clock_rounds_to(counter: Counter):
    async def wait() -> None:
        batch = Batch(counter.run, 10)
        first = await first_in_flight(batch, counter)
        [late] = calls(batch, 1)
        await begun()
        loop.moment += batches.LONGEST_WAIT_SECONDS
        assert loop.moment - batches.LONGEST_WAIT_SECONDS < 0.1
        for _ in range(5):
            await asyncio.sleep(0)
        assert isinstance(late.exception(), Busy)
        counter.open.set()
        await first

    with asyncio.Runner(loop_factory=Standing) as runner:
        loop = runner.get_loop()
        runner.run(wait())
