"""Files in a bucket of a real server that speaks S3: the same promises as on disk, and trouble on the way."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx2
import obstore
import pytest
from structlog.testing import capture_logs

from heliograph.base.errors import Busy
from heliograph.storage.s3 import MULTIPART_BYTES, S3Storage, pieces
from integration.test_storage import NO_PATHS, PATH
from support.ceph import ACCESS_KEY, INSTALLED, SECRET_KEY, Ceph, running_ceph

pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs Ceph's object gateway: make test-s3")

LARGE = os.urandom(MULTIPART_BYTES + 1_000_000)


@pytest.fixture(scope="module")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    with running_ceph(tmp_path_factory.mktemp("ceph")) as ceph:
        yield ceph


@pytest.fixture
def variables(ceph: Ceph, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ceph.environment.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def bucket(ceph: Ceph) -> str:
    return ceph.make_bucket()


@pytest.fixture
def storage(variables: pytest.MonkeyPatch, bucket: str) -> S3Storage:
    return S3Storage(bucket, "pictures/live")


@contextlib.contextmanager
def trouble(cause: str) -> Iterator[None]:
    """What happens in the block is Busy, and neither it nor the log gives a key away."""
    with capture_logs() as logs, pytest.raises(Busy, match="does not work at the moment") as raised:
        yield
    assert int(raised.value.headers["Retry-After"]) > 0
    assert [(line["event"], line["cause"]) for line in logs] == [("storage.trouble", cause)]
    said = f"{logs} {raised.value!r} {raised.value.__cause__!r}"
    assert raised.value.__suppress_context__
    assert ACCESS_KEY not in said
    assert SECRET_KEY not in said


async def test_what_is_written_can_be_read_and_deleted(ceph: Ceph, bucket: str, storage: S3Storage):
    await storage.write(PATH, b"picture")
    assert ceph.names_in(bucket) == [f"pictures/live/{PATH}"]
    assert await storage.read(PATH) == b"picture"
    assert storage.local_path(PATH) is None
    await storage.delete(PATH)
    assert await storage.read(PATH) is None
    assert ceph.names_in(bucket) == []


async def test_deleting_a_folder_takes_all_that_is_in_it_and_nothing_beside_it(
    ceph: Ceph, bucket: str, storage: S3Storage
):
    for number in range(60):
        await storage.write(f"results/a/{number}.png", b"1")
    await storage.write("results/ab/1.png", b"1")
    await storage.delete_folder("results/a")
    await storage.delete_folder("results/none")
    assert ceph.names_in(bucket) == ["pictures/live/results/ab/1.png"]


async def test_what_a_picture_is_goes_with_it(ceph: Ceph, bucket: str, storage: S3Storage):
    await storage.write("results/a.webp", b"picture")
    found = await obstore.get_async(ceph.store(bucket), "pictures/live/results/a.webp")
    assert found.attributes["Content-Type"] == "image/webp"


async def test_a_prefix_may_be_left_out(ceph: Ceph, bucket: str, storage: S3Storage):
    bare = S3Storage(bucket, "")
    await bare.write("a.png", b"1")
    assert ceph.names_in(bucket) == ["a.png"]
    assert await bare.read("a.png") == b"1"


@pytest.mark.parametrize("data", [b"first", LARGE], ids=["small", "large"])
async def test_a_file_is_never_replaced(storage: S3Storage, data: bytes):
    await storage.write(PATH, data)
    for other in (b"second", bytes(len(LARGE))):
        with pytest.raises(FileExistsError):
            await storage.write(PATH, other)
    assert await storage.read(PATH) == data


async def test_of_many_writers_of_one_path_exactly_one_wins(bucket: str, storage: S3Storage):
    others = [S3Storage(bucket, "pictures/live") for _ in range(4)]
    outcomes = await asyncio.gather(
        *(others[n % 4].write(PATH, b"%d" % n) for n in range(40)), return_exceptions=True
    )
    winners = [n for n, outcome in enumerate(outcomes) if outcome is None]
    assert len(winners) == 1
    assert await storage.read(PATH) == b"%d" % winners[0]
    assert sum(isinstance(outcome, FileExistsError) for outcome in outcomes) == 39


async def test_deleting_what_is_absent_is_fine(storage: S3Storage):
    await storage.delete("results/none/1.png")
    await storage.delete("none")


@pytest.mark.parametrize("path", NO_PATHS)
async def test_a_path_that_is_none_is_refused(
    ceph: Ceph, bucket: str, storage: S3Storage, path: str
):
    with pytest.raises(ValueError, match="path"):
        await storage.write(path, b"x")
    with pytest.raises(ValueError, match="path"):
        await storage.delete(path)
    with pytest.raises(ValueError, match="path"):
        await storage.sign(path, 60)
    assert await storage.read(path) is None
    assert ceph.names_in(bucket) == []


async def test_a_part_is_read_without_the_rest(storage: S3Storage):
    await storage.write(PATH, b"0123456789")
    assert await storage.read_part(PATH, 3, 7) == b"3456"
    assert await storage.read_part("results/none.png", 3, 7) is None


async def test_a_large_file_is_sent_in_parts_and_collected_in_pieces(
    ceph: Ceph, bucket: str, storage: S3Storage
):
    await storage.write(PATH, LARGE)
    found = await obstore.head_async(ceph.store(bucket), f"pictures/live/{PATH}")
    assert found["e_tag"].endswith('-3"')
    collected = [piece async for piece in pieces(storage, PATH, 5, len(LARGE))]
    assert b"".join(collected) == LARGE[5:]
    assert len(collected) > 3


async def test_pieces_of_what_is_not_there_are_none(storage: S3Storage):
    with pytest.raises(FileNotFoundError):
        await anext(pieces(storage, PATH, 0, 10))


def test_a_writer_killed_at_any_time_leaves_only_whole_files(
    ceph: Ceph, bucket: str, storage: S3Storage
):
    program = f"""
