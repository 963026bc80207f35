"""The pool, its transactions, and what the database's trouble means to a client."""

# ruff: noqa: PT012 - it is in the block of a transaction that things go wrong

import asyncio
from pathlib import Path

import asyncpg
import pytest
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from heliograph.base import database
from heliograph.base.database import (
    borrow,
    connect,
    in_steps,
    open_pool,
    transaction,
    without_password,
)
from heliograph.base.errors import Busy, OperatorError
from heliograph.base.jobs import Job, enqueue
from heliograph.base.settings import load_settings
from heliograph.runtime import prepare_database
from support.database import Databases

SECRET = "s3cr3t"


@pytest.fixture
async def table(pool: asyncpg.Pool):
    await pool.execute("CREATE TABLE kept (number integer PRIMARY KEY, data jsonb)")
    return pool


async def test_a_transaction_is_kept_when_its_block_ends(table: asyncpg.Pool):
    async with transaction(table) as connection:
        await connection.execute("INSERT INTO kept VALUES (1)")

    assert await table.fetchval("SELECT count(*) FROM kept") == 1


async def test_a_transaction_is_undone_when_its_block_raises(table: asyncpg.Pool):
    with pytest.raises(KeyError):
        async with transaction(table) as connection:
            await connection.execute("INSERT INTO kept VALUES (1)")
            raise KeyError

    assert await table.fetchval("SELECT count(*) FROM kept") == 0


async def test_a_cancelled_transaction_is_undone_and_its_connection_is_used_again(
    database_url: str,
):
    pool = await open_pool(database_url, size=1)
    entered = asyncio.Event()

    async def write() -> None:
        async with transaction(pool) as connection:
            await connection.execute("CREATE TABLE half_way ()")
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await pool.fetchval("SELECT to_regclass('half_way')") is None
    await pool.close()


@pytest.mark.parametrize(
    "value", [{"a": [1, 2.5, None, "ü"]}, [], "text", 7, True, {"deep": {"er": [{}]}}]
)
async def test_json_comes_back_as_it_went_in(table: asyncpg.Pool, value: object):
    await table.execute("INSERT INTO kept VALUES (1, $1)", value)

    assert await table.fetchval("SELECT data FROM kept") == value


async def test_json_is_json_for_the_database_too(table: asyncpg.Pool):
    await table.execute("INSERT INTO kept VALUES (1, $1)", {"size": [1, 2]})

    assert await table.fetchval("SELECT data->'size'->>1 FROM kept") == "2"


async def test_an_absent_value_stays_absent(table: asyncpg.Pool):
    await table.execute("INSERT INTO kept VALUES (1, NULL)")

    assert await table.fetchval("SELECT data IS NULL FROM kept") is True


async def test_jobs_are_queued_with_the_transaction(pool: asyncpg.Pool):
    async with transaction(pool) as connection:
        await enqueue(connection, [Job("run", "kept")])
    with pytest.raises(KeyError):
        async with transaction(pool) as connection:
            await enqueue(connection, [Job("run", "undone")])
            raise KeyError

    assert [job["payload"] for job in await pool.fetch("SELECT payload FROM pgqueuer")] == [b"kept"]


async def test_the_queue_keeps_its_own_json_over_a_plain_connection(database_url: str):
    connection = await connect(database_url)
    await Queries(AsyncpgDriver(connection)).enqueue("run", b"x", headers={"trace": "1"})

    assert await connection.fetchval("SELECT headers->>'trace' FROM pgqueuer") == "1"
    await connection.close()


async def test_an_exhausted_pool_is_busy(database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "ACQUIRE_SECONDS", 0.01)
    pool = await open_pool(database_url, size=1)

    async with borrow(pool):
        with pytest.raises(Busy) as busy:
            async with borrow(pool):
                pass
    assert busy.value.headers == {"Retry-After": "2"}
    await pool.close()


async def test_a_row_that_stays_locked_is_busy(table: asyncpg.Pool):
    await table.execute("INSERT INTO kept VALUES (1)")
    async with transaction(table) as holder:
        await holder.execute("SELECT 1 FROM kept FOR UPDATE")
        with pytest.raises(Busy, match="busy"):
            async with transaction(table) as other:
                await other.execute("SET LOCAL lock_timeout = '10ms'")
                await other.execute("SELECT 1 FROM kept FOR UPDATE")


async def test_a_statement_that_takes_too_long_is_busy(pool: asyncpg.Pool):
    with pytest.raises(Busy, match="slow"):
        async with transaction(pool) as connection:
            await connection.execute("SET LOCAL statement_timeout = '10ms'")
            await connection.execute("SELECT pg_sleep(100)")


async def test_of_two_that_block_each_other_one_is_busy_and_one_is_done(table: asyncpg.Pool):
    await table.execute("INSERT INTO kept VALUES (1), (2)")
    both_locked = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with transaction(table) as connection:
            await connection.execute("SELECT 1 FROM kept WHERE number = $1 FOR UPDATE", first)
            await both_locked.wait()
            await connection.execute("SELECT 1 FROM kept WHERE number = $1 FOR UPDATE", second)

    ends = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [Busy]


