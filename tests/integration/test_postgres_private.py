"""The embedded PostgreSQL is its user's alone; what root must open for it is little, and reported."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from heliograph.base.embedded import passage
from heliograph.base.embedded.filelock import looks
from heliograph.base.errors import OperatorError
from heliograph.base.postgres import start_embedded
from support.postgres import (
    NOBODY,
    ask,
    begin_using,
    end_using,
    is_running,
    owner,
    programs_are_readable,
    using,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
readable = pytest.mark.skipif(
    not programs_are_readable(), reason="PostgreSQL is installed where other users cannot run it"
)

KNOCK = """
import os, socket, sys
os.setgroups([]), os.setgid(65534), os.setuid(65534)
socket.socket(socket.AF_UNIX).connect(sys.argv[1])
"""

LIST = (
    "import os, sys; os.setgroups([]), os.setgid(65534), os.setuid(65534), os.listdir(sys.argv[1])"
)


def as_nobody(program: str, path: Path) -> str:
    """What `program` complains about when nobody runs it."""
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A folder that other users can reach."""
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def theirs(public: Path) -> Path:
    """A data directory of an ordinary user."""
    data_dir = public / "theirs"
    data_dir.mkdir()
    os.chown(data_dir, NOBODY, NOBODY)
    return data_dir


def test_its_files_are_closed_to_others(tmp_path: Path):
    data_dir = tmp_path / "made"
    with start_embedded(data_dir) as server:
        sockets = Path(server.url.split("host=")[1])
        assert mode(sockets) == 0o700
        assert mode(data_dir / "postgres" / "data") == 0o700
        assert mode(data_dir / "postgres" / "log") == 0o600
        assert mode(sockets / ".s.PGSQL.5432") & 0o077 == 0
        for folder in (data_dir, data_dir / "postgres"):
            assert mode(folder) & 0o007 == 0


@as_root
def test_nobody_else_can_connect(public: Path):
    with start_embedded(public) as server:
        socket = Path(server.url.split("host=")[1]) / ".s.PGSQL.5432"

        assert "PermissionError" in as_nobody(KNOCK, socket)


@as_root
def test_a_closed_folder_above_is_opened_for_the_database_alone_and_reported(public: Path):
    closed = public / "closed"
    closed.mkdir(mode=0o700)
    with start_embedded(closed / "data") as server:
        assert any(str(closed) + " (" in change for change in server.changes)
        assert ask(server.url, "SELECT 1") == 1
    assert mode(closed) & 0o007 == 0
    assert "PermissionError" in as_nobody(LIST, closed)


@as_root
def test_what_is_open_already_is_not_changed_again(public: Path):
    with start_embedded(public / "data"):
        pass
    with start_embedded(public / "data") as server:
        assert server.changes == ()


