"""Idempotency, batches, caps and lists on keys, uploads, changes of a task, receivers and inboxes."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A key's spending is counted only while it has a cap; the month is that of the task's submission.
# A key and those that replaced it by rotation share one spending, that of the first.
KEYS = """
ALTER TABLE api_keys
    ADD COLUMN first_key_id text REFERENCES api_keys,
    ADD COLUMN monthly_cap_micros bigint CHECK (monthly_cap_micros >= 0),
    ADD COLUMN total_cap_micros bigint CHECK (total_cap_micros >= 0),
    ADD COLUMN models text[],
    ADD COLUMN networks text[];

UPDATE api_keys SET first_key_id = key_id;

ALTER TABLE api_keys ALTER COLUMN first_key_id SET NOT NULL;

CREATE INDEX api_keys_by_account ON api_keys (account_id);

CREATE TABLE key_spending (
    key_id        text NOT NULL REFERENCES api_keys,
    month         date NOT NULL,
    spent_micros  bigint NOT NULL CHECK (spent_micros >= 0),
    PRIMARY KEY (key_id, month)
) WITH (fillfactor = 50)
"""

ACCOUNTS = """
ALTER TABLE accounts
    ADD COLUMN previous_webhook_secret text,
    ADD COLUMN previous_secret_until timestamptz,
    ADD COLUMN webhook_url text;

CREATE INDEX transfers_by_account ON transfers (account_id, transfer_id)
"""

# What is watched stands in the row that every submit locks anyway, so that whoever asks for nothing
# pays for nothing.
BALANCES = """
ALTER TABLE balances
    ADD COLUMN has_caps boolean NOT NULL DEFAULT false,
    ADD COLUMN low_balance_micros bigint CHECK (low_balance_micros >= 0),
    ADD COLUMN low_balance_told boolean NOT NULL DEFAULT false,
    ADD CHECK (low_balance_micros IS NOT NULL OR NOT low_balance_told)
"""

IDEMPOTENCY = """
CREATE TABLE idempotency_keys (
    account_id       text NOT NULL,
    idempotency_key  text NOT NULL,
    request_sha256   bytea NOT NULL,
    task_id          uuid,
    batch_id         uuid,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (account_id, idempotency_key),
    CHECK (num_nonnulls(task_id, batch_id) = 1)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)
"""

BATCHES = """
CREATE TABLE batches (
    batch_id     uuid PRIMARY KEY,
    account_id   text NOT NULL,
    key_id       text NOT NULL,
    model        text NOT NULL,
    webhook_url  text,
    items        smallint NOT NULL,
    open_items   smallint NOT NULL CHECK (open_items >= 0),
    created_at   timestamptz NOT NULL,
    ended_at     timestamptz
);

CREATE TABLE batch_items (
    batch_id        uuid NOT NULL REFERENCES batches,
    position        smallint NOT NULL,
    client_item_id  text NOT NULL,
    task_id         uuid NOT NULL UNIQUE,
    PRIMARY KEY (batch_id, position),
    UNIQUE (batch_id, client_item_id)
)
"""

# `version` counts what a client can see change, so that a stream of events can be resumed.
TASKS = """
ALTER TABLE tasks
    ADD COLUMN version integer NOT NULL DEFAULT 0,
    ADD COLUMN batch_id uuid,
    ADD COLUMN retention_hours integer CHECK (retention_hours > 0),
    ADD COLUMN checks integer NOT NULL DEFAULT 0,
    ADD COLUMN checked_at timestamptz,
    ADD COLUMN stored_at timestamptz,
    ADD COLUMN data_deleted_at timestamptz;

CREATE INDEX tasks_by_account ON tasks (account_id, task_id);
CREATE INDEX tasks_made ON tasks (model, mode, completed_at) WHERE state = 'success' AND NOT test;

CREATE FUNCTION tell_task_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('heliograph_changes', replace(NEW.task_id::text, '-', ''));
    RETURN NULL;
END
$$;

CREATE TRIGGER tasks_tell_changes AFTER UPDATE OF version ON tasks
    FOR EACH ROW WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION tell_task_change()
