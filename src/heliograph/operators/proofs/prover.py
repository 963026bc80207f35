"""The audit, run beside everything else, with its result kept for who asks later."""

import asyncio
import contextlib
import datetime
from collections.abc import Coroutine

from heliograph.base.clock import Clock
from heliograph.base.database import Connection, Pool, borrow, transaction
from heliograph.base.errors import Busy, Conflict
from heliograph.base.log import log
from heliograph.ledger.audit import Finding, audit
from heliograph.operators.log.store import Deed, note_deed
from heliograph.operators.proofs import store

STOPPED = "The server was stopped before the audit had ended. Run it again."


class Prover:
    """Runs the audit in the background: the database does the work, and nobody waits for it."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, operator: str) -> store.Proof | None:
        """Begin a run; gives the last one before it that came to an end.

        Raises Conflict while one is under way, in whatever process.
        """
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            await store.lock_proofs(connection)
            last, ended = await store.read_proofs(connection)
            if last is not None and last.runs_at(now):
                raise Conflict("An audit is under way. Wait for its result.")
            proof_id = await begin(connection, operator, now=now)
        self._keep(self._prove(proof_id))
        # so that it has begun, and can say so when it is stopped
        await asyncio.sleep(0)
        return ended

    async def close(self) -> None:
        """Give up what is under way, and say so."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _prove(self, proof_id: int) -> None:
        try:
            await prove(self._pool, self._clock, proof_id)
        except Exception as error:  # noqa: BLE001 - prove has told the table, this tells the log
            log.error("audit.broken", error=repr(error))


async def begin(connection: Connection, operator: str, *, now: datetime.datetime) -> int:
    """Note in table and log that a run begins; gives its number."""
    await note_deed(connection, Deed(operator=operator, action="audit", subject="books"), now=now)
    return await store.begin_proof(connection, operator, now=now)


async def prove_now(pool: Pool, clock: Clock, operator: str) -> list[Finding]:
    """Run the audit and wait for it, whoever else runs one; what it finds is kept, too."""
    async with transaction(pool) as connection:
        proof_id = await begin(connection, operator, now=clock.now())
    return await prove(pool, clock, proof_id)


async def prove(pool: Pool, clock: Clock, proof_id: int) -> list[Finding]:
    """Run the audit, and keep under `proof_id` what it finds, or why it came to no end."""
    try:
        findings = await audit(pool)
    except BaseException as error:
        reason = STOPPED if isinstance(error, asyncio.CancelledError) else _sentence(error)
        with contextlib.suppress(Busy):
            async with borrow(pool) as connection:
                await store.break_proof(connection, proof_id, reason, now=clock.now())
        raise
    async with borrow(pool) as connection:
        await store.end_proof(connection, proof_id, findings, now=clock.now())
    return findings


def _sentence(error: BaseException) -> str:
    known = isinstance(error, Busy)
    return f"{error}. Run it again." if known else "It broke off; the log of the server says why."
