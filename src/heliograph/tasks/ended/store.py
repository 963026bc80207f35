"""The statement that ends tasks: of each its state, its calls, its money and its notice, or nothing."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from heliograph.base.database import Connection
from heliograph.base.narrowing import in_state
from heliograph.ledger.store import BOOKED, SETTLE_ENDED


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How the task `task_id` ends under the claim `claim_no`; the order of the fields is that of COLUMNS.

    `cut_off`: a call that has not answered may have been accepted. `body` is what its receiver is
    told, with `notice_id` and `callback_url`, or None.
    """

    task_id: uuid.UUID
    account_id: str
    claim_no: int
    charge_micros: int
    release_micros: int
    state: str
    images: Sequence[Mapping[str, Any]]
    made: int
    fail_code: str | None
    fail_message: str | None
    warnings: Sequence[str]
    scene: str | None
    stored_at: datetime.datetime | None
    completed_at: datetime.datetime
    files_expire_at: datetime.datetime | None
    cut_off: bool
    notice_id: uuid.UUID | None
    callback_url: str | None
    body: str | None


COLUMNS = """
    task_id uuid, account_id text, claim_no integer, charge_micros bigint, release_micros bigint,
    state text, images jsonb, made integer, fail_code text, fail_message text, warnings jsonb,
    scene text, stored_at timestamptz, completed_at timestamptz, files_expire_at timestamptz,
    cut_off boolean, notice_id uuid, callback_url text, body text
"""

#: $1 the rows; $2 only those of accounts that nobody else must look at; $3 what a picture costs at each
#: provider; $4 the providers where a call without an answer may be paid for; $5 for how long a lock is
#: waited for.
#: The balances are locked before the tasks, here as everywhere, so that nobody waits in a circle.
#: Joined by the account too, from which PostgreSQL concludes that they are few: each is looked up by its id.
END_TASKS = f"""
WITH patience AS MATERIALIZED (
    SELECT set_config('lock_timeout', $5, true) AS set
), given AS MATERIALIZED (
    SELECT given.* FROM patience, json_to_recordset($1::json) AS given ({COLUMNS})
), {BOOKED}, ended AS (
    UPDATE tasks SET state = given.state, images = given.images, fail_code = given.fail_code,
        fail_message = given.fail_message, warnings = given.warnings, scene = given.scene,
        stored_at = given.stored_at, completed_at = given.completed_at,
        files_expire_at = given.files_expire_at, progress = NULL, version = version + 1
    FROM given JOIN booked USING (task_id, account_id)
    WHERE tasks.task_id = given.task_id AND tasks.claim_no = given.claim_no
        AND {in_state("processing", of="tasks")} AND agrees AND (plain OR NOT $2)
    RETURNING given.*
), last AS (
    SELECT ended.*, (SELECT max(claim_no) FROM attempts WHERE attempts.task_id = ended.task_id)
        AS last_no FROM ended
), attempt AS (
    UPDATE attempts SET ended_at = completed_at, outcome = CASE
            WHEN attempts.claim_no < last_no THEN 'failed'
            WHEN outcome = 'intended' AND cut_off AND provider = ANY($4::text[]) THEN 'unknown'
            WHEN made > 0 THEN 'finished' ELSE 'failed' END,
        detail = CASE WHEN attempts.claim_no < last_no THEN 'lost with its worker' ELSE fail_message END,
        cost_micros = CASE WHEN attempts.claim_no = last_no
            THEN made * coalesce(($3::jsonb ->> provider)::bigint, 0) ELSE 0 END
    FROM last
    WHERE attempts.task_id = last.task_id AND attempts.claim_no <= last.claim_no
        AND outcome IN ('intended', 'started')
), {SETTLE_ENDED}, notice AS (
    INSERT INTO notices (notice_id, task_id, account_id, url, body, state, due_at, created_at)
    SELECT notice_id, task_id, account_id, callback_url, convert_to(body, 'UTF8'), 'pending',
        completed_at, completed_at
    FROM ended WHERE notice_id IS NOT NULL RETURNING notice_id
), job AS (
    SELECT enqueue_jobs(
        array_fill(0, ARRAY[count(*)::integer]),
        array_fill('deliver'::text, ARRAY[count(*)::integer]),
        array_agg(convert_to(replace(notice_id::text, '-', ''), 'UTF8')),
        array_fill(interval '0', ARRAY[count(*)::integer]),
        array_fill(NULL::text, ARRAY[count(*)::integer]),
        array_fill(jsonb 'null', ARRAY[count(*)::integer])) AS jobs
    FROM notice HAVING count(*) > 0
)
SELECT task_id, ended.task_id IS NOT NULL AS ended, NOT agrees AND EXISTS (
        SELECT FROM tasks WHERE tasks.task_id = given.task_id
            AND tasks.claim_no = given.claim_no AND {in_state("processing")}) AS disagrees,
    (SELECT jobs FROM job) AS jobs
FROM given JOIN booked USING (task_id, account_id) LEFT JOIN ended USING (task_id)
"""


async def end_tasks(  # noqa: PLR0913 - an ending depends on as much
    connection: Connection,
    endings: Sequence[Ended],
    *,
    plain_only: bool,
    costs_micros: Mapping[str, int],
    paid_at: Sequence[str],
    patience_ms: int,
) -> set[uuid.UUID]:
    """Write all `endings` whose claims still hold; gives the ids of the tasks that have ended by it.

    `plain_only` leaves out those of accounts with caps or a low balance to tell of, and those whose
    money does not agree with their hold. Without it the latter, a defect of ours, raise
    AssertionError, and the transaction ends. A picture costs what `costs_micros` says of its
    provider; a call to one of `paid_at` that was cut off may have been accepted. No lock is waited for
    longer than `patience_ms`.
    """
    rows = await connection.fetch(
        END_TASKS,
        msgspec.json.encode(endings).decode(),
        plain_only,
        dict(costs_micros),
        list(paid_at),
        f"{patience_ms}ms",
    )
    wrong = [row["task_id"] for row in rows if row["disagrees"]]
    if wrong and not plain_only:
        raise AssertionError(f"the settlement of task {wrong[0]} does not agree with its hold")
    return {row["task_id"] for row in rows if row["ended"]}
