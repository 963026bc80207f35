"""From URLs to references: fetching, data URLs, our own files, and the children that decode."""

import asyncio
import base64
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from heliograph.base.errors import OutboundRefused, PictureRefused, TaskFault
from heliograph.base.outbound import Outbound
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE
from heliograph.intake.decode import Decoder
from heliograph.intake.fetch import (
    MOST_OF_ONE_ACCOUNT,
    PICTURES_AT_A_TIME,
    Intake,
    OwnFiles,
)
from heliograph.intake.header import Header, scan
from support.pictures import encoded, jpeg_of_scans, noise, photo
from support.web import Web, Writer, head

LIMITS = WAN_2_5_IMAGE.references
PICTURE = encoded(photo(), "PNG")


@pytest.fixture
async def web():
    async with Web() as web:
        yield web


@pytest.fixture
async def decoder():
    decoder = Decoder()
    yield decoder
    await decoder.close()


@pytest.fixture
async def intake(decoder: Decoder):
    async with Outbound(["127.0.0.0/8"]) as outbound:
        yield Intake(outbound, decoder)


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


async def refusal(intake: Intake, *urls: str) -> str:
    with pytest.raises(TaskFault) as raised:
        await intake.prepare(urls, LIMITS, "acc")
    assert raised.value.code == "BadRequest"
    return raised.value.message


def wait_for_end(pid: int) -> None:
    """Until process `pid` has ended, ours or not."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 10)[0], f"process {pid} lives on"
    finally:
        os.close(descriptor)


def child_pids() -> set[int]:
    """The decoding processes; the test's own database may be a child of ours too."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return {int(pid) for pid in children.split() if "intake.normalise" in command_of(pid)}


def command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


# --- fetching


async def test_pictures_are_fetched_together_and_come_in_order(web: Web, intake: Intake):
    all_asked = asyncio.Barrier(3)

    def serve(name: str, data: bytes) -> str:
        async def respond(writer: Writer) -> None:
            await all_asked.wait()
            writer.write(head(200, {"Content-Length": str(len(data))}) + data)

        return web.handle(name, respond)

    urls = tuple(
        serve(f"/{width}", encoded(photo(width, 400), "JPEG")) for width in (700, 400, 500)
    )
    references = await intake.prepare(urls, LIMITS, "acc")
    assert [reference.width for reference in references] == [700, 400, 500]


async def test_an_account_whose_pictures_never_come_keeps_nobody_elses_waiting(
    web: Web, intake: Intake
):
    asked = asyncio.Semaphore(0)

    async def hang(_: Writer) -> None:
        asked.release()
        await asyncio.Event().wait()

    urls = tuple(web.handle(f"/{number}", hang) for number in range(PICTURES_AT_A_TIME))
    slow = asyncio.create_task(intake.prepare(urls, LIMITS, "slow"))
    for _ in range(MOST_OF_ONE_ACCOUNT):
        await asked.acquire()
    assert len(await intake.prepare((data_url(PICTURE),) * 3, LIMITS, "quick")) == 3
    assert asked.locked()
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


async def test_the_content_counts_and_not_the_name_or_the_type(web: Web, intake: Intake):
    url = web.answer("/a.gif", PICTURE, headers={"Content-Type": "text/html"})
    (reference,) = await intake.prepare((url,), LIMITS, "acc")
    assert reference.content_type == "image/png"


async def test_the_first_bad_picture_is_named_with_value_limit_and_fix(web: Web, intake: Intake):
    good = web.answer("/good", PICTURE)
    bad = web.answer("/bad", encoded(photo(300, 900), "PNG"))
    worse = web.answer("/worse", b"no picture at all")
    assert await refusal(intake, good, bad, worse) == (
        "input.image_urls[1]: The picture is 300x900 px; each side must be 384-5000 px. Resize it."
    )


async def test_a_host_that_must_not_be_reached_is_refused_by_name(intake: Intake):
    assert await refusal(intake, "http://10.0.0.1/a.png") == (
        "input.image_urls[0]: The host 10.0.0.1 is not a public address."
    )


async def test_a_file_that_cannot_be_had_is_a_fault_of_the_request(web: Web, intake: Intake):
    assert await refusal(intake, web.url("/absent")) == (
        "input.image_urls[0]: 127.0.0.1 answered with HTTP status 404."
    )


