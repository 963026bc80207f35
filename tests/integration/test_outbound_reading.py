"""The outbound guard with real sockets: what is read of an answer, and when it is given up."""

import asyncio
import itertools
import ssl
import subprocess
from pathlib import Path

import pytest

from heliograph.base.errors import OutboundFailed
from heliograph.base.outbound import Outbound
from support.web import Web, Writer, head

MEGABYTE = 2**20


@pytest.fixture
async def outbound():
    async with Outbound(["127.0.0.0/8"], pace_seconds=0.5) as outbound:
        yield outbound


@pytest.fixture
async def web():
    async with Web() as web:
        yield web


@pytest.fixture
async def tls_web(tmp_path: Path):
    """The URL of a server with a certificate that nobody vouches for."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    await asyncio.to_thread(
        subprocess.run,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 "
        f"-keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def close(_: object, writer: Writer) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


async def fetch(
    outbound: Outbound, url: str, *, total_seconds: float = 5, max_bytes: int = MEGABYTE
) -> bytes:
    return await outbound.fetch(url, max_bytes=max_bytes, total_seconds=total_seconds)


# --- what is read


async def test_a_file_over_the_limit_is_refused_before_it_is_read(web: Web, outbound: Outbound):
    async def endless(writer: Writer) -> None:
        writer.write(head(200, {"Content-Length": str(10**12)}))
        await writer.drain()

    with pytest.raises(OutboundFailed, match=r"larger than 1 MB \(1048576 bytes\)"):
        await fetch(outbound, web.handle("/announced", endless))


async def test_a_file_that_does_not_say_its_size_is_cut_off_at_the_limit(
    web: Web, outbound: Outbound
):
    sent_bytes = 0

    async def endless(writer: Writer) -> None:
        nonlocal sent_bytes
        writer.write(head(200, {"Connection": "close"}))
        while True:
            writer.write(bytes(65_536))
            sent_bytes += 65_536
            await writer.drain()

    with pytest.raises(OutboundFailed, match="larger than"):
        await fetch(outbound, web.handle("/endless", endless))
    assert sent_bytes < 20 * MEGABYTE


async def test_a_file_of_exactly_the_limit_is_taken(web: Web, outbound: Outbound):
    url = web.answer("/full", bytes(MEGABYTE))
    assert len(await fetch(outbound, url)) == MEGABYTE
    with pytest.raises(OutboundFailed, match="larger than"):
        await fetch(outbound, url, max_bytes=MEGABYTE - 1)


async def test_a_slow_drip_is_given_up_for_its_speed_and_for_its_total_time(
    web: Web, outbound: Outbound
):
    async def drip(writer: Writer) -> None:
        writer.write(head(200, {"Content-Length": "100000"}))
        for _ in range(100_000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    url = web.handle("/drip", drip)
    with pytest.raises(OutboundFailed, match="too slowly"):
        await fetch(outbound, url)
    with pytest.raises(OutboundFailed, match=r"took longer than 0\.2 seconds"):
        await fetch(outbound, url, total_seconds=0.2)


async def test_a_compressed_answer_is_refused_and_never_asked_for(web: Web, outbound: Outbound):
    url = web.answer("/bomb", b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    with pytest.raises(OutboundFailed, match="compressed"):
        await fetch(outbound, url)
    assert web.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 404, 500])
async def test_only_status_200_brings_a_file(web: Web, outbound: Outbound, status: int):
    with pytest.raises(OutboundFailed, match=f"HTTP status {status}"):
        await fetch(outbound, web.answer("/a", status=status))


@pytest.mark.parametrize("raw", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_what_is_no_http_is_a_failure(web: Web, outbound: Outbound, raw: bytes):
    async def talk(writer: Writer) -> None:
        writer.write(raw)
        writer.close()

    with pytest.raises(OutboundFailed, match="no proper HTTP"):
        await fetch(outbound, web.handle("/odd", talk))


async def test_a_download_that_breaks_off_is_a_failure(web: Web, outbound: Outbound):
    async def half(writer: Writer) -> None:
        writer.write(head(200, {"Content-Length": "100"}) + bytes(50))
        writer.close()

    with pytest.raises(OutboundFailed):
        await fetch(outbound, web.handle("/half", half))


async def test_the_one_who_looks_sees_growing_beginnings_and_can_stop_the_download(
    web: Web, outbound: Outbound
):
    seen: list[int] = []

    def look(data: bytes) -> None:
        seen.append(len(data))
        if len(data) > 100_000:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await outbound.fetch(
            web.answer("/a", bytes(MEGABYTE)), max_bytes=MEGABYTE, total_seconds=5, look=look
        )
    assert seen == sorted(seen)
    assert all(later >= 2 * earlier for earlier, later in itertools.pairwise(seen))
    assert seen[-1] < MEGABYTE


async def test_a_self_signed_certificate_is_refused(outbound: Outbound, tls_web: str):
    with pytest.raises(OutboundFailed, match="no valid TLS certificate"):
        await fetch(outbound, tls_web)


# --- notices


async def test_a_notice_arrives_as_it_was_given_and_the_answer_is_told(
    web: Web, outbound: Outbound
):
    url = web.answer("/hook", b"thank \0 you \xff" + b"x" * 5000, status=202)
    answer = await outbound.post(url, b'{"a": 1}', {"webhook-id": "1"}, timeout_seconds=5)
    (request,) = web.requests
    assert (request.method, request.body) == ("POST", b'{"a": 1}')
    assert request.headers["webhook-id"] == "1"
    assert request.headers["user-agent"] == "Heliograph"
    assert answer.status == 202
    assert answer.first_kilobyte.startswith("thank \ufffd you \ufffd")
    assert len(answer.first_kilobyte) <= 1024
    assert 0 <= answer.latency_ms < 5000


async def test_a_receiver_that_never_answers_is_given_up(web: Web, outbound: Outbound):
    async def hang(writer: Writer) -> None:
        await asyncio.Event().wait()

    with pytest.raises(OutboundFailed, match=r"took longer than 0\.1 seconds"):
        await outbound.post(web.handle("/hang", hang), b"", {}, timeout_seconds=0.1)


async def test_an_endless_answer_to_a_notice_is_read_no_further_than_64_kilobytes(
    web: Web, outbound: Outbound
):
    async def endless(writer: Writer) -> None:
        writer.write(head(200, {"Connection": "close"}))
        while True:
            writer.write(b"y" * 65_536)
            await writer.drain()

    answer = await outbound.post(web.handle("/endless", endless), b"", {}, timeout_seconds=5)
    assert answer.first_kilobyte == "y" * 1024


async def test_a_notice_whose_answer_breaks_off_has_been_answered(web: Web, outbound: Outbound):
    async def half(writer: Writer) -> None:
        writer.write(head(200, {"Content-Length": "100"}) + b"half")
        writer.close()

    answer = await outbound.post(web.handle("/half", half), b"", {}, timeout_seconds=5)
    assert (answer.status, answer.first_kilobyte) == (200, "half")


async def test_connections_are_kept_for_the_next_notice(web: Web, outbound: Outbound):
    url = web.answer("/hook", b"ok")
    for _ in range(3):
        await outbound.post(url, b"{}", {}, timeout_seconds=5)
    assert web.connections == 1


async def test_cookies_are_not_kept(web: Web, outbound: Outbound):
    url = web.answer("/hook", b"ok", headers={"Set-Cookie": "a=b"})
    for _ in range(2):
        await outbound.post(url, b"{}", {}, timeout_seconds=5)
    assert "cookie" not in web.requests[-1].headers
