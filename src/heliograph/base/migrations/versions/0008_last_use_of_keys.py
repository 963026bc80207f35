"""When each key was last used, so that one that nobody needs is seen and can be revoked."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty: what was used before nobody has noted."""
    # not indexed, so that a new moment is written beside the old one and touches nothing else
    op.execute("ALTER TABLE api_keys ADD COLUMN last_used_at timestamptz")


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE api_keys DROP COLUMN last_used_at")