async def test_a_bad_file_is_refused_before_its_download_ends(web: Web, intake: Intake):
    async def stall(writer: Writer) -> None:
        writer.write(head(200, {"Content-Length": "9000000"}) + encoded(photo(300, 900), "PNG"))
        await writer.drain()
        await asyncio.Event().wait()

    async with asyncio.timeout(4):
        assert "300x900" in await refusal(intake, web.handle("/stall", stall))


async def test_a_file_over_ten_megabytes_is_refused(web: Web, intake: Intake):
    assert "larger than 10 MB" in await refusal(
        intake, web.answer("/a", bytes(LIMITS.max_bytes + 1))
    )


async def test_a_fault_of_ours_is_not_blamed_on_the_picture(decoder: Decoder):
    async def broken(path: str) -> bytes | None:
        raise ZeroDivisionError

    async with Outbound() as outbound:
        intake = Intake(outbound, decoder, own_files=OwnFiles("http://a.example/", broken))
        with pytest.raises(ZeroDivisionError):
            await intake.prepare(("http://a.example/b.png",), LIMITS, "acc")


async def test_a_file_of_our_own_is_read_and_not_fetched(decoder: Decoder):
    async def read_own(path: str) -> bytes | None:
        return PICTURE if path == "u/a.png" else None

    async with Outbound() as outbound:
        own_files = OwnFiles("http://127.0.0.1:8080/files/", read_own)
        intake = Intake(outbound, decoder, own_files=own_files)
        intake.check_url("http://127.0.0.1:8080/files/u/a.png")
        (reference,) = await intake.prepare(("http://127.0.0.1:8080/files/u/a.png",), LIMITS, "acc")
        assert reference.width == 400
        assert "no such file here" in await refusal(intake, "http://127.0.0.1:8080/files/u/b.png")
        assert "not a public address" in await refusal(intake, "http://127.0.0.1:8080/u/a.png")


async def test_a_url_is_checked_without_fetching(intake: Intake):
    intake.check_url("https://example.com/a.png")
    intake.check_url(data_url(PICTURE))
    with pytest.raises(OutboundRefused):
        intake.check_url("ftp://example.com/a.png")


# --- data URLs


@pytest.mark.parametrize("kind", ["png", "PNG", "jpeg", "webp", "svg+xml", "x-icon"])
async def test_a_data_url_is_read_whatever_type_it_names(intake: Intake, kind: str):
    (reference,) = await intake.prepare((data_url(PICTURE, kind),), LIMITS, "acc")
    assert (reference.width, reference.height) == (400, 400)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("data:", "must begin with"),
        ("data:,x", "must begin with"),
        ("data:text/html;base64,eA==", "must begin with"),
        ("data:image/png,x", "must begin with"),
        ("data:image/png;charset=utf-8;base64,eA==", "cut short"),
        ("data:image/png;base64,", "is empty"),
        ("data:image/png;base64,####", "not valid base64"),
        ("data:image/png;base64,eA", "not valid base64"),
        ("data:image/png;base64,eA== ", "not valid base64"),
        ("data:image/png;base64,\u00e9\u00e9\u00e9\u00e9", "not valid base64"),
        ("data:image/png;base64,-_-_", "not valid base64"),
        ("data:image/png;base64,eA==", "cut short"),
        (data_url(b"GIF89a" + bytes(20)), "is a GIF"),
        (data_url(bytes(LIMITS.max_bytes + 3)), "more than 10485760 bytes"),
        (data_url(b"\xff\xd8\xff" + bytes(LIMITS.max_bytes - 2)), "at most 10485760"),
    ],
    ids=range(15),
)
async def test_a_bad_data_url_is_refused_with_its_reason(intake: Intake, url: str, reason: str):
    assert reason in await refusal(intake, url)


# --- the children


async def test_an_idle_decoder_has_no_process(decoder: Decoder):
    assert child_pids() == set()
    quick = Decoder(idle_seconds=0.01)
    await quick.decode(PICTURE, scan(PICTURE), "acc")
    for pid in child_pids():
        await asyncio.to_thread(wait_for_end, pid)
    assert (await quick.decode(PICTURE, scan(PICTURE), "acc")).width == 400
    await quick.close()
    assert child_pids() == set()