async def test_a_connection_that_is_ended_is_busy_and_the_pool_goes_on(pool: asyncpg.Pool):
    with pytest.raises(Busy, match=r"restarted|reached"):
        async with transaction(pool) as connection, transaction(pool) as killer:
            number = await connection.fetchval("SELECT pg_backend_pid()")
            await killer.execute("SELECT pg_terminate_backend($1, 5000)", number)
            await connection.execute("SELECT 1")

    async with borrow(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_connection_that_is_lost_is_busy(pool: asyncpg.Pool):
    with pytest.raises(Busy, match="reached"):
        async with transaction(pool) as connection:
            connection.terminate()
            await connection.execute("SELECT 1")


async def test_a_connection_that_is_used_wrongly_is_not_called_busy(pool: asyncpg.Pool):
    with pytest.raises(asyncpg.InterfaceError, match="another operation"):
        async with borrow(pool) as connection:
            await asyncio.gather(connection.fetch("SELECT 1"), connection.fetch("SELECT 2"))


async def test_a_server_without_connections_to_spare_is_busy(
    databases: Databases, database_url: str
):
    name = database_url.split("/")[3].split("?", maxsplit=1)[0]
    databases.run(f"CREATE ROLE guest_{name} LOGIN CONNECTION LIMIT 0")
    full = asyncpg.create_pool(
        database_url.replace("heliograph@", f"guest_{name}@"), min_size=0, max_size=1
    )
    with pytest.raises(Busy, match="no connection to spare"):
        async with full, borrow(full):
            pass
    databases.run(f"DROP ROLE guest_{name}")


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [
        (asyncpg.DiskFullError, "60"),
        (asyncpg.TooManyConnectionsError, "2"),
        (asyncpg.CannotConnectNowError, "2"),
        (asyncpg.CrashShutdownError, "2"),
        (asyncpg.SerializationError, "1"),
    ],
)
async def test_each_passing_trouble_says_when_to_come_back(
    pool: asyncpg.Pool, error: type[Exception], retry_after: str
):
    with pytest.raises(Busy) as busy:
        async with transaction(pool):
            raise error("from the server")
    assert busy.value.headers["Retry-After"] == retry_after


@pytest.mark.parametrize("error", [asyncpg.UniqueViolationError, ValueError, TimeoutError])
async def test_what_does_not_pass_by_itself_is_not_called_busy(
    pool: asyncpg.Pool, error: type[Exception]
):
    with pytest.raises(error):
        async with transaction(pool):
            raise error("from the block")


async def test_a_database_that_cannot_be_reached_is_the_operators_to_mend(tmp_path: Path):
    url = f"postgresql://ada:{SECRET}@/x?host={tmp_path}"
    with pytest.raises(OperatorError, match="HELIOGRAPH_DATABASE_URL") as raised:
        await open_pool(url)
    assert SECRET not in str(raised.value)
    assert "ada:***@" in str(raised.value)


async def test_a_database_that_does_not_exist_is_the_operators_to_mend(database_url: str):
    with pytest.raises(OperatorError, match="does not exist"):
        await open_pool(database_url.replace("/test_", "/no_test_"))


@pytest.mark.parametrize("password", ["ab/cd", "ab#cd", "ab?cd", "ab[cd"])
async def test_a_password_that_spoils_its_url_is_not_quoted(password: str):
    with pytest.raises(OperatorError) as raised:
        await open_pool(f"postgresql://u:{password}@127.0.0.1:1/x")
    assert "ab" not in str(raised.value).replace("database", "").replace("DATABASE", "")


async def test_a_url_that_is_none_is_the_operators_to_mend():
    with pytest.raises(OperatorError, match="mysql"):
        await open_pool("mysql://localhost/x")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:b@h:5432/d", "postgresql://a:***@h:5432/d"),
        ("postgresql://a:b@c@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a:b/c@h:5432/d", "postgresql://a:***@h:5432/d"),
        ("postgresql://a:b#c@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a:b?c@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a:b[c@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a:b@[::1/d", "postgresql://a:***@[::1/d"),
        ("host=h password=b user=a", "host=h password=*** user=a"),
        ("postgresql://a@h/d?password=b&sslmode=require", "postgresql://a@h/d?sslmode=require"),
        ("postgresql://heliograph@/postgres?host=/tmp/x", None),
        ("postgresql://h/d", None),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str | None):
    assert without_password(url) == (shown or url)


def test_a_way_past_a_pooler_without_the_pooler_is_refused(tmp_path: Path):
    settings = load_settings(
        {"HELIOGRAPH_DATABASE_DIRECT_URL": "postgresql://db.internal/heliograph"}, data_dir=tmp_path
    )
    with (
        pytest.raises(OperatorError, match="name the pooler itself in HELIOGRAPH_DATABASE_URL"),
        prepare_database(settings),
    ):
        raise AssertionError


async def test_steps_are_repeated_until_one_finds_less_and_each_is_kept(table: asyncpg.Pool):
    await table.execute("INSERT INTO kept SELECT generate_series(1, 5)")

    async def step(connection: asyncpg.Connection) -> int:
        left = await connection.fetchval("SELECT count(*) FROM kept")
        if left == 1:
            raise RuntimeError
        status = await connection.execute(
            "DELETE FROM kept WHERE number IN (SELECT number FROM kept LIMIT 2)"
        )
        return int(status.removeprefix("DELETE "))

    with pytest.raises(RuntimeError):
        await in_steps(table, step, 2)
    assert await table.fetchval("SELECT count(*) FROM kept") == 1
    assert await in_steps(table, lambda connection: connection.fetchval("SELECT 1"), 2) == 1
