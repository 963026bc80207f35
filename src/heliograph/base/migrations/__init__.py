"""The schema of the database: alembic's script directory, carried inside the package."""
