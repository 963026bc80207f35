"""The statements that forget: files past their time, and the texts of tasks that have ended."""

import datetime
import uuid
from collections.abc import Sequence

from heliograph.base.clock import LEAST_ID, first_id_at
from heliograph.base.database import Connection
from heliograph.tasks.store import STATUS_COLUMNS
from heliograph.tasks.task import TaskStatus

#: What stands in the place of why a task failed once its data is deleted: that may quote the data.
FORGOTTEN = "What was said of this failure has been deleted with the data of the task."

#: Of the columns of a task what a customer wrote, or may be quoted in: $1 stands in for a failure's words.
FORGET = """
    request = request - '{prompt,negative_prompt,image_urls}'::text[],
    callback_url = NULL, source = NULL, warnings = NULL, scene = NULL,
    fail_message = CASE WHEN fail_message IS NOT NULL THEN $1 END,
    images = coalesce((
      SELECT jsonb_agg(
        CASE WHEN image ? 'fail_message'
          THEN image || jsonb_build_object('fail_message', $1::text) ELSE image END ORDER BY place)
      FROM jsonb_array_elements(images) WITH ORDINALITY AS each (image, place)), images)
"""

#: What was told of failures that are `forgotten` does not quote it any longer either: $1 as above.
FORGET_TOLD = """
    told AS (
      UPDATE notices SET body = convert_to(
        jsonb_set(convert_from(body, 'UTF8')::jsonb, '{data,failMsg}', to_jsonb($1::text))::text, 'UTF8')
      FROM forgotten WHERE notices.task_id = forgotten.task_id AND forgotten.state = 'failed'),
    told_of_batches AS (
      UPDATE notices SET body = convert_to(
        jsonb_set(convert_from(body, 'UTF8')::jsonb, '{data,items}', (
          SELECT jsonb_agg(
            CASE WHEN (item ->> 'taskId')::uuid IN (SELECT task_id FROM forgotten WHERE state = 'failed')
              THEN item || jsonb_build_object('failMsg', $1::text) ELSE item END ORDER BY place)
          FROM jsonb_array_elements(convert_from(body, 'UTF8')::jsonb #> '{data,items}')
            WITH ORDINALITY AS each (item, place)))::text, 'UTF8')
      WHERE batch_id IN (SELECT batch_id FROM forgotten WHERE state = 'failed'))
"""


async def read_expired(
    connection: Connection, now: datetime.datetime, limit: int, besides: Sequence[uuid.UUID] = ()
) -> list[uuid.UUID]:
    """Tasks, `besides` these, whose files are past their time and not yet deleted, the longest first."""
    rows = await connection.fetch(
        """
        SELECT task_id FROM tasks
        WHERE files_expire_at <= $1 AND files_deleted_at IS NULL AND task_id <> ALL($3)
        ORDER BY files_expire_at LIMIT $2
        """,
        now,
        limit,
        besides,
    )
    return [row["task_id"] for row in rows]


async def mark_files_deleted(
    connection: Connection, task_ids: Sequence[uuid.UUID], now: datetime.datetime
) -> None:
    """Note that the files of `task_ids` are gone; their addresses answer 410 from now on."""
    await connection.execute(
        "UPDATE tasks SET files_deleted_at = $2 WHERE task_id = ANY($1)", task_ids, now
    )


async def forget_content(
    connection: Connection, task_id: uuid.UUID, now: datetime.datetime
) -> TaskStatus | None:
    """Take the texts and inputs out of an ended task, and let its files expire now. None: not ended.

    Those of a failed one that has just ended have their time already: some may still be written.
    """
    row = await connection.fetchrow(
        f"""
        WITH forgotten AS (
          UPDATE tasks SET {FORGET}, data_deleted_at = coalesce(data_deleted_at, $3),
            files_expire_at = CASE state WHEN 'success' THEN least(files_expire_at, $3)
              ELSE files_expire_at END, version = version + 1
          WHERE task_id = $2 AND state IN ('success', 'failed')
          RETURNING {STATUS_COLUMNS}, batch_id),
        calls AS (
          UPDATE attempts SET detail = NULL FROM forgotten
          WHERE attempts.task_id = forgotten.task_id AND detail IS NOT NULL),
        {FORGET_TOLD}
        SELECT {STATUS_COLUMNS} FROM forgotten
        """,
        FORGOTTEN,
        task_id,
        now,
    )
    return None if row is None else TaskStatus(*row)


async def forget_texts(
    connection: Connection, before: datetime.datetime, now: datetime.datetime, limit: int
) -> int:
    """Take texts and inputs out of at most `limit` tasks made `before`, the oldest; gives of how many.

    Where the next begin is written down, so that those that are done are not looked through again.
    Files have a time of their own, and nobody is told: it is long ago.
    """
    since = await connection.fetchval("SELECT since FROM kept_since WHERE what = 'texts'")
    last = await connection.fetchrow(
        f"""
        WITH old AS (
          SELECT task_id FROM tasks
          WHERE task_id >= $2 AND task_id < $3 AND state IN ('success', 'failed')
            AND data_deleted_at IS NULL
          ORDER BY task_id LIMIT $5),
        forgotten AS (
          UPDATE tasks SET {FORGET}, data_deleted_at = $4
          FROM old WHERE tasks.task_id = old.task_id
          RETURNING tasks.task_id, state, batch_id, created_at),
        calls AS (
          UPDATE attempts SET detail = NULL FROM old
          WHERE attempts.task_id = old.task_id AND detail IS NOT NULL),
        {FORGET_TOLD}
        SELECT count(*), max(created_at) FROM forgotten
        """,
        FORGOTTEN,
        LEAST_ID if since is None else first_id_at(since),
        first_id_at(before),
        now,
        limit,
    )
    done, moment = last
    await connection.execute(
        """
        INSERT INTO kept_since (what, since) VALUES ('texts', $1)
        ON CONFLICT (what) DO UPDATE SET since = greatest(kept_since.since, excluded.since)
        """,
        before if done < limit else moment,
    )
    return int(done)
