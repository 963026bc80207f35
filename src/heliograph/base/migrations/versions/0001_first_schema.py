"""Accounts, money, tasks, attempts and notices."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACCOUNTS = """
CREATE TABLE accounts (
    account_id      text PRIMARY KEY,
    name            text NOT NULL,
    webhook_secret  text NOT NULL,
    created_at      timestamptz NOT NULL,
    max_live_tasks  integer NOT NULL CHECK (max_live_tasks > 0)
);

CREATE TABLE api_keys (
    key_id                 text PRIMARY KEY,
    account_id             text NOT NULL REFERENCES accounts,
    name                   text NOT NULL,
    secret_sha256          bytea NOT NULL UNIQUE,
    test                   boolean NOT NULL,
    routing                text NOT NULL CHECK (routing IN ('auto', 'value', 'official')),
    rate_limit_per_minute  integer NOT NULL,
    created_at             timestamptz NOT NULL,
    expires_at             timestamptz,
    revoked_at             timestamptz
)
"""

# Balances change with every task: room on the page keeps those updates off the index (HOT).
MONEY = """
CREATE TABLE balances (
    account_id        text PRIMARY KEY REFERENCES accounts,
    available_micros  bigint NOT NULL DEFAULT 0 CHECK (available_micros >= 0),
    held_micros       bigint NOT NULL DEFAULT 0 CHECK (held_micros >= 0),
    charged_micros    bigint NOT NULL DEFAULT 0 CHECK (charged_micros >= 0),
    funded_micros     bigint NOT NULL DEFAULT 0,
    live_tasks        integer NOT NULL DEFAULT 0 CHECK (live_tasks >= 0),
    CONSTRAINT balances_add_up
        CHECK (funded_micros = available_micros + held_micros + charged_micros)
) WITH (fillfactor = 50);

CREATE TABLE transfers (
    transfer_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     text NOT NULL REFERENCES accounts,
    task_id        uuid,
    kind           text NOT NULL,
    debit          text NOT NULL,
    credit         text NOT NULL,
    amount_micros  bigint NOT NULL CHECK (amount_micros > 0),
    note           text,
    created_at     timestamptz NOT NULL,
    UNIQUE (task_id, kind),
    CONSTRAINT transfers_known_ways CHECK ((kind, debit, credit) IN (
        ('topup', 'funding', 'available'),
        ('hold', 'available', 'held'),
        ('charge', 'held', 'revenue'),
        ('release', 'held', 'available'),
        ('adjust', 'funding', 'available'),
        ('adjust', 'available', 'funding')
    ))
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER transfers_are_only_added
    BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""

TASKS = """
CREATE TABLE tasks (
    task_id            uuid PRIMARY KEY,
    account_id         text NOT NULL,
    key_id             text NOT NULL,
    model              text NOT NULL,
    mode               text NOT NULL,
    test               boolean NOT NULL,
    routing            text NOT NULL,
    request            jsonb NOT NULL,
    num_images         smallint NOT NULL,
    unit_price_micros  bigint NOT NULL,
    callback_url       text,
    source             text,
    state              text NOT NULL
        CHECK (state IN ('pending', 'processing', 'success', 'failed')),
    claim_no           integer NOT NULL DEFAULT 0,
    due_at             timestamptz NOT NULL,
    provider           text,
    provider_ref       text,
    starts             smallint NOT NULL DEFAULT 0,
    progress           real[],
    images             jsonb,
    warnings           jsonb,
    fail_code          text,
    fail_message       text,
    created_at         timestamptz NOT NULL,
    deadline_at        timestamptz NOT NULL,
    claimed_at         timestamptz,
    completed_at       timestamptz,
    files_expire_at    timestamptz,
    files_deleted_at   timestamptz
) WITH (fillfactor = 70);

CREATE INDEX tasks_open ON tasks (due_at) WHERE state IN ('pending', 'processing');
CREATE INDEX tasks_expiring ON tasks (files_expire_at)
    WHERE files_expire_at IS NOT NULL AND files_deleted_at IS NULL;

CREATE TABLE attempts (
    task_id       uuid NOT NULL,
    claim_no      integer NOT NULL,
    provider      text NOT NULL,
    outcome       text NOT NULL
        CHECK (outcome IN ('intended', 'started', 'finished', 'failed', 'unknown')),
    provider_ref  text,
    detail        text,
    intended_at   timestamptz NOT NULL,
    ended_at      timestamptz,
    PRIMARY KEY (task_id, claim_no)
)
"""

NOTICES = """
CREATE TABLE notices (
    notice_id   uuid PRIMARY KEY,
    task_id     uuid NOT NULL UNIQUE,
    account_id  text NOT NULL,
    url         text NOT NULL,
    body        bytea NOT NULL,
    state       text NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts    smallint NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    ended_at    timestamptz
);

CREATE INDEX notices_due ON notices (due_at) WHERE state = 'pending';

CREATE TABLE notice_attempts (
    notice_id   uuid NOT NULL REFERENCES notices,
    attempt_no  smallint NOT NULL,
    started_at  timestamptz NOT NULL,
    latency_ms  integer,
    status      integer,
    error       text,
    answer      text,
    PRIMARY KEY (notice_id, attempt_no)
)
"""


def upgrade() -> None:
    """Create every table."""
    for statements in (ACCOUNTS, MONEY, TASKS, NOTICES):
        op.execute(statements)


def downgrade() -> None:
    """Drop every table, with all that is in them."""
    op.execute(
        "DROP TABLE notice_attempts, notices, attempts, tasks, transfers, balances, api_keys, accounts"
    )
    op.execute("DROP FUNCTION refuse_change()")
