"""Several makers of pictures: turns, refusals, health, engines in use, alarms, costs; the scene drawn."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# `turn_of` is the provider at which a task holds one of the limited places, `waits_for` the one whose
# place it waits for.
TASKS = """
ALTER TABLE tasks ADD COLUMN turn_of text, ADD COLUMN waits_for text, ADD COLUMN scene text;
CREATE INDEX tasks_in_turn ON tasks (turn_of) WHERE turn_of IS NOT NULL AND state = 'processing';
CREATE INDEX tasks_waiting ON tasks (waits_for, created_at)
    WHERE waits_for IS NOT NULL AND state = 'processing'
"""

ATTEMPTS = """
ALTER TABLE attempts
    ADD COLUMN fail_code text,
    ADD COLUMN retry_at timestamptz,
    ADD COLUMN cost_micros bigint CHECK (cost_micros >= 0),
    DROP CONSTRAINT attempts_outcome_check,
    ADD CONSTRAINT attempts_outcome_check
        CHECK (outcome IN ('intended', 'started', 'finished', 'failed', 'refused', 'unknown'));
CREATE INDEX attempts_by_ref ON attempts (provider, provider_ref) WHERE provider_ref IS NOT NULL
"""

# `open_until` is how long a provider or an engine that keeps failing is not asked (its circuit is open).
HEALTH = """
CREATE TABLE turns (
    name     text PRIMARY KEY,
    next_at  timestamptz NOT NULL
);

CREATE TABLE provider_health (
    name        text PRIMARY KEY,
    failures    integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    open_until  timestamptz,
    error       text,
    failed_at   timestamptz,
    worked_at   timestamptz
);

CREATE TABLE engine_calls (
    call_id      uuid PRIMARY KEY,
    engine       text NOT NULL,
    lease_until  timestamptz NOT NULL
);
CREATE INDEX engine_calls_by_engine ON engine_calls (engine);

CREATE TABLE alarms (
    provider  text NOT NULL,
    code      text NOT NULL,
    remedy    text NOT NULL,
    number    bigint NOT NULL DEFAULT 1,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    told_at   timestamptz,
    PRIMARY KEY (provider, code)
)
"""


def upgrade() -> None:
    """Add the columns and tables."""
    for statements in (TASKS, ATTEMPTS, HEALTH):
        op.execute(statements)


def downgrade() -> None:
    """Take them away again; attempts that were refused count as failed."""
    op.execute("DROP TABLE alarms, engine_calls, provider_health, turns")
    op.execute("UPDATE attempts SET outcome = 'failed' WHERE outcome = 'refused'")
    op.execute("DROP INDEX attempts_by_ref")
    op.execute(
        """
        ALTER TABLE attempts DROP COLUMN fail_code, DROP COLUMN retry_at,
            DROP COLUMN cost_micros,
            DROP CONSTRAINT attempts_outcome_check,
            ADD CONSTRAINT attempts_outcome_check
                CHECK (outcome IN ('intended', 'started', 'finished', 'failed', 'unknown'))
        """
    )
    op.execute("DROP INDEX tasks_in_turn")
    op.execute("DROP INDEX tasks_waiting")
    op.execute("ALTER TABLE tasks DROP COLUMN turn_of, DROP COLUMN waits_for, DROP COLUMN scene")
