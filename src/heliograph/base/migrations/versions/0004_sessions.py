"""Links that sign people in, and the sessions that they open."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Each is of an account or of an operator; a session that was opened with a key ends with it.
SESSIONS = """
CREATE TABLE sign_in_links (
    token_sha256  bytea PRIMARY KEY,
    account_id    text REFERENCES accounts,
    operator      text,
    expires_at    timestamptz NOT NULL,
    CHECK (num_nonnulls(account_id, operator) = 1)
);

CREATE INDEX sign_in_links_expiring ON sign_in_links (expires_at);

CREATE TABLE sessions (
    token_sha256  bytea PRIMARY KEY,
    account_id    text REFERENCES accounts,
    operator      text,
    key_id        text REFERENCES api_keys,
    expires_at    timestamptz NOT NULL,
    CHECK (num_nonnulls(account_id, operator) = 1),
    CHECK (key_id IS NULL OR account_id IS NOT NULL)
);

CREATE INDEX sessions_expiring ON sessions (expires_at);
CREATE INDEX sessions_by_key ON sessions (key_id) WHERE key_id IS NOT NULL
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(SESSIONS)


def downgrade() -> None:
    """Drop them; everybody is signed out."""
    op.execute("DROP TABLE sessions, sign_in_links")
