"""Alembic's entry: it writes the migrations as SQL, and `heliograph.base.migrate` runs them."""

from alembic import context

from heliograph.base.errors import OperatorError

if not context.is_offline_mode():
    raise OperatorError("Migrations are run by `heliograph migrate`, not by alembic itself.")

# The transaction belongs to the caller, who holds a lock in it as well.
context.configure(
    dialect_name="postgresql",
    dialect_opts={"paramstyle": "named"},
    transactional_ddl=False,
)
context.run_migrations()
