"""What operators do: the log of it, models that are off, runs of the audit; and which workers live."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What an operator has done is never rewritten, not even by operators: the database refuses it.
ACTIONS = """
CREATE TABLE operator_actions (
    action_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator    text NOT NULL,
    action      text NOT NULL,
    account_id  text,
    subject     text NOT NULL,
    before      jsonb,
    after       jsonb,
    note        text,
    repeat_key  text UNIQUE,
    created_at  timestamptz NOT NULL
);

CREATE INDEX operator_actions_by_account ON operator_actions (account_id, action_id)
    WHERE account_id IS NOT NULL;

CREATE TRIGGER operator_actions_are_only_added
    BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_actions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""

MODELS = """
CREATE TABLE models_off (
    model        text PRIMARY KEY,
    operator     text NOT NULL,
    reason       text NOT NULL,
    switched_at  timestamptz NOT NULL
)
"""

PROOFS = """
CREATE TABLE proofs (
    proof_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator    text NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    found       integer CHECK (found >= 0),
    findings    jsonb,
    error       text,
    CHECK ((ended_at IS NULL) = (found IS NULL AND error IS NULL)),
    CHECK ((found IS NULL) = (findings IS NULL))
)
"""

WORKERS = """
CREATE TABLE workers (
    worker_id   uuid PRIMARY KEY,
    host        text NOT NULL,
    process_id  integer NOT NULL,
    queues      text[] NOT NULL,
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL
)
"""


def upgrade() -> None:
    """Add the tables."""
    for statements in (ACTIONS, MODELS, PROOFS, WORKERS):
        op.execute(statements)


def downgrade() -> None:
    """Drop them; all models are on, and what operators did is forgotten."""
    op.execute("DROP TABLE workers, proofs, models_off, operator_actions")
