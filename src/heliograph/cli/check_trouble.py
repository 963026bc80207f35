"""Whether anything stands still or is slow: overdue tasks and notices, and statements of the database."""

import datetime
from collections.abc import AsyncIterator, Sequence

from heliograph.base.database import borrow
from heliograph.cli.check import Check
from heliograph.operators.trouble.store import (
    Overdue,
    Running,
    Slow,
    read_overdue,
    read_running,
    read_slow,
)
from heliograph.runtime import Runtime

#: Workers sweep every few seconds: what has been due for longer, nobody looks at.
OVERDUE_SECONDS = 90.0

#: Statements of the service take milliseconds, and are cut off after half a minute.
RUNNING_SECONDS = 10.0

#: What is slower on average, and more often than by chance, is worth a look.
SLOW_MS = 100.0
SLOW_CALLS = 20


async def check_trouble(
    runtime: Runtime, running_seconds: float = RUNNING_SECONDS
) -> AsyncIterator[Check]:
    """Look at what waits on this database and at how quickly it answers.

    A statement that has run for `running_seconds` runs too long.
    """
    before = runtime.clock.now() - datetime.timedelta(seconds=OVERDUE_SECONDS)
    async with borrow(runtime.pool) as connection:
        overdue = await read_overdue(connection, before)
        running = await read_running(connection, running_seconds)
        slow = await read_slow(connection, SLOW_MS, SLOW_CALLS)
    yield _check_overdue(overdue)
    yield _check_running(running, running_seconds)
    yield _check_slow(slow)


def _check_overdue(overdue: Sequence[Overdue]) -> Check:
    if not overdue:
        return Check("overdue", True, "nothing")
    found = "; ".join(
        f"{one.number} {one.kind}s, the first, {one.example}, since {one.due_at:%Y-%m-%d %H:%M:%S} UTC"
        for one in overdue
    )
    return Check(
        "overdue",
        False,
        found,
        "Workers for the queue `run` sweep such things up: see that one is alive and reaches the"
        " database. heliograph task show ID, or webhook show ID, tells what became of one.",
    )


def _check_running(running: Sequence[Running], seconds: float) -> Check:
    if not running:
        return Check("statements", True, f"none has run for {seconds:.0f} s")
    found = "; ".join(
        f"process {one.process_id} for {one.seconds:.0f} s{_state(one)}: {one.statement}"
        for one in running[:3]
    )
    return Check(
        "statements",
        False,
        f"{len(running)} run long: {found}",
        "A backup may be one of them. Another holds locks that tasks wait for:"
        " pg_terminate_backend(PROCESS) ends it.",
    )


def _state(one: Running) -> str:
    return " in a transaction that does nothing" if one.waits else ""


def _check_slow(slow: Sequence[Slow] | None) -> Check:
    if slow is None:
        return Check("slow statements", True, "not counted: pg_stat_statements is not installed")
    if not slow:
        return Check("slow statements", True, f"none takes {SLOW_MS:.0f} ms on average")
    found = "; ".join(f"{one.mean_ms:.0f} ms x {one.calls}: {one.statement}" for one in slow)
    return Check(
        "slow statements",
        False,
        found,
        "Look whether autovacuum keeps up and the disk is quick. pg_stat_statements_reset() begins to"
        " count anew.",
    )
