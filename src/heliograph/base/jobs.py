"""Jobs: nudges for workers, born in the transaction of the rows that they belong to.

A job carries nothing but an id. Losing one, running one twice or late is harmless: the row that
the id names decides what is done.
"""

import datetime
from collections.abc import Sequence

import msgspec
from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.domain.settings import DBSettings

from heliograph.base.database import Connection

#: What the statements below add to PgQueuer's own.
QUEUE_FUNCTIONS = ("enqueue_jobs", "spare_the_disk", "keep_no_log")

#: Each queue once: a notification holds 8,000 bytes.
_NAME_QUEUES = """
    SELECT set_config('heliograph.entrypoints', json_agg(DISTINCT entrypoint)::text, true)
    FROM unnest($2) AS entrypoint
"""

_SETTINGS = DBSettings()


class Job(msgspec.Struct, frozen=True):
    """Run `entrypoint` for the row `subject`, `after_seconds` from now.

    Jobs of higher `priority` go first. Of queued jobs with one `dedupe_key` only the first is kept.
    """

    entrypoint: str
    subject: str
    priority: int = 0
    after_seconds: float = 0
    dedupe_key: str | None = None


async def enqueue(connection: Connection, jobs: Sequence[Job]) -> None:
    """Queue `jobs` with the caller's transaction."""
    if jobs:
        await connection.execute(
            "SELECT enqueue_jobs($1, $2, $3, $4, $5, array_fill(jsonb 'null', ARRAY[$6::integer]))",
            [job.priority for job in jobs],
            [job.entrypoint for job in jobs],
            [job.subject.encode() for job in jobs],
            [datetime.timedelta(seconds=job.after_seconds) for job in jobs],
            [job.dedupe_key for job in jobs],
            len(jobs),
        )


def waits_already(dedupe_key: str) -> str:
    """SQL that tells whether a job with the name that `dedupe_key`, itself SQL, comes to is still to be done."""
    return f"""EXISTS (SELECT FROM {_SETTINGS.queue_table}
        WHERE dedupe_key = {dedupe_key} AND status IN ('queued', 'picked'))"""


def enqueue_function() -> str:
    """SQL that makes PgQueuer's own statement a function, for statements that write more than jobs.

    `enqueue_jobs` takes arrays of equal length: priorities, entrypoints, payloads, delays, dedupe keys
    and headers, as PgQueuer does.
    """
    return f"""
    CREATE OR REPLACE FUNCTION enqueue_jobs(integer[], text[], bytea[], interval[], text[], jsonb[])
    RETURNS integer LANGUAGE sql AS $function$
    {_NAME_QUEUES};
    {QueryQueueBuilder().build_enqueue_query("skip")};
    SELECT cardinality($1)
    $function$
    """


def tell_function() -> str:
    """SQL that puts a function of ours for PgQueuer's own which tells workers of changes.

    It names the entrypoints for which there is something new, so that only those who serve them look.
    """
    return f"""
    CREATE OR REPLACE FUNCTION {_SETTINGS.function}() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        IF TG_OP <> 'UPDATE' THEN
            PERFORM pg_notify('{_SETTINGS.channel}', json_build_object(
                'type', 'table_changed_event', 'channel', '{_SETTINGS.channel}', 'table', TG_TABLE_NAME,
                'operation', lower(TG_OP), 'sent_at', now(), 'entrypoints',
                CASE TG_OP WHEN 'INSERT' THEN
                    nullif(current_setting('heliograph.entrypoints', true), '')::json END)::text);
        END IF;
        RETURN NULL;
    END
    $function$
    """


def flush_trigger() -> str:
    """SQL that lets commits which take up, end or put off jobs not wait for the disk.

    A crash forgets the last of them at most, and then a job runs twice. New jobs do wait, with the rows
    that they belong to.
    """
    return """
    CREATE OR REPLACE FUNCTION spare_the_disk() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        PERFORM set_config('synchronous_commit', 'off', true);
        RETURN NULL;
    END
    $function$;
    DO $do$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'jobs_spare_the_disk') THEN
            CREATE TRIGGER jobs_spare_the_disk BEFORE UPDATE OR DELETE ON pgqueuer
                FOR EACH STATEMENT EXECUTE FUNCTION spare_the_disk();
        END IF;
    END
    $do$
    """


def log_trigger() -> str:
    """SQL that keeps PgQueuer from keeping a log of jobs, and empties the one of before.

    It would write three rows with five indexes for each job; the tasks tell what became of them.
    """
    return """
    CREATE OR REPLACE FUNCTION keep_no_log() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        RETURN NULL;
    END
    $function$;
    DO $do$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'jobs_keep_no_log') THEN
            CREATE TRIGGER jobs_keep_no_log BEFORE INSERT ON pgqueuer_log
                FOR EACH ROW EXECUTE FUNCTION keep_no_log();
            TRUNCATE pgqueuer_log;
        END IF;
    END
    $do$
    """
