"""When the embedded PostgreSQL cannot start, the message says why and what to do."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.base import postgres
from heliograph.base.embedded import cluster
from heliograph.base.embedded.filelock import FileLock
from heliograph.base.errors import OperatorError
from heliograph.base.postgres import start_embedded
from support.postgres import NOBODY, begin_using

INSTEAD = "HELIOGRAPH_DATABASE_URL"


def refusal(data_dir: Path, **settings: str) -> str:
    """What the operator is told."""
    with pytest.raises(OperatorError) as raised:
        start_embedded(data_dir, settings=settings)
    return str(raised.value)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of ten megabytes."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_setting_that_postgresql_refuses_is_quoted(data_dir: Path):
    told = refusal(data_dir, shared_buffers="lots")

    assert "did not start" in told
    assert 'invalid value for parameter "shared_buffers"' in told
    assert INSTEAD in told


def test_after_trouble_it_starts_as_if_nothing_had_been(data_dir: Path):
    refusal(data_dir, shared_buffers="lots")

    start_embedded(data_dir).release()


def test_a_broken_cluster_is_told_with_the_last_lines_of_the_log(data_dir: Path):
    start_embedded(data_dir).release()
    (data_dir / "postgres" / "data" / "global" / "pg_control").unlink()

    assert "pg_control" in refusal(data_dir)


def test_lines_of_earlier_starts_are_not_told(data_dir: Path):
    refusal(data_dir, shared_buffers="lots")

    assert "lots" not in refusal(data_dir, shared_buffers="few")


def test_a_cluster_of_an_unknown_version_is_left_alone(data_dir: Path):
    start_embedded(data_dir).release()
    (data_dir / "postgres" / "data" / "PG_VERSION").write_text("99\n")

    told = refusal(data_dir)
    assert "no version 99" in told
    assert INSTEAD in told


def test_a_full_disk_is_named(small_disk: Path):
    told = refusal(small_disk)

    assert "No space left on device" in told
    assert "Free some space" in told
    assert not (small_disk / "postgres" / "data").exists()


def test_a_data_directory_that_is_a_file_is_named(tmp_path: Path):
    (tmp_path / "data").touch()

    told = refusal(tmp_path / "data")
    assert f"{tmp_path / 'data'} cannot be used" in told
    assert "HELIOGRAPH_DATA_DIR" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path):
    process = begin_using(tmp_path / "data", user=NOBODY)

    _, told = process.communicate()
    assert process.returncode == 1
    assert f"{tmp_path / 'data'} cannot be used by user {NOBODY}: Permission denied" in told
    assert "Traceback" not in told


def test_a_start_that_hangs_elsewhere_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(postgres, "TURN_SECONDS", 0.05)
    (tmp_path / "postgres").mkdir()
    with FileLock(tmp_path / "postgres" / "start.lock") as other:
        other.share()
        assert "start.lock" in refusal(tmp_path)


def test_a_server_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "START_SECONDS", 0.05)
    (tmp_path / "postgres").mkdir()
    with FileLock(tmp_path / "postgres" / "server.lock") as elsewhere:
        elsewhere.share()
        assert "runs but does not answer" in refusal(tmp_path)


def test_an_installation_without_the_wheel_is_told_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster, "WHEEL", "a_wheel_that_is_not_there")

    with pytest.raises(OperatorError, match=INSTEAD):
        cluster.programs()


def test_a_long_log_is_put_aside(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    start_embedded(data_dir).release()
    monkeypatch.setattr(postgres, "LOG_BYTES", 10)
    start_embedded(data_dir).release()

    assert (data_dir / "postgres" / "log.old").exists()
