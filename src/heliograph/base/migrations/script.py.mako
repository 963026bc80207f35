"""${message}."""

from alembic import op

revision = "${up_revision}"
down_revision = "${down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say in SQL what changes."""
    op.execute("")


def downgrade() -> None:
    """Undo it."""
    op.execute("")