"""

UPLOADS = """
CREATE TABLE uploads (
    upload_id   uuid PRIMARY KEY,
    account_id  text NOT NULL,
    path        text NOT NULL UNIQUE,
    width       integer NOT NULL,
    height      integer NOT NULL,
    size_bytes  bigint NOT NULL,
    sha256      text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    deleted_at  timestamptz
);

CREATE INDEX uploads_expiring ON uploads (expires_at) WHERE deleted_at IS NULL;
CREATE INDEX uploads_kept ON uploads (account_id) WHERE deleted_at IS NULL
"""

# A notice that is no task's end has an event name. A receiver has a row while there is something to
# say of it: it fails, or it is closed. Its key is a hash, for an address may be too long for an index.
NOTICES = """
ALTER TABLE notices ALTER COLUMN task_id DROP NOT NULL;
ALTER TABLE notices ADD COLUMN event text;
ALTER TABLE notices ADD COLUMN batch_id uuid;
ALTER TABLE notices ADD COLUMN reason text;
ALTER TABLE notices ADD CONSTRAINT notices_task_or_event CHECK (task_id IS NOT NULL OR event IS NOT NULL);

CREATE INDEX notices_by_account ON notices (account_id, created_at);

CREATE TABLE receivers (
    account_id     text NOT NULL,
    url            text NOT NULL,
    url_md5        text NOT NULL GENERATED ALWAYS AS (md5(url)) STORED,
    state          text NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
    failing_since  timestamptz NOT NULL,
    reason         text,
    changed_at     timestamptz NOT NULL,
    PRIMARY KEY (account_id, url_md5),
    CHECK ((state = 'active') = (reason IS NULL))
);

CREATE TABLE inboxes (
    inbox_id    text PRIMARY KEY,
    account_id  text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);

CREATE TABLE inbox_messages (
    message_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inbox_id     text NOT NULL REFERENCES inboxes ON DELETE CASCADE,
    headers      jsonb NOT NULL,
    body         bytea NOT NULL,
    received_at  timestamptz NOT NULL
);

CREATE INDEX inbox_messages_by_inbox ON inbox_messages (inbox_id, message_id)
"""


def upgrade() -> None:
    """Add the tables and columns."""
    for statements in (KEYS, ACCOUNTS, BALANCES, IDEMPOTENCY, BATCHES, TASKS, UPLOADS, NOTICES):
        op.execute(statements)


def downgrade() -> None:
    """Drop them, with all that is in them; notices of events go too."""
    op.execute(
        "DROP TABLE inbox_messages, inboxes, receivers, uploads, batch_items, batches,"
        " idempotency_keys, key_spending"
    )
    op.execute("DROP INDEX notices_by_account, tasks_made, tasks_by_account, transfers_by_account")
    op.execute("DROP INDEX api_keys_by_account")
    op.execute(
        "DELETE FROM notice_attempts USING notices"
        " WHERE notices.notice_id = notice_attempts.notice_id AND task_id IS NULL"
    )
    op.execute("DELETE FROM notices WHERE task_id IS NULL")
    op.execute(
        "ALTER TABLE notices DROP CONSTRAINT notices_task_or_event, DROP COLUMN event,"
        " DROP COLUMN batch_id, DROP COLUMN reason, ALTER COLUMN task_id SET NOT NULL"
    )
    op.execute("DROP TRIGGER tasks_tell_changes ON tasks")
    op.execute("DROP FUNCTION tell_task_change()")
    op.execute(
        "ALTER TABLE tasks DROP COLUMN version, DROP COLUMN batch_id, DROP COLUMN retention_hours,"
        " DROP COLUMN checks, DROP COLUMN checked_at, DROP COLUMN stored_at,"
        " DROP COLUMN data_deleted_at"
    )
    op.execute(
        "ALTER TABLE accounts DROP COLUMN previous_webhook_secret, DROP COLUMN previous_secret_until,"
        " DROP COLUMN webhook_url"
    )
    op.execute(
        "ALTER TABLE balances DROP COLUMN has_caps, DROP COLUMN low_balance_micros,"
        " DROP COLUMN low_balance_told"
    )
    op.execute(
        "ALTER TABLE api_keys DROP COLUMN first_key_id, DROP COLUMN monthly_cap_micros,"
        " DROP COLUMN total_cap_micros, DROP COLUMN models, DROP COLUMN networks"
    )
