"""Every statement on runs of the audit."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from heliograph.base.database import Connection
from heliograph.ledger.audit import Finding

#: Of the findings of one run, so many are kept.
MOST_KEPT = 100

#: So many runs are kept.
MOST_PROOFS = 10_000

#: A run that is older than this and has no end was lost with its process.
LOST_MINUTES = 15

COLUMNS = "proof_id, operator, started_at, ended_at, found, findings, error"


@dataclass(frozen=True)
class Proof:
    """A run of the audit. `found` counts what is wrong; `error` is why it came to no end."""

    proof_id: int
    operator: str
    started_at: datetime.datetime
    ended_at: datetime.datetime | None
    found: int | None
    findings: list[Finding]
    error: str | None

    def runs_at(self, now: datetime.datetime) -> bool:
        """Whether it is under way, as far as one can know."""
        lost = datetime.timedelta(minutes=LOST_MINUTES)
        return self.ended_at is None and now - self.started_at < lost


async def begin_proof(connection: Connection, operator: str, *, now: datetime.datetime) -> int:
    """Note that a run begins; gives its number. Of the earlier ones the last are kept."""
    proof_id: int = await connection.fetchval(
        """
        WITH forgotten AS (
            DELETE FROM proofs WHERE proof_id <= (SELECT max(proof_id) - $3 FROM proofs)
        )
        INSERT INTO proofs (operator, started_at) VALUES ($1, $2) RETURNING proof_id
        """,
        operator,
        now,
        MOST_PROOFS,
    )
    return proof_id


async def end_proof(
    connection: Connection, proof_id: int, findings: Sequence[Finding], *, now: datetime.datetime
) -> None:
    """Note what a run has found, nothing being the proof that all is right."""
    await connection.execute(
        "UPDATE proofs SET ended_at = $2, found = $3, findings = $4 WHERE proof_id = $1",
        proof_id,
        now,
        len(findings),
        msgspec.to_builtins(findings[:MOST_KEPT]),
    )


async def break_proof(
    connection: Connection, proof_id: int, error: str, *, now: datetime.datetime
) -> None:
    """Note why a run came to no end."""
    await connection.execute(
        "UPDATE proofs SET ended_at = $2, error = $3 WHERE proof_id = $1", proof_id, now, error
    )


async def lock_proofs(connection: Connection) -> None:
    """Let nobody else begin a run until the transaction ends."""
    await connection.execute("LOCK TABLE proofs IN SHARE ROW EXCLUSIVE MODE")


async def read_proofs(connection: Connection) -> tuple[Proof | None, Proof | None]:
    """The run that was begun last, and the last that came to an end; either may be None."""
    rows = await connection.fetch(
        f"""
        (SELECT {COLUMNS} FROM proofs ORDER BY proof_id DESC LIMIT 1)
        UNION ALL
        (SELECT {COLUMNS} FROM proofs WHERE ended_at IS NOT NULL ORDER BY proof_id DESC LIMIT 1)
        """
    )
    proofs = [_proof(row) for row in rows]
    return (proofs[0] if proofs else None), (proofs[1] if len(proofs) > 1 else None)


def _proof(row: asyncpg.Record) -> Proof:
    findings = [Finding(**one) for one in row["findings"] or ()]
    return Proof(**dict(row) | {"findings": findings})