@as_root
def test_where_entries_for_one_user_are_unknown_the_folder_may_be_passed_but_not_listed(
    public: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("os.setxattr", refuse)
    with start_embedded(public / "data") as server:
        assert ask(server.url, "SELECT 1") == 1
        assert any("chmod o+x" in change for change in server.changes)
    assert mode(public / "data") == 0o701


@as_root
def test_an_entry_is_added_to_those_that_are_there(public: Path):
    folder = public / "shared"
    folder.mkdir(mode=0o750)
    first, second = passage.Identity(NOBODY, NOBODY), passage.Identity(12345, 12345)

    assert len(passage.open_passage(first, folder / "x")) == 1
    assert len(passage.open_passage(second, folder / "x")) == 1
    assert passage.open_passage(first, folder / "x") == []
    entries = passage._read_acl(folder)
    assert {who for tag, _, who in entries if tag == passage.USER} == {NOBODY, 12345}
    assert [permissions for tag, permissions, _ in entries if tag == passage.MASK] == [0o5]


@as_root
def test_an_entry_that_a_later_chmod_has_silenced_is_renewed(public: Path):
    with start_embedded(public / "data"):
        pass
    (public / "data").chmod(0o700)

    with start_embedded(public / "data") as server:
        assert ask(server.url, "SELECT 1") == 1
        assert len(server.changes) == 1


@as_root
def test_programs_under_a_strict_umask_are_made_readable(public: Path):
    tree = public / "install"
    (tree / "bin").mkdir(parents=True, mode=0o700)
    for name, bits in (("bin/postgres", 0o700), ("bin/initdb", 0o700), ("data.txt", 0o600)):
        (tree / name).touch()
        (tree / name).chmod(bits)
    identity = passage.Identity(NOBODY, NOBODY)

    changes = passage.open_programs(identity, tree)
    assert [mode(tree / name) for name in ("bin/postgres", "data.txt")] == [0o755, 0o644]
    assert any("readable" in change or "read" in change for change in changes)
    assert passage.open_programs(identity, tree) == []


@as_root
def test_without_a_user_to_run_it_root_is_told_what_to_do(
    public: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(passage, "DATABASE_USER", "Not A User Name!")
    monkeypatch.setattr(passage, "OTHERS_SECONDS", 0)

    with pytest.raises(OperatorError, match=r"could not be added.*ordinary user"):
        start_embedded(public / "data")


@as_root
@readable
def test_an_ordinary_user_runs_it_twice_in_a_row(theirs: Path):
    for _ in range(2):
        with using(theirs, user=NOBODY) as (process, url):
            assert ask(url, "SELECT 1") == 1
            assert process.stdout
            assert process.stdout.readline().strip() == ""  # nothing had to be changed
            end_using(process)
        assert not is_running(theirs)
    assert owner(theirs) == NOBODY


@as_root
@readable
def test_in_an_ordinary_users_folder_root_runs_it_as_that_user(theirs: Path):
    with start_embedded(theirs) as server:
        assert ask(server.url, "SELECT 1") == 1
        assert owner(theirs) == NOBODY


@as_root
@readable
def test_after_root_the_owner_of_the_folder_can_still_run_it(theirs: Path):
    with start_embedded(theirs):
        pass
    with using(theirs, user=NOBODY) as (process, url):
        assert ask(url, "SELECT 1") == 1
        end_using(process)
    assert not is_running(theirs)


@as_root
def test_root_runs_a_cluster_that_came_from_elsewhere_as_its_owner(public: Path):
    with start_embedded(public / "data"):
        pass
    for path in (public / "data" / "postgres" / "data").rglob("*"):
        os.chown(path, 54321, 54321)
    os.chown(public / "data" / "postgres" / "data", 54321, 54321)

    with start_embedded(public / "data") as server:
        assert ask(server.url, "SELECT 1") == 1


@as_root
@readable
def test_an_ordinary_user_is_told_that_the_cluster_is_someone_elses(theirs: Path):
    with start_embedded(theirs):
        pass
    os.chown(theirs / "postgres" / "data", 54321, 54321)

    process = begin_using(theirs, user=NOBODY)
    assert "belongs to user 54321" in process.communicate()[1]
    assert process.returncode == 1


def test_a_socket_folder_that_someone_else_prepared_is_not_used(data_dir: Path):
    with using(data_dir) as (process, url):
        process.kill()
        process.wait()
    server = start_embedded(data_dir)
    sockets = Path(url.split("host=")[1])
    subprocess.run(["kill", "-9", _postmaster(data_dir)], check=True)
    assert any(not is_running(data_dir) for _ in looks(10))
    moved = sockets.rename(sockets.with_name(f"{sockets.name}-moved"))
    sockets.symlink_to(moved)

    with start_embedded(data_dir) as other:
        assert other.url != url
        assert ask(other.url, "SELECT 1") == 1
    server.release()
    sockets.unlink()
    shutil.rmtree(moved)


def _postmaster(data_dir: Path) -> str:
    return (data_dir / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
