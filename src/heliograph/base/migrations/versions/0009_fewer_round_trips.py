"""Calls get their places at engines in one round trip; who waits for an end hears of nothing else."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Whoever chooses holds the lock until the transaction ends: two that counted at once would take the
# same place. Only a function's statements see what was committed while it waited for the lock.
BEGIN_ENGINE_CALLS = """
CREATE FUNCTION begin_engine_calls(
    ended uuid[], wanted jsonb, most integer, moment timestamptz, lease_until timestamptz)
RETURNS TABLE (call_id uuid, engine text, suspect boolean) LANGUAGE plpgsql AS $function$
#variable_conflict use_column
DECLARE
    one record;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(7203411946);
    DELETE FROM engine_calls WHERE call_id = ANY (ended);
    FOR one IN SELECT * FROM jsonb_to_recordset(wanted) AS wanted (call_id uuid, names jsonb) LOOP
        RETURN QUERY
        WITH known AS (
            SELECT name, open_until, coalesce(open_until > moment, false) AS open, (
                SELECT count(*) FROM engine_calls AS other
                WHERE other.engine = name AND other.lease_until > moment) AS calls
            FROM jsonb_array_elements_text(one.names) AS wished (name)
            LEFT JOIN provider_health USING (name)
        ), working AS (
            SELECT * FROM known WHERE NOT open
                OR (open_until = (SELECT min(open_until) FROM known)
                    AND (SELECT bool_and(open) FROM known))
        ), chosen AS (
            SELECT name, open_until FROM working WHERE calls < most ORDER BY calls, random() LIMIT 1
        ), noted AS (
            INSERT INTO engine_calls (call_id, engine, lease_until)
            SELECT one.call_id, name, begin_engine_calls.lease_until FROM chosen
        )
        SELECT one.call_id, name, open_until IS NOT NULL FROM chosen;
    END LOOP;
END
$function$
"""

TELL_TASK_CHANGE = """
CREATE OR REPLACE FUNCTION tell_task_change() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM pg_notify('heliograph_changes', replace(NEW.task_id::text, '-', ''));
    {at_the_end}RETURN NULL;
END
$function$
"""

# Of the ends the others are told too: processes of the version before listen for nothing else.
TELL_THE_END = """IF NEW.state IN ('success', 'failed') THEN
        PERFORM pg_notify('heliograph_changes', replace(NEW.task_id::text, '-', '') || ' ended');
    END IF;
    """


def upgrade() -> None:
    """Add and replace functions; what is there stays as it is."""
    op.execute(BEGIN_ENGINE_CALLS)
    op.execute(TELL_TASK_CHANGE.format(at_the_end=TELL_THE_END))


def downgrade() -> None:
    """As it was."""
    op.execute(TELL_TASK_CHANGE.format(at_the_end=""))
    op.execute("DROP FUNCTION begin_engine_calls(uuid[], jsonb, integer, timestamptz, timestamptz)")
