"""The way to PostgreSQL: one pool, transactions, and what its trouble means to a client."""

import contextlib
import datetime
import re
import socket
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeAlias

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from heliograph.base.errors import Busy, OperatorError

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
Pool: TypeAlias = asyncpg.Pool

ACQUIRE_SECONDS = 2.0
CONNECT_SECONDS = 10.0
#: A server that has vanished without a word is given up after so long; the kernel would wait a quarter of an hour.
VANISHED_SECONDS = 5
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000
CACHED_STATEMENTS = 256

#: What bounds every statement of the service. Connections through a pooler cannot ask for it.
LIMITS_MS = {
    "lock_timeout": LOCK_TIMEOUT_MS,
    "statement_timeout": STATEMENT_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": STATEMENT_TIMEOUT_MS,
}

NAME = {"application_name": "heliograph"}

#: From the user's name to the last @, whatever stands between; and in the other way to write an address.
_PASSWORD = re.compile(r"(://[^:/?#@]*:).*(?=@)|(password=)[^&\s]+", re.DOTALL)
UNREADABLE = "it is no URL; in a password write / # ? [ ] @ as %2F %23 %3F %5B %5D %40"

#: What PgBouncer says to a connection that asks for limits of its own.
POOLER_SIGN = "unsupported startup parameter"

#: Trouble that passes by itself, and after how many seconds to come back.
PASSING_TROUBLE: dict[type[Exception], tuple[str, int]] = {
    asyncpg.TooManyConnectionsError: ("The database has no connection to spare", 2),
    asyncpg.LockNotAvailableError: ("The database is busy", 1),
    asyncpg.DeadlockDetectedError: ("The database is busy", 1),
    asyncpg.SerializationError: ("The database is busy", 1),
    asyncpg.QueryCanceledError: ("The database is too slow at the moment", 2),
    asyncpg.DiskFullError: ("The database has no space left", 60),
    asyncpg.OutOfMemoryError: ("The database has no memory left", 10),
    asyncpg.OperatorInterventionError: ("The database is being restarted", 2),
    asyncpg.PostgresConnectionError: ("The database cannot be reached", 2),
    asyncpg.IdleInTransactionSessionTimeoutError: ("The database is too slow at the moment", 2),
    ConnectionError: ("The database cannot be reached", 2),
}


async def open_pool(
    url: str, *, size: int = 10, min_size: int = 1, pooler: bool = False, prepare: bool = True
) -> asyncpg.Pool:
    """A pool of `min_size` to `size` connections; jsonb columns come and go as Python values.

    A `pooler` in between passes no limits on: the database user must have them. Without `prepare` no
    connection keeps statements, which costs a round trip for each. Raises OperatorError when the
    database does not answer, or sets no limits.
    """
    limits = {} if pooler else {name: str(limit) for name, limit in LIMITS_MS.items()}
    with _operator_error(url):
        pool = await asyncpg.create_pool(
            url,
            min_size=min(min_size, size),
            max_size=size,
            timeout=CONNECT_SECONDS,
            init=_prepare,
            # Every use is a transaction or a single statement: nothing is left to clean up, and
            # a round trip per use is saved. (asyncpg itself rolls back what was left open.)
            reset=_keep,
            statement_cache_size=CACHED_STATEMENTS if prepare else 0,
            max_cached_statement_lifetime=0,
            server_settings=NAME | limits,
        )
        if pooler:
            await _check_limits(pool, url)
        return pool


async def _check_limits(pool: asyncpg.Pool, url: str) -> None:
    """Raise OperatorError, and close `pool`, when its statements may take and wait for ever."""
    rows = await pool.fetch(
        "SELECT name FROM unnest($1::text[]) AS name WHERE current_setting(name) = '0'",
        list(LIMITS_MS),
    )
    if not rows:
        return
    user = await pool.fetchval("SELECT current_user")
    await pool.close()
    wanted = "; ".join(
        f"ALTER ROLE {user} SET {row['name']} = '{LIMITS_MS[row['name']] // 1000}s'" for row in rows
    )
    raise OperatorError(
        f"The pooler at {without_password(url)} passes no time limits on to PostgreSQL. Give them"
        f" to the database user ({wanted}), then let the pooler connect anew (RECONNECT)."
    )


async def connect(url: str) -> asyncpg.Connection:
    """A plain connection without time limits or JSON codec, for migrations.

    It must not lead through a pooler. Raises OperatorError when the database does not answer.
    """
    limits = dict.fromkeys(LIMITS_MS, "0")  # what the database user has is for the service
    with _operator_error(url):
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings=NAME | limits)


