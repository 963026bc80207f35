"""The embedded PostgreSQL after accidents: nothing it left behind may keep it from starting."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from heliograph.base.database import open_pool
from heliograph.base.embedded.cluster import programs
from heliograph.base.embedded.filelock import looks
from heliograph.base.postgres import start_embedded
from support.postgres import ask, end_using, is_running, owner, postmaster, using


def kill_server(data_dir: Path) -> None:
    """Kill the postmaster, and wait until its children have noticed."""
    os.kill(postmaster(data_dir), signal.SIGKILL)
    assert any(not is_running(data_dir) for _ in looks(10))


def name_in_leftovers(data_dir: Path, number: int) -> None:
    """Let the files of the killed server name another process."""
    named = data_dir / "postgres" / "data" / "postmaster.pid"
    lines = named.read_text().splitlines()
    socket_lock = Path(lines[4]) / ".s.PGSQL.5432.lock"
    for file in (named, socket_lock):
        rest = file.read_text().splitlines()[1:]
        file.write_text("\n".join([str(number), *rest]) + "\n")


@pytest.fixture
def leftovers(data_dir: Path) -> Iterator[Path]:
    """The data directory of a server that was killed."""
    server = start_embedded(data_dir)
    ask(server.url, "CREATE TABLE kept AS SELECT 7 AS number")
    kill_server(data_dir)
    yield data_dir
    server.release()
    assert not is_running(data_dir)
    shutil.rmtree(server.url.split("host=")[1], ignore_errors=True)


def assert_starts(data_dir: Path) -> None:
    with start_embedded(data_dir) as server:
        assert ask(server.url, "SELECT number FROM kept") == 7


def test_a_killed_server_is_started_again(leftovers: Path):
    assert_starts(leftovers)


def test_those_who_used_a_killed_server_find_the_next_one(data_dir: Path):
    with start_embedded(data_dir) as before:
        kill_server(data_dir)
        with start_embedded(data_dir) as after:
            assert after.url == before.url


async def test_a_pool_survives_a_killed_server(data_dir: Path):
    with start_embedded(data_dir) as server:
        pool = await open_pool(server.url, size=1)
        kill_server(data_dir)
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await pool.fetchval("SELECT 1")
        with start_embedded(data_dir):
            assert await pool.fetchval("SELECT 1") == 1
            await pool.close()


def test_an_unrelated_process_with_the_number_is_not_taken_for_it(leftovers: Path):
    unrelated = subprocess.Popen(["sleep", "1000"], user=owner(leftovers))
    name_in_leftovers(leftovers, unrelated.pid)

    assert_starts(leftovers)
    unrelated.kill()
    unrelated.wait()


def test_a_zombie_with_the_number_is_not_taken_for_it(leftovers: Path):
    zombie = subprocess.Popen(["true"], user=owner(leftovers))
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    name_in_leftovers(leftovers, zombie.pid)

    assert_starts(leftovers)
    zombie.wait()


def test_another_postgresql_with_the_number_is_not_taken_for_it(leftovers: Path):
    other_data_dir = leftovers / "other"
    with start_embedded(other_data_dir) as other:
        name_in_leftovers(leftovers, postmaster(other_data_dir))

        assert_starts(leftovers)
        assert ask(other.url, "SELECT 1") == 1


@pytest.mark.parametrize("text", ["", "123", "x\n" * 8, "-1\n" * 8, "\x00" * 200])
def test_a_spoilt_status_file_does_not_matter(leftovers: Path, text: str):
    (leftovers / "postgres" / "data" / "postmaster.pid").write_text(text)

    assert_starts(leftovers)


def test_a_killed_first_start_is_begun_again(tmp_path: Path):
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")

    with start_embedded(tmp_path) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_a_killed_user_does_not_take_the_server_along(data_dir: Path):
    with start_embedded(data_dir) as server, using(data_dir) as (other, _):
        other.kill()
        other.wait()
        assert ask(server.url, "SELECT 1") == 1


def test_a_killed_user_does_not_keep_the_server(data_dir: Path):
    server = start_embedded(data_dir)
    with using(data_dir) as (other, _):
        other.kill()
        other.wait()
        server.release()
        assert not is_running(data_dir)


def test_the_server_of_a_killed_last_user_is_used_again_and_then_stopped(data_dir: Path):
    with using(data_dir) as (only, url):
        only.kill()
        only.wait()
    number = postmaster(data_dir)

    with start_embedded(data_dir) as server:
        assert (server.url, postmaster(data_dir)) == (url, number)
    assert not is_running(data_dir)


def test_a_killed_starter_leaves_a_server_that_others_go_on_using(data_dir: Path):
    with using(data_dir) as (starter, _), using(data_dir) as (other, url):
        starter.kill()
        starter.wait()
        assert ask(url, "SELECT 1") == 1
        end_using(other)
    assert not is_running(data_dir)


def test_a_server_that_was_started_by_hand_is_used_and_left_running(data_dir: Path):
    with start_embedded(data_dir):
        pass
    cluster = data_dir / "postgres" / "data"
    control = [programs() / "pg_ctl", "-D", str(cluster), "-w"]
    by_hand = {"user": owner(data_dir), "cwd": cluster, "stdout": subprocess.DEVNULL}
    options = f"-c listen_addresses='' -c unix_socket_directories='{cluster}'"
    subprocess.run(
        [*control, "-o", options, "-l", str(cluster / "log"), "start"], check=True, **by_hand
    )

    with start_embedded(data_dir) as server:
        assert ask(server.url, "SELECT 1") == 1
    assert ask(server.url, "SELECT 1") == 1
    subprocess.run([*control, "stop"], check=True, **by_hand)
