"""The embedded server keeps its address, also over a failed start; what others prepared there is passed over."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.base.embedded.postmaster import SOCKET, Status, _usual_folder, read_status
from heliograph.base.postgres import start_embedded
from support.postgres import NOBODY, is_running
from support.service import wait_for


def status_of(data_dir: Path) -> Status:
    status = read_status(data_dir / "postgres" / "data")
    assert status is not None
    return status


@pytest.fixture
def usual(data_dir: Path) -> Iterator[Path]:
    """The folder of its socket that is tried first; gone after the test."""
    folder = _usual_folder(data_dir.resolve() / "postgres")
    yield folder
    if folder.is_symlink():
        folder.unlink()
    elif folder.is_dir():
        (folder / SOCKET).unlink(missing_ok=True)
        folder.rmdir()


def test_a_server_that_was_killed_and_left_no_note_comes_back_at_the_same_address(data_dir: Path):
    with start_embedded(data_dir) as first:
        os.kill(status_of(data_dir).process_id, signal.SIGKILL)
        wait_for(lambda: not is_running(data_dir), "the server to be gone")
        (data_dir / "postgres" / "data" / "postmaster.pid").unlink()
        with start_embedded(data_dir) as again:
            assert again.url == first.url


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can prepare what belongs to another user")
@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_a_folder_that_another_user_has_prepared_is_passed_over(
    data_dir: Path, usual: Path, mode: int
):
    usual.mkdir()
    usual.chmod(mode)
    os.chown(usual, NOBODY, NOBODY)
    with start_embedded(data_dir):
        assert status_of(data_dir).sockets != usual
    assert usual.stat().st_uid == NOBODY
    assert list(usual.iterdir()) == []


def test_a_link_that_lies_there_is_not_followed(data_dir: Path, usual: Path, tmp_path: Path):
    aim = tmp_path / "aim"
    aim.mkdir(mode=0o700)
    usual.symlink_to(aim)
    with start_embedded(data_dir):
        assert status_of(data_dir).sockets not in {usual, aim}
    assert list(aim.iterdir()) == []


def test_the_socket_of_a_living_server_is_left_alone(data_dir: Path, usual: Path):
    """A copy of the cluster in another container that shares the folder of temporary files."""
    with start_embedded(data_dir):
        owner = usual.stat()
    usual.mkdir(mode=0o700)
    os.chown(usual, owner.st_uid, owner.st_gid)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(usual / SOCKET))
        other.listen()
        with start_embedded(data_dir):
            assert status_of(data_dir).sockets != usual
        assert (usual / SOCKET).is_socket()
