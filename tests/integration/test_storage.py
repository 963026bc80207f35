"""Files on disk: written once, whole or not at all, within their folder, also when things go wrong."""

import asyncio
import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heliograph.base.errors import Busy, OperatorError
from heliograph.storage.disk import DiskStorage

PATH = "results/0a1b/1-0-token.png"

NO_PATHS = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../a.png",
    "a/../b.png",
    "a/../../b.png",
    "a//b.png",
    "a/./b.png",
    "a/",
    "./a.png",
    ".incoming/a",
    ".hidden",
    "a/.hidden",
    "a\\b.png",
    "a\0.png",
    "a b.png",
    "a\n.png",
    "ä.png",
    "~/a.png",
    "a:b",
    "%2e%2e/a",
    "a" * 129,
    "/".join(["a" * 100] * 6),
]


@pytest.fixture
def root(tmp_path: Path):
    return tmp_path / "files"


@pytest.fixture
def storage(root: Path) -> DiskStorage:
    return DiskStorage(root)


def visible_files(root: Path) -> list[str]:
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.parts[0] != ".incoming")


def incoming(root: Path) -> list[str]:
    return names_in(root / ".incoming")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def modes(root: Path, *, files: bool) -> set[int]:
    found = (path for path in [root, *root.rglob("*")] if path.is_file() == files)
    return {stat.S_IMODE(path.stat().st_mode) for path in found}


async def test_what_is_written_can_be_read_and_deleted(root: Path, storage: DiskStorage):
    await storage.write(PATH, b"picture")
    place = storage.local_path(PATH)
    assert place == root / PATH
    assert place.read_bytes() == b"picture"
    await storage.delete(PATH)
    assert storage.local_path(PATH) is None
    assert incoming(root) == []


async def test_a_file_is_never_replaced(root: Path, storage: DiskStorage):
    await storage.write(PATH, b"first")
    with pytest.raises(FileExistsError):
        await storage.write(PATH, b"second")
    assert (root / PATH).read_bytes() == b"first"
    assert incoming(root) == []


async def test_of_many_writers_of_one_path_exactly_one_wins(root: Path, storage: DiskStorage):
    others = [DiskStorage(root) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(others[n % 4].write(PATH, b"%d" % n) for n in range(40)), return_exceptions=True
    )
    winners = [n for n, outcome in enumerate(outcomes) if outcome is None]
    assert len(winners) == 1
    assert (root / PATH).read_bytes() == b"%d" % winners[0]
    assert sum(isinstance(outcome, FileExistsError) for outcome in outcomes) == 39


async def test_files_and_folders_are_for_their_owner_alone(root: Path, storage: DiskStorage):
    await storage.write(PATH, b"picture")
    assert modes(root, files=True) == {0o600}
    assert modes(root, files=False) == {0o700}


async def test_deleting_removes_folders_that_are_left_empty_and_no_others(
    root: Path, storage: DiskStorage
):
    await storage.write("results/a/1.png", b"1")
    await storage.write("results/b/1.png", b"1")
    await storage.write("results/b/2.png", b"2")
    await storage.delete("results/a/1.png")
    await storage.delete("results/b/1.png")
    assert names_in(root / "results") == ["b"]
    await storage.delete("results/b/2.png")
    assert names_in(root) == [".incoming"]


async def test_deleting_a_folder_takes_all_that_is_in_it_and_nothing_beside_it(
    root: Path, storage: DiskStorage
):
    for path in ("results/a/1.png", "results/a/deep/2.png", "results/ab/1.png"):
        await storage.write(path, b"1")
    await storage.delete_folder("results/a")
    assert visible_files(root) == ["results/ab/1.png"]
    assert names_in(root / "results") == ["ab"]


async def test_deleting_what_is_absent_is_fine(storage: DiskStorage):
    await storage.delete("results/none/1.png")
    await storage.delete("none")
    await storage.delete_folder("results/none")


async def test_writing_and_deleting_beside_each_other_lose_nothing(
    root: Path, storage: DiskStorage
):
    async def come_and_go(number: int) -> None:
        for turn in range(20):
            await storage.write(f"shared/{number}-{turn}", b"x")
            await storage.delete(f"shared/{number}-{turn}")

    await asyncio.gather(*(come_and_go(number) for number in range(4)))
    assert visible_files(root) == []


@pytest.mark.parametrize("path", NO_PATHS)
async def test_a_path_that_is_none_is_refused(root: Path, storage: DiskStorage, path: str):
    with pytest.raises(ValueError, match="path"):
        await storage.write(path, b"x")
    with pytest.raises(ValueError, match="path"):
        await storage.delete(path)
    assert storage.local_path(path) is None
    assert visible_files(root) == []


async def test_a_link_that_leads_out_is_not_followed(
    root: Path, storage: DiskStorage, tmp_path: Path
):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "out").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    for path in ("out/secret", "file"):
        assert storage.local_path(path) is None
        with pytest.raises(ValueError, match="leaves"):
            await storage.delete(path)
    with pytest.raises(ValueError, match="leaves"):
        await storage.write("out/new", b"x")
    assert names_in(outside) == ["secret"]


