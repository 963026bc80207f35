"""Bring a database to the schema that this version of Heliograph expects.

Alembic keeps the order of the changes and writes them as SQL; asyncpg runs that SQL, so that no
second PostgreSQL driver and no libpq is needed.
"""

import contextlib
import io
from collections.abc import AsyncIterator, Callable

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.db import AsyncpgDriver
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.queries import Queries

from heliograph.base.database import connect
from heliograph.base.errors import OperatorError
from heliograph.base.jobs import (
    QUEUE_FUNCTIONS,
    enqueue_function,
    flush_trigger,
    log_trigger,
    tell_function,
)

#: Whoever migrates holds the advisory lock of this key (any number, always the same).
LOCK_KEY = 0x68656C696F


async def migrate(url: str) -> None:
    """Create or bring up to date all tables, PgQueuer's too. Harmless to repeat and to run at once.

    Raises OperatorError when the database cannot be reached or changed, or when a newer version
    of Heliograph wrote it.
    """
    async with _locked(url) as connection:
        try:
            await _upgrade(connection)
            await _install_queue(connection)
        except asyncpg.PostgresError as error:
            raise OperatorError(
                f"The database could not be brought up to date: {error}. Nothing of the change "
                "that failed was kept; when this is mended, run `heliograph migrate` again."
            ) from error


async def downgrade(url: str, revision: str = "base") -> None:
    """Undo the changes after `revision`. At `base` nothing is left, and all data is gone."""
    async with _locked(url) as connection:
        current = await read_revision(connection)
        if current is not None:
            await _run(connection, _script(command.downgrade, f"{current}:{revision}"))
        if revision == "base":
            await Queries(AsyncpgDriver(connection)).uninstall()
            await connection.execute(f"DROP FUNCTION IF EXISTS {', '.join(QUEUE_FUNCTIONS)}")
            await connection.execute("DROP TABLE IF EXISTS alembic_version")


def latest_revision() -> str:
    """The revision that this version of Heliograph expects, such as `0001`."""
    latest = ScriptDirectory.from_config(_config()).get_current_head()
    assert latest is not None
    return latest


async def read_revision(connection: asyncpg.Connection) -> str | None:
    """The revision that the database is at, or None when it is empty."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


@contextlib.asynccontextmanager
async def _locked(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that alone may migrate: one process at a time."""
    connection = await connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        yield connection
    finally:
        await connection.close()  # gives the lock back


async def _upgrade(connection: asyncpg.Connection) -> None:
    current, latest = await read_revision(connection), latest_revision()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise OperatorError(
            f"The database is at revision {current}, which this version of Heliograph does not "
            f"know (its own is {latest}). A newer version wrote it: run that one."
        )
    if current != latest:
        await _run(connection, _script(command.upgrade, f"{current or 'base'}:{latest}"))


async def _install_queue(connection: asyncpg.Connection) -> None:
    """PgQueuer keeps its own schema in order; a new release of it converges what is there."""
    # the queue's log stays empty: its durability is nobody's concern, that of the jobs is
    settings = DBSettings(durability=Durability.balanced)
    queries = Queries(AsyncpgDriver(connection), qbe=QueryBuilderEnvironment(settings))
    if await queries.schema_is_installed():
        await queries.upgrade()
    else:
        await queries.install()
        await queries.optimize_autovacuum()
    for change in (enqueue_function(), tell_function(), flush_trigger(), log_trigger()):
        await connection.execute(change)


def _config() -> Config:
    config = Config(output_buffer=io.StringIO())
    config.set_main_option("script_location", "heliograph.base:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _script(direction: Callable[..., None], revisions: str) -> str:
    """The SQL of the changes `revisions` ("from:to"), as one script."""
    config = _config()
    direction(config, revisions, sql=True)
    script = config.output_buffer
    assert isinstance(script, io.StringIO)
    return script.getvalue()


async def _run(connection: asyncpg.Connection, script: str) -> None:
    """All changes or none."""
    async with connection.transaction():
        await connection.execute(script)