import asyncio, itertools, sys
from heliograph.storage.s3 import S3Storage


async def main():
    storage = S3Storage({bucket!r}, "pictures/live")
    async def write(writer: int) -> None:
        for number in itertools.count():
            name = f"{{sys.argv[1]}}-{{writer}}-{{number}}"
            await storage.write(name, b"x" * [300_000, {len(LARGE)}][writer % 2])
            print(flush=True)
    await asyncio.gather(*map(write, range(4)))

asyncio.run(main())
"""
    for writes in (1, 5, 12):
        # names of its own: what the one before had on its way may arrive after its death
        command = [sys.executable, "-c", program, str(writes)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            for _ in range(writes):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        found = ceph.store(bucket).list().collect()
        assert len(found) >= writes
        assert {one["size"] for one in found} <= {300_000, len(LARGE)}
        obstore.delete(ceph.store(bucket), [one["path"] for one in found])


async def test_whoever_has_one_gets_the_picture_and_nothing_else(storage: S3Storage):
    await storage.write(PATH, b"picture")
    address = await storage.sign(PATH, 60)
    assert SECRET_KEY not in address
    async with httpx2.AsyncClient() as client:
        answer = await client.get(address)
        assert answer.content == b"picture"
        assert answer.headers["content-type"] == "image/png"
        other = address.replace("1-0-token", "2-0-token")
        assert (await client.get(other)).status_code == 403
        assert (await client.delete(address)).status_code == 403
        assert (await client.get(address.partition("?")[0])).status_code == 403
    assert await storage.read(PATH) == b"picture"


@pytest.mark.parametrize(("asked", "given"), [(60, 60), (86_400, 600), (0, 1)])
async def test_it_is_good_for_ten_minutes_at_most(storage: S3Storage, asked: int, given: int):
    assert f"X-Amz-Expires={given}&" in await storage.sign(PATH, asked)


async def test_a_server_that_is_away_is_said_and_comes_back(ceph: Ceph, storage: S3Storage):
    await storage.write(PATH, b"picture")
    ceph.stop_gateway()
    try:
        with trouble("Connect"):
            await storage.write("results/b.png", b"picture")
        with trouble("Connect"):
            await storage.read(PATH)
        with trouble("Connect"):
            await storage.delete(PATH)
    finally:
        ceph.start_gateway()
    assert await storage.read(PATH) == b"picture"


async def test_a_bucket_that_is_full_is_said_and_recovers(
    ceph: Ceph, bucket: str, storage: S3Storage
):
    ceph.limit(bucket, 100_000)
    await storage.write("a", bytes(50_000))
    with trouble("QuotaExceeded"):
        await storage.write("b", bytes(120_000))
    await storage.delete("a")
    await storage.write("b", bytes(60_000))
    assert ceph.names_in(bucket) == ["pictures/live/b"]


async def test_a_bucket_that_is_not_there_is_no_missing_file(variables: pytest.MonkeyPatch):
    storage = S3Storage("never-made", "")
    with trouble("NoSuchBucket"):
        await storage.read(PATH)
    with trouble("NoSuchBucket"):
        await storage.write(PATH, b"x")


async def test_keys_that_are_refused_are_not_shown(variables: pytest.MonkeyPatch, bucket: str):
    variables.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY + "x")
    storage = S3Storage(bucket, "")
    with trouble("SignatureDoesNotMatch"):
        await storage.write(PATH, b"x")
    with trouble("SignatureDoesNotMatch"):
        await storage.read(PATH)


async def test_a_server_that_never_answers_is_given_up(variables: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        variables.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        storage = S3Storage("bucket", "", request_seconds=0.2)
        began = time.monotonic()
        with trouble("Timeout"):
            await storage.write(PATH, b"x")
        with trouble("Timeout"):
            await storage.read(PATH)
        assert time.monotonic() - began < 10
