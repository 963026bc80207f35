"""The trace that a task belongs to, written only while tracing is on."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a nullable one rewrites nothing."""
    op.execute("ALTER TABLE tasks ADD COLUMN traceparent text")


def downgrade() -> None:
    """Remove it again."""
    op.execute("ALTER TABLE tasks DROP COLUMN traceparent")
