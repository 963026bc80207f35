"""Data that grows: how old rows are found, how far they were counted and proved, how they are vacuumed."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Rows that are added in the order of their time and stay where they are: a BRIN index finds those of a
# while, costs writers next to nothing, and takes some kilobytes for a million of them.
BY_TIME = """
CREATE INDEX transfers_by_time ON transfers USING brin (created_at)
    WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX attempts_by_time ON attempts USING brin (intended_at)
    WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX notice_attempts_by_time ON notice_attempts USING brin (started_at)
    WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX notices_by_time ON notices (created_at, notice_id)
"""

# What is asked for and is rare, so that nobody reads through all that is not.
RARE = """
CREATE INDEX tasks_failed ON tasks (account_id, task_id) WHERE state = 'failed';
CREATE INDEX notices_dead ON notices (created_at, notice_id) WHERE state = 'dead';
CREATE INDEX notices_of_batches ON notices (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX uploads_deleted ON uploads (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX inboxes_by_account ON inboxes (account_id, created_at);
CREATE INDEX inboxes_expiring ON inboxes (expires_at)
"""

# Of `what` nothing is kept that is older.
KEPT = """
CREATE TABLE kept_since (
    what   text PRIMARY KEY,
    since  timestamptz NOT NULL
)
"""

# Figures of tasks before `tasks_before` and of webhook attempts before `attempts_before`, which do not
# change any more.
TALLIES = """
CREATE TABLE tallies (
    figure  text NOT NULL,
    labels  text[] NOT NULL,
    number  bigint NOT NULL,
    PRIMARY KEY (figure, labels)
) WITH (fillfactor = 50);

CREATE TABLE tallied (
    single           boolean PRIMARY KEY DEFAULT true CHECK (single),
    tasks_before     uuid NOT NULL,
    attempts_before  timestamptz NOT NULL
);

INSERT INTO tallied (tasks_before, attempts_before)
VALUES ('00000000-0000-0000-0000-000000000000', 'epoch')
"""

# How far the audit has proved the books, and what the balances were there: each side of a balance is
# the sum of the transfers up to `transfer_id`, and every task before `tasks_before` has ended well.
PROVEN = """
CREATE TABLE proven (
    single        boolean PRIMARY KEY DEFAULT true CHECK (single),
    transfer_id   bigint NOT NULL,
    tasks_before  uuid NOT NULL,
    proven_at     timestamptz NOT NULL
);

CREATE TABLE proven_balances (
    account_id        text PRIMARY KEY,
    available_micros  bigint NOT NULL,
    held_micros       bigint NOT NULL,
    charged_micros    bigint NOT NULL,
    funded_micros     bigint NOT NULL
)
"""

# A fifth of a table of millions is too much to wait for. Tables that are only added to are visited for
# their visibility map, which spares later vacuums and the audit the look at old pages. Balances are few
# rows that change without end: they must never be cut short, for that locks all others out.
VACUUM = """
ALTER TABLE tasks SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE transfers SET (autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE attempts SET (autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE notices SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
    autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE notice_attempts SET (autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE idempotency_keys SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE balances SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    vacuum_truncate = off);
ALTER TABLE key_spending SET (vacuum_truncate = off)
"""

INDEXES = (
    "transfers_by_time",
    "attempts_by_time",
    "notice_attempts_by_time",
    "notices_by_time",
    "tasks_failed",
    "notices_dead",
    "notices_of_batches",
    "uploads_deleted",
    "inboxes_by_account",
    "inboxes_expiring",
)

VACUUMED = {
    "tasks": "autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,"
    " autovacuum_vacuum_insert_scale_factor, autovacuum_analyze_scale_factor",
    "transfers": "autovacuum_vacuum_insert_scale_factor, autovacuum_analyze_scale_factor",
    "attempts": "autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor,"
    " autovacuum_analyze_scale_factor",
    "notices": "autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,"
    " autovacuum_analyze_scale_factor",
    "notice_attempts": "autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor",
    "idempotency_keys": "autovacuum_vacuum_scale_factor",
    "balances": "autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, vacuum_truncate",
    "key_spending": "vacuum_truncate",
}


def upgrade() -> None:
    """Add indexes and tables, and say when to vacuum."""
    for statements in (BY_TIME, RARE, KEPT, TALLIES, PROVEN, VACUUM):
        op.execute(statements)


def downgrade() -> None:
    """Take them away. What was counted is counted anew by the next upgrade, what was proved is proved anew."""
    op.execute("DROP TABLE proven_balances, proven, tallied, tallies, kept_since")
    op.execute(f"DROP INDEX {', '.join(INDEXES)}")
    for table, settings in VACUUMED.items():
        op.execute(f"ALTER TABLE {table} RESET ({settings})")
