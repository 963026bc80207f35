"""The embedded PostgreSQL: who starts it, who shares it, who stops it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heliograph.base.postgres import start_embedded
from support.postgres import SOURCE, ask, begin_using, end_using, is_running, postmaster, using

CAREFUL = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "data_checksums": "on",
    "server_encoding": "UTF8",
    "TimeZone": "UTC",
}

FORKING = """
import os, sys, pathlib
from heliograph.base.postgres import start_embedded
server = start_embedded(pathlib.Path(sys.argv[1]))
child = os.fork()
server.release() if child == 0 else os.waitpid(child, 0)
os._exit(0 if child == 0 else os.system(f"test -S {server.url.split('=')[1]}/.s.PGSQL.5432"))
"""


def test_the_first_use_makes_and_starts_it(tmp_path: Path):
    with start_embedded(tmp_path) as server:
        assert ask(server.url, "SELECT 1") == 1
        assert is_running(tmp_path)


def test_the_last_use_stops_it(data_dir: Path):
    first, second = start_embedded(data_dir), start_embedded(data_dir)
    assert first.url == second.url

    first.release()
    assert is_running(data_dir)
    second.release()
    assert not is_running(data_dir)


def test_giving_back_twice_counts_once(data_dir: Path):
    with start_embedded(data_dir):
        other = start_embedded(data_dir)
        other.release()
        other.release()
        assert is_running(data_dir)


def test_processes_share_it(data_dir: Path):
    with using(data_dir) as (process, url):
        with start_embedded(data_dir) as server:
            assert server.url == url
        assert is_running(data_dir)
        end_using(process)
    assert not is_running(data_dir)


def test_processes_may_start_it_at_the_same_moment(tmp_path: Path):
    processes = [begin_using(tmp_path) for _ in range(4)]
    urls = {process.stdout.readline() for process in processes if process.stdout}

    assert len(urls) == 1
    for process in processes:
        end_using(process)
    assert not is_running(tmp_path)


def test_a_process_that_just_ends_gives_it_back(data_dir: Path):
    end_using(begin_using(data_dir, ending=""))

    assert not is_running(data_dir)


def test_a_forked_child_does_not_give_it_back(data_dir: Path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING, str(data_dir)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        check=False,
    )
    assert done.returncode == 0
    start_embedded(data_dir).release()  # nobody else uses it any more: this stops it
    assert not is_running(data_dir)


def test_what_was_written_is_there_after_a_restart(data_dir: Path):
    with start_embedded(data_dir) as server:
        ask(server.url, "CREATE TABLE kept AS SELECT 7 AS number")
    with start_embedded(data_dir) as server:
        assert ask(server.url, "SELECT number FROM kept") == 7


@pytest.mark.parametrize(
    "name",
    ["with space and ümläut", "long/" * 60, "quote'd", "per%cent", "back\\slash"],
    ids=["space", "long", "quote", "percent", "backslash"],
)
def test_any_path_will_do(tmp_path: Path, name: str):
    with start_embedded(tmp_path / name) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_a_long_folder_for_temporary_files_will_do(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    temporary = data_dir / ("t" * 120)
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    with start_embedded(data_dir) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_different_ways_to_the_folder_lead_to_one_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)

    with start_embedded(Path("data")) as one, start_embedded(tmp_path / "link" / "data") as other:
        assert one.url == other.url


def test_the_socket_is_gone_with_the_server(data_dir: Path):
    with start_embedded(data_dir) as server:
        folder = Path(server.url.split("host=")[1])
        assert folder.is_dir()
    assert not folder.exists()


def test_it_is_set_up_for_keeping_money(data_dir: Path):
    with start_embedded(data_dir) as server:
        settings = {name: ask(server.url, f"SHOW {name}") for name in CAREFUL}
    assert settings == CAREFUL


def test_settings_may_be_given(data_dir: Path):
    with start_embedded(data_dir, settings={"max_connections": "7", "fsync": "off"}) as server:
        assert ask(server.url, "SHOW max_connections") == "7"


def test_a_running_one_is_found_and_not_started_again(data_dir: Path):
    with start_embedded(data_dir):
        number = postmaster(data_dir)
        with start_embedded(data_dir, settings={"max_connections": "7"}) as server:
            assert postmaster(data_dir) == number
            assert ask(server.url, "SHOW max_connections") == "100"
