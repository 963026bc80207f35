"""What is written down of operators, and what no statement can take back."""

import asyncio
import datetime
import uuid

import asyncpg
import pytest

from heliograph.base.clock import SettableClock
from heliograph.base.database import transaction
from heliograph.base.errors import Forbidden
from heliograph.operators.log.store import Deed, list_actions, note_deed
from heliograph.operators.proofs.prover import STOPPED, Prover
from heliograph.operators.proofs.store import read_proofs
from heliograph.operators.switch import switch_off, switch_on
from heliograph.operators.switches.switches import Switches
from heliograph.operators.workers.beat import beat
from heliograph.operators.workers.store import list_workers, note_alive

NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operator_actions SET operator = 'nobody'",
        "UPDATE operator_actions SET note = NULL WHERE action_id = 1",
        "DELETE FROM operator_actions",
        "DELETE FROM operator_actions WHERE false",
        "TRUNCATE operator_actions",
    ],
)
async def test_the_log_is_only_added_to(pool: asyncpg.Pool, statement: str):
    deed = Deed(operator="Ada", action="topup", subject="acc_1", note="why")
    async with transaction(pool) as connection:
        await note_deed(connection, deed, now=NOW)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="only ever added"):
        await pool.execute(statement)
    (action,) = await list_actions(pool, None, before_id=None, limit=10)
    assert (action.operator, action.note) == ("Ada", "why")


async def test_what_is_undone_is_not_in_the_log(pool: asyncpg.Pool):
    async def fail_after(deed: Deed) -> None:
        async with transaction(pool) as connection:
            await note_deed(connection, deed, now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after(Deed(operator="Ada", action="topup", subject="acc_1"))
    assert await list_actions(pool, None, before_id=None, limit=10) == []


async def test_a_switch_turned_elsewhere_is_known_within_a_second(pool: asyncpg.Pool):
    clock = SettableClock(NOW)
    switches = Switches(pool, clock)
    await switches.refresh()
    await switch_off(pool, "Ada", "m", "Back soon", now=NOW)
    await switches.refresh()
    switches.check("m")
    clock.advance(1)
    await switches.refresh()
    with pytest.raises(Forbidden, match=r"m is switched off on this server: Back soon\."):
        switches.check("m")
    switches.check("another")
    await switch_on(pool, "Ada", "m", now=NOW)
    clock.advance(-3600)
    await switches.refresh()
    switches.check("m")


async def test_the_switches_are_asked_once_for_many(pool: asyncpg.Pool):
    switches = Switches(pool, SettableClock(NOW))
    await asyncio.gather(*(switches.refresh() for _ in range(50)))
    await pool.execute("DROP TABLE models_off")
    await switches.refresh()
    switches.forget()
    with pytest.raises(asyncpg.UndefinedTableError):
        await switches.refresh()


async def test_an_audit_that_is_stopped_says_so(pool: asyncpg.Pool):
    prover = Prover(pool, SettableClock(NOW))
    async with transaction(pool) as connection:
        # the audit waits for this lock, so that it is under way for as long as we like
        await connection.execute("LOCK TABLE transfers IN ACCESS EXCLUSIVE MODE")
        await prover.start("Ada")
        await prover.close()
    last, ended = await read_proofs(pool)
    assert last == ended
    assert last is not None
    assert (last.error, last.found) == (STOPPED, None)


async def test_an_audit_that_breaks_off_says_so(pool: asyncpg.Pool):
    await pool.execute("ALTER TABLE key_spending RENAME TO gone")
    prover = Prover(pool, SettableClock(NOW))
    await prover.start("Ada")
    await asyncio.gather(*prover._running)
    _, ended = await read_proofs(pool)
    assert ended is not None
    assert "the log of the server says why" in (ended.error or "")


async def test_a_worker_that_was_killed_long_ago_is_forgotten(pool: asyncpg.Pool):
    dead, live = uuid.uuid4(), uuid.uuid4()
    await note_alive(pool, dead, "there", 7, ["run"])
    await pool.execute("UPDATE workers SET seen_at = now() - interval '25 hours'")
    assert await list_workers(pool) == []
    await note_alive(pool, live, "here", 8, ["run"])
    assert await pool.fetchval("SELECT array_agg(worker_id) FROM workers") == [live]


async def test_a_worker_says_that_it_lives_until_it_ends(pool: asyncpg.Pool):
    stop = asyncio.Event()
    task = asyncio.create_task(beat(pool, ["run", "check"], stop))
    while not (workers := await list_workers(pool)):
        await asyncio.sleep(0)
    (worker,) = workers
    assert worker.queues == ["run", "check"]
    assert worker.silent_seconds < 10
    stop.set()
    await task
    assert await list_workers(pool) == []