async def test_a_folder_is_no_file(storage: DiskStorage):
    await storage.write("a/b", b"x")
    assert storage.local_path("a") is None


@pytest.fixture
def full_disk(tmp_path: Path):
    """A storage with room for about 100 kB: a small file system, or else a limit on the size of files."""
    root = tmp_path / "small"
    root.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(root)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode == 0:
        yield root
        subprocess.run(["umount", str(root)], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield root
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_said_leaves_nothing_behind_and_recovers(full_disk: Path):
    storage = DiskStorage(full_disk)
    await storage.write("a", bytes(50_000))
    with pytest.raises(Busy, match="no room left") as raised:
        await storage.write("b", bytes(120_000))
    assert int(raised.value.headers["Retry-After"]) > 0
    assert visible_files(full_disk) == ["a"]
    assert incoming(full_disk) == []
    await storage.delete("a")
    await storage.write("b", bytes(60_000))
    assert visible_files(full_disk) == ["b"]


async def test_a_file_for_which_there_is_no_room_takes_none_from_those_that_come_with_it(
    full_disk: Path,
):
    storage = DiskStorage(full_disk)
    large, small = await asyncio.gather(
        storage.write("large", bytes(140_000)),
        storage.write("small", bytes(50_000)),
        return_exceptions=True,
    )
    assert isinstance(large, Busy)
    assert small is None
    assert visible_files(full_disk) == ["small"]
    assert incoming(full_disk) == []


async def test_files_that_come_together_share_a_sync_and_no_error(
    root: Path, storage: DiskStorage, monkeypatch: pytest.MonkeyPatch
):
    await storage.write("a/there", b"first")
    synced: list[str] = []
    fsync = os.fsync

    def spied(descriptor: int) -> None:
        synced.append(str(path_of(descriptor).relative_to(root)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spied)
    names = ["a/1", "a/there", "a/2", "b/3"]
    outcomes = await asyncio.gather(
        *(storage.write(name, b"new") for name in names), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        FileExistsError,
        type(None),
        type(None),
    ]
    assert visible_files(root) == ["a/1", "a/2", "a/there", "b/3"]
    assert (root / "a/there").read_bytes() == b"first"
    assert incoming(root) == []
    files, folders = synced[: len(names)], synced[len(names) :]
    assert all(name.startswith(".incoming/") for name in files)
    assert sorted(folders) == [".", "a", "b"]


async def test_a_name_that_is_not_on_the_disk_is_taken_back(
    root: Path, storage: DiskStorage, monkeypatch: pytest.MonkeyPatch
):
    await storage.write("bad/there", b"first")
    fsync = os.fsync

    def without_bad(descriptor: int) -> None:
        if path_of(descriptor).name == "bad":
            raise OSError(errno.EIO, "the disk is bad")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", without_bad)
    bad, good = await asyncio.gather(
        storage.write("bad/1", b"x"), storage.write("good/1", b"x"), return_exceptions=True
    )
    assert isinstance(bad, Busy)
    assert "does not work" in bad.message
    assert good is None
    assert visible_files(root) == ["bad/there", "good/1"]


async def test_what_is_not_on_the_disk_has_no_name(
    root: Path, storage: DiskStorage, monkeypatch: pytest.MonkeyPatch
):
    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(Busy):
        await storage.write(PATH, b"whole")
    assert visible_files(root) == incoming(root) == []
    monkeypatch.undo()
    await storage.write(PATH, b"whole")
    assert await storage.read(PATH) == b"whole"


def test_a_writer_killed_at_any_time_leaves_only_whole_files(root: Path):
    program = f"""
import asyncio, itertools
from pathlib import Path
from heliograph.storage.disk import DiskStorage

async def main():
    storage = DiskStorage(Path({str(root)!r}))
    async def write(writer: Writer) -> None:
        for number in itertools.count():
            await storage.write(f"{{number % 7}}/{{writer}}-{{number}}", b"x" * 300_000)
            print(flush=True)
    await asyncio.gather(*map(write, range(4)))

asyncio.run(main())
"""
    for writes in (1, 5, 20):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as writer:
            for _ in range(writes):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        assert all((root / path).stat().st_size == 300_000 for path in visible_files(root))
        # The next writer begins with the same names, as no task of ours ever does.
        for path in visible_files(root):
            (root / path).unlink()


def test_what_killed_writers_left_is_removed_after_an_hour(root: Path):
    DiskStorage(root)
    old, fresh = root / ".incoming" / "old", root / ".incoming" / "fresh"
    for leftover in (old, fresh):
        leftover.write_bytes(b"half")
    os.utime(old, (time.time() - 4000, time.time() - 4000))
    DiskStorage(root)
    assert incoming(root) == ["fresh"]


@pytest.mark.parametrize("root", ["file/root", "/proc/root", "locked"])
def test_a_root_that_cannot_be_used_stops_the_service_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "locked").mkdir()
    # a superuser may write anywhere, so the answer of the system is given here
    allowed = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: "locked" not in str(path) and allowed(path, mode)
    )
    with pytest.raises(OperatorError, match=r"cannot be used.*HELIOGRAPH_DATA_DIR"):
        DiskStorage(tmp_path / root)