@contextlib.asynccontextmanager
async def borrow(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """A connection for single statements. Passing trouble becomes Busy, here and in the block."""
    with _busy_when_in_trouble():
        connection = await _acquire(pool)
        try:
            yield connection
        except asyncpg.InterfaceError as error:
            if not _is_lost(connection):
                raise  # it was used wrongly
            raise Busy("The database cannot be reached") from error
        except asyncpg.InternalClientError as error:
            # asyncpg has lost count of what a server that was killed has answered
            connection.terminate()
            raise Busy("The database cannot be reached") from error
        finally:
            await _give_back(pool, connection)


@contextlib.asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """One transaction, committed at the end of the block, rolled back when the block raises.

    Passing trouble (no free connection, lock timeout, deadlock, lost connection, full disk)
    becomes Busy with Retry-After. When the connection is lost during the commit, nobody knows
    whether it happened: an idempotency key makes the repetition safe.
    """
    async with borrow(pool) as connection, connection.transaction():
        yield connection


async def in_steps(
    pool: asyncpg.Pool, step: Callable[[Connection], Awaitable[int]], most: int
) -> int:
    """Repeat `step`, which deals with at most `most` rows, until it finds fewer; gives how many in all.

    Each is a transaction of its own, so that nobody waits long for its locks, and what is done is done.
    """
    total = 0
    while True:
        async with transaction(pool) as connection:
            done = await step(connection)
        total += done
        if done < most:
            return total


async def ping(connection: Connection) -> None:
    """A round trip to the server, and no more."""
    await connection.execute("SELECT 1")


async def read_server(connection: Connection) -> tuple[str, datetime.datetime]:
    """The version of the server, and what time it is there."""
    row = await connection.fetchrow("SELECT current_setting('server_version'), clock_timestamp()")
    version, moment = row
    return version, moment


def without_password(url: str) -> str:
    """`url` as it may be shown and logged, also where its password keeps it from being one."""
    hidden = _PASSWORD.sub(r"\1\2***", url)
    try:
        parts = urllib.parse.urlsplit(hidden)
    except ValueError:
        return hidden
    query = "&".join(
        item
        for item in parts.query.split("&")
        if not item.startswith(("password=", "sslpassword="))
    )
    return urllib.parse.urlunsplit(parts._replace(query=query))


async def _acquire(pool: asyncpg.Pool) -> Connection:
    try:
        return await pool.acquire(timeout=ACQUIRE_SECONDS)
    except TimeoutError as error:
        raise Busy("The database has no connection to spare") from error
    except (OSError, asyncpg.InterfaceError) as error:
        raise Busy("The database cannot be reached") from error


async def _give_back(pool: asyncpg.Pool, connection: Connection) -> None:
    """As Pool.release does, without the task of the event loop that it makes for each.

    Who is cancelled meanwhile ends the connection, and the pool opens another.
    """
    # Private is what Pool.release itself asks and does; asyncpg has no other way.
    if _is_lost(connection) or connection._holder._pool is not pool:  # noqa: SLF001 - see above
        await pool.release(connection)
        return
    connection._con._on_release()  # noqa: SLF001 - see above
    await connection._holder.release(ACQUIRE_SECONDS)  # noqa: SLF001 - see above


def _is_lost(connection: Connection) -> bool:
    try:
        closed: bool = connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken it back already
        return True
    return closed


@contextlib.contextmanager
def _busy_when_in_trouble() -> Iterator[None]:
    try:
        yield
    except tuple(PASSING_TROUBLE) as error:
        kind = next(kind for kind in PASSING_TROUBLE if isinstance(error, kind))
        message, retry_after_seconds = PASSING_TROUBLE[kind]
        locked = kind is asyncpg.LockNotAvailableError
        raise Busy(message, retry_after_seconds, locked=locked) from error


@contextlib.contextmanager
def _operator_error(url: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if POOLER_SIGN in str(error):
            raise OperatorError(
                f"A pooler answers at {without_password(url)}. Keep it in HELIOGRAPH_DATABASE_URL, and"
                " name the way past it, to PostgreSQL itself, in HELIOGRAPH_DATABASE_DIRECT_URL."
            ) from error
        # what is said of a URL that cannot be read may quote its password
        unread = isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError)
        said = UNREADABLE if unread else str(error) or "no answer"
        raise OperatorError(
            f"PostgreSQL at {without_password(url)} cannot be used: {said}. "
            "Check HELIOGRAPH_DATABASE_URL (postgresql://user:password@host:5432/database) "
            "and that the server runs."
        ) from error


async def _prepare(connection: asyncpg.Connection) -> None:
    line = connection._transport.get_extra_info("socket")  # noqa: SLF001 - asyncpg has no other way
    if line.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, VANISHED_SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_SECONDS * 1000)
    await _use_json(connection)


async def _use_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda data: msgspec.json.decode(memoryview(data)[1:]),
        format="binary",
    )


async def _keep(_: asyncpg.Connection) -> None:
    """Leave the connection as it is."""