async def test_a_child_is_used_again(decoder: Decoder):
    for _ in range(3):
        await decoder.decode(PICTURE, scan(PICTURE), "acc")
    assert len(child_pids()) == 1


async def test_no_more_pictures_are_decoded_at_a_time_than_there_are_processes(decoder: Decoder):
    large = encoded(noise(1000, 1000), "PNG")
    await asyncio.gather(*(decoder.decode(large, scan(large), "acc") for _ in range(6)))
    assert len(child_pids()) == 2


async def test_accounts_take_turns_at_the_decoder(decoder: Decoder):
    large = encoded(noise(1000, 1000), "PNG")
    done = []

    async def decode(account_id: str) -> None:
        await decoder.decode(large, scan(large), account_id)
        done.append(account_id)

    await asyncio.gather(*map(decode, ["many"] * 8 + ["one"]))
    assert done.index("one") < 5


async def test_a_child_ended_from_outside_costs_no_picture(decoder: Decoder):
    await decoder.decode(PICTURE, scan(PICTURE), "acc")
    (pid,) = child_pids()
    os.kill(pid, signal.SIGKILL)
    assert (await decoder.decode(PICTURE, scan(PICTURE), "acc")).width == 400


async def test_a_picture_that_takes_too_long_is_refused_and_its_child_ended():
    bomb = jpeg_of_scans(600, 3000)
    decoder = Decoder(decode_seconds=0.5)
    with pytest.raises(PictureRefused, match="too long"):
        await decoder.decode(bomb, scan(bomb), "acc")
    assert (await decoder.decode(PICTURE, scan(PICTURE), "acc")).width == 400
    await decoder.close()
    assert child_pids() == set()


@pytest.mark.slow
async def test_a_picture_that_takes_too_much_processor_time_is_refused(decoder: Decoder):
    bomb = jpeg_of_scans(6000, 4900)
    with pytest.raises(PictureRefused, match="too long"):
        await decoder.decode(bomb, Header("JPEG", 4900, 4900), "acc")


async def test_a_cancelled_decode_ends_its_child(decoder: Decoder):
    bomb = jpeg_of_scans(600, 3000)
    decoding = asyncio.create_task(decoder.decode(bomb, scan(bomb), "acc"))
    while not child_pids():
        await asyncio.sleep(0.001)
    decoding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await decoding
    await decoder.close()
    assert child_pids() == set()


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_a_child_dies_with_its_parent():
    program = """
import asyncio, os, signal, sys
from heliograph.intake.decode import Decoder
from heliograph.intake.header import Header, scan
from PIL import Image
import io

async def main():
    file = io.BytesIO()
    Image.new("RGB", (400, 400)).save(file, "PNG")
    await Decoder().decode(file.getvalue(), scan(file.getvalue()), "acc")
    print(open(f"/proc/self/task/{os.getpid()}/children").read(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    ended = run_python(program)
    assert ended.returncode == -signal.SIGKILL
    (pid,) = ended.stdout.split()
    wait_for_end(int(pid))


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "open('/etc/passwd')",
        "os.pipe()",
        "bytearray(600 * 2**20)",
        "subprocess.run(['true'])",
    ],
)
def test_the_sandbox_allows_no_file_no_network_no_process_and_little_memory(attempt: str):
    program = f"""
import os, socket, subprocess
from heliograph.intake.normalise import enter_sandbox
enter_sandbox()
try:
    {attempt}
except (OSError, MemoryError):
    os._exit(7)
"""
    assert run_python(program).returncode == 7


def test_a_child_is_given_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HELIOGRAPH_DASHSCOPE_API_KEY", "sk-secret")
    program = """
import asyncio, os
from heliograph.intake.decode import _Child

async def main():
    child = await _Child.start()
    print(open(f"/proc/{child._process.pid}/environ").read())
    child.kill()
    await child.end()

asyncio.run(main())
"""
    shown = run_python(program)
    assert "PYTHONPATH" in shown.stdout, shown.stderr
    assert "sk-secret" not in shown.stdout
