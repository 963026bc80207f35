"""The edge of a real `heliograph serve`, over raw sockets: bytes that no client library would send."""

import contextlib
import itertools
import json
import re
import socket
import tempfile
import time
from pathlib import Path

import pytest

from support.service import installed

ROUTE = "/api/v1/generateTask/wan-2-5-image"
BODY = '{"input": {"mode": "text-to-image", "prompt": "a panda", "num_images": 1%s}%s}'
LIVE = "GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-ID: {}\r\n\r\n"
LIVE_AND_CLOSE = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
WAIT_SECONDS = 10
TIMEOUT_SECONDS = 2
SETTINGS = {"HELIOGRAPH_REQUEST_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS)}
LORISES = 500
MOST_GROWTH_MB = 100


@pytest.fixture(scope="module")
def service(databases):
    """A service, and a customer of it; nothing in it may have failed when all is over."""
    with (
        databases.fresh() as url,
        tempfile.TemporaryDirectory() as folder,
        installed(Path(folder), url, **SETTINGS) as installation,
    ):
        api = installation.serve("--no-worker").ready()
        api.customer = installation.customer("1000")
        yield api
        assert api.exit_code is None
        assert [line for line in api.events() if line["level"] in {"error", "critical"}] == []


def connect(service):
    return socket.create_connection(("127.0.0.1", service.port), timeout=WAIT_SECONDS)


def talk(service, raw):
    """Everything that comes back until the service closes; a request that does not end it fails."""
    raw = raw if isinstance(raw, bytes) else raw.encode("latin-1")
    answer = b""
    with connect(service) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(raw)
        while part := connection.recv(65_536):
            answer += part
    return answer


def next_answer(connection):
    """One answer, whole, of a connection that may stay open."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65_536)
    size = int(re.search(rb"content-length: (\d+)", answer)[1])
    while len(answer.partition(b"\r\n\r\n")[2]) < size:
        answer += connection.recv(65_536)
    return answer


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def head(service, lines="", *, route=ROUTE):
    key = service.customer.api_key
    return (
        f"POST {route} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\n{lines}"
    )


def post(service, body):
    """Status and JSON of the answer to `body`."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    answer = talk(service, head(service, lines).encode() + body)
    (status,) = statuses(answer)
    return status, json.loads(answer.partition(b"\r\n\r\n")[2])


def resident_mb(service):
    lines = Path(f"/proc/{service.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


# --- bodies

MALFORMED = {
    **{
        f"{size} open {name}s": sign * size
        for size in (600, 5_000, 150_000)
        for name, sign in (("bracket", "["), ("object", '{"a":'))
    },
    **{
        f"{size} levels in {place}": BODY % fields
        for size in (2_000, 100_000)
        for place, fields in (
            ("a field", (', "image_urls": ' + "[" * size + "]" * size, "")),
            ("source", ("", ', "source": ' + "[" * size + "]" * size)),
            ("nothing known", ("", ', "zzz": ' + "[" * size + "]" * size)),
        )
    },
    **{
        f"bytes {spoilt.hex()} in {place}": (BODY % ("", ', "zzz": "y"')).encode().replace(sign, sign + spoilt)
        for spoilt in (b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf8\x88\x80\x80\x80")
        for place, sign in (("the prompt", b"panda"), ("a name", b"zzz"), ("nothing known", b"y"))
    },
    **{
        f"the number {number[:9]}": BODY % ("", f', "zzz": {number}')
        for number in ("NaN", "Infinity", "-Infinity", "01", "0x1", "1.", ".5", "+1", "1e", "--1")
    },
    "nothing": "",
    "a byte order mark": "\ufeff" + BODY % ("", ""),
    "a NUL behind": BODY % ("", "") + "\0",
    "two objects": (BODY % ("", "")) * 2,
    "half an escape": BODY.replace("panda", "\\ud800") % ("", ""),
    "utf-16": (BODY % ("", "")).encode("utf-16"),
    "half of it": (BODY % ("", ""))[:30],
    "an array": "[]",
    "null": "null",
    "a string": '"x"',
    "single quotes": (BODY % ("", "")).replace('"', "'"),
    "a comma too many": BODY % (",", ""),
    "a comment": BODY % ("", " /* x */ "),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_a_body_that_is_no_proper_json_is_refused_in_the_envelope(service, what):
    status, answer = post(service, MALFORMED[what])
    assert (status, answer["code"]) == (400, 400)
    assert len(answer["message"]) < 500
    assert answer["data"]["error"]


@pytest.mark.parametrize("number", ["1e999", "9" * 100_000, "-0", "1E400"])
def test_a_number_out_of_all_bounds_harms_only_where_it_is_read(service, number):
    assert post(service, BODY % ("", f', "zzz": {number}'))[0] == 200
    status, answer = post(service, (BODY % ("", "")).replace(": 1}", f": {number}}}"))
    assert (status, answer["data"]["field"]) == (400, "input.num_images")


def test_of_a_field_named_twice_the_last_one_counts_and_is_what_is_paid_for(service):
    status, answer = post(service, BODY % (', "num_images": 3', ""))
    assert status == 200
    key = f"Authorization: Bearer {service.customer.api_key}"
    asked = f"GET /api/v1/tasks/{answer['data']['taskId']} HTTP/1.1\r\nHost: x\r\n{key}\r\n"
    detail = json.loads(
        talk(service, asked + "Connection: close\r\n\r\n").partition(b"\r\n\r\n")[2]
    )["data"]
    assert detail["receipt"]["held"] == pytest.approx(0.09)


@pytest.mark.parametrize(
    "declared", ["Content-Length: 1000000000000", "Transfer-Encoding: chunked"]
)
def test_a_body_without_end_is_refused_soon_and_kept_nowhere(service, declared):
    before, sent_bytes = resident_mb(service), 0
    piece = b"a" * 65_536
    part = b"10000\r\n" + piece + b"\r\n" if "chunked" in declared else piece
    with connect(service) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head(service, f"{declared}\r\n\r\n").encode())
        while sent_bytes < 64 * 2**20:
            connection.sendall(part)
            sent_bytes += len(part)
        assert connection.recv(20).startswith(b"HTTP/1.1 413")
    assert resident_mb(service) - before < MOST_GROWTH_MB


# --- what is no HTTP

SMUGGLED = "0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
LINES = {
    "two lengths": "Content-Length: 5\r\nContent-Length: 6",
    "one length twice": "Content-Length: 5\r\nContent-Length: 5",
    "a length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "a length below nothing": "Content-Length: -1",
    "a length with a sign": "Content-Length: +5",
    "a length in hex": "Content-Length: 0x5",
    "a list of lengths": "Content-Length: 5, 5",
    "a length of 30 digits": "Content-Length: " + "9" * 30,
    "an unknown encoding": "Transfer-Encoding: xchunked",
    "chunks that are not last": "Transfer-Encoding: chunked, identity",
    "a space before the colon": "Transfer-Encoding : chunked",
    "a folded line": "X: a\r\n b",
    "a bare line feed": "X: a\nY: b",
    "a bare carriage return": "X: a\rY: b",
    "a NUL": "X: a\0b",
    "a name of two words": "X Y: b",
    "no colon": "XY",
    "a second host": "Host: y",
}
REQUESTS = {
    "an endless chunk size": "FFFFFFFFFFFFFFFFF\r\na",
    "a chunk size below nothing": "-1\r\na",
    "a chunk size that is none": "x\r\na",
}
BYTES = {
    "zeros": "\0" * 1000,
    "a TLS greeting": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown method": "FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method with a sign": "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the path": "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "Latin-1 in the path": "GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a chunk with a broken end of line": "POST /mcp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\nb\r\nabc\r\n0\r\n\r\n",
    "another protocol": "SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "a path of a megabyte": f"GET /{'a' * 2**20} HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("what", [*LINES, *REQUESTS, *BYTES])
def test_what_is_no_http_is_refused_once_and_nothing_behind_it_is_read(service, what):
    if what in LINES:
        raw = head(service, f"{LINES[what]}\r\n\r\n{SMUGGLED}")
    elif what in REQUESTS:
        raw = head(service, f"Transfer-Encoding: chunked\r\n\r\n{REQUESTS[what]}{SMUGGLED}")
    else:
        raw = BYTES[what]
    assert statuses(talk(service, raw)) == [431 if "megabyte" in what else 400]


@pytest.mark.parametrize(
    "path",
    [
        "/files/../../../etc/passwd",
        "/files/%2e%2e/%2e%2e/etc/passwd",
        "/files/..%2f..%2fetc/passwd",
        "/files/a%00b",
        "/files/%ff%fe",
        "//etc/passwd",
        "/%2e%2e/",
        "*",
        "/docs/%2e%2e/%2e%2e/pyproject.toml",
    ],
)
def test_no_path_leads_out_of_the_house(service, path):
    answer = talk(service, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [404]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 404


# --- many at a time


def test_pipelined_requests_are_answered_each_and_in_their_order(service):
    with connect(service) as connection:
        connection.sendall("".join(LIVE.format(f"n-{n}") for n in range(200)).encode())
        answer = b""
        while answer.count(b"x-request-id: n-") < 200 and (part := connection.recv(65_536)):
            answer += part
    ids = [int(part.split(b"\r\n")[0]) for part in answer.split(b"x-request-id: n-")[1:]]
    assert ids == list(range(200))


def test_those_who_never_finish_their_request_keep_nobody_else_waiting(service):
    before = resident_mb(service)
    with contextlib.ExitStack() as held:
        for number in range(LORISES):
            slow = held.enter_context(connect(service))
            slow.sendall(LIVE.format("x").encode()[: 10 + number % 40])
        for _ in range(50):
            assert statuses(talk(service, LIVE_AND_CLOSE)) == [200]
        assert post(service, BODY % ("", ""))[0] == 200
        assert resident_mb(service) - before < MOST_GROWTH_MB


def test_who_asks_and_never_reads_is_not_listened_to_for_ever(service):
    before = resident_mb(service)
    with connect(service) as connection, contextlib.suppress(OSError):
        connection.settimeout(3)
        for _ in range(1500):
            connection.sendall(LIVE.format("x").encode() * 100)
        pytest.fail("everything was read")
    assert resident_mb(service) - before < MOST_GROWTH_MB


@pytest.mark.parametrize("broken", ["\0\0\r\n\r\n", LIVE_AND_CLOSE.replace("Host: x\r\n", "")])
def test_whole_requests_before_a_broken_one_are_answered_first(service, broken):
    first = "".join(LIVE.format(f"n-{n}") for n in range(20))
    assert statuses(talk(service, first + broken)) == [200] * 20


# --- heads

GIANT = {
    "a line of a megabyte": "X: " + "a" * 2**20,
    "a little too much": "X: " + "a" * 32_768,
    "ten thousand lines": "\r\n".join(["X: a"] * 10_000),
    "a hundred lines": "\r\n".join(["X: a"] * 100),
}


@pytest.mark.parametrize("lines", GIANT.values(), ids=GIANT)
@pytest.mark.parametrize("pieces", [1, 5])
def test_a_giant_head_is_refused_in_the_envelope(service, lines, pieces):
    raw = f"GET /health/live HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n"
    assert refusal(service, raw, pieces)["code"] == 431


def test_a_head_within_the_limits_is_answered_and_what_comes_behind_it_too(service):
    lines = "X: " + "a" * 32_000 + "\r\n" + "Y: b\r\n" * 90
    raw = LIVE.format("x").replace("Host", f"{lines}Host") * 20 + LIVE_AND_CLOSE
    assert statuses(talk(service, raw)) == [200] * 21


@pytest.mark.parametrize("raw", ["\0\0\r\n\r\n", LIVE_AND_CLOSE.replace("Host: x\r\n", "")])
def test_what_is_no_http_is_refused_in_the_envelope(service, raw):
    assert refusal(service, raw)["code"] == 400


def refusal(service, raw, pieces=1):
    """The envelope that answers `raw`, sent in so many pieces."""
    size = len(raw) // pieces + 1
    with connect(service) as connection:
        for start in range(0, len(raw), size):
            connection.sendall(raw[start : start + size].encode())
            time.sleep(0.01)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert b"content-type: application/json" in answer
    (status,) = statuses(answer)
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body["code"] == status
    return body


# --- slowness


def dribble(service, raw):
    """What comes back while a byte of `raw` is sent every tenth of a second, and after how long."""
    started_at, answer = time.monotonic(), b""
    with connect(service) as connection, contextlib.suppress(ConnectionError):
        connection.settimeout(0.1)
        for byte in itertools.chain(raw, itertools.repeat(ord("a"))):
            with contextlib.suppress(TimeoutError):
                if not (part := connection.recv(65_536)):
                    break
                answer += part
            connection.sendall(bytes([byte]))
    return answer, time.monotonic() - started_at


def test_a_head_that_comes_too_slowly_ends_the_connection(service):
    answer, seconds = dribble(service, b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: ")
    assert answer == b""
    assert seconds < TIMEOUT_SECONDS + WAIT_SECONDS


def test_who_connects_and_says_nothing_is_let_go(service):
    with connect(service) as connection, contextlib.suppress(ConnectionError):
        assert connection.recv(1) == b""


def test_a_body_that_comes_too_slowly_is_refused(service):
    with connect(service) as connection:
        connection.sendall(head(service, "Content-Length: 100\r\n\r\n{").encode())
        answer = next_answer(connection)
    assert statuses(answer) == [400]
    assert f"within {TIMEOUT_SECONDS} seconds" in answer.decode()


def test_a_connection_that_is_kept_between_requests_has_time(service):
    with connect(service) as connection:
        for _ in range(2):
            connection.sendall(LIVE.format("x").encode())
            assert statuses(next_answer(connection)) == [200]
            time.sleep(TIMEOUT_SECONDS + 0.5)
        connection.sendall(LIVE_AND_CLOSE.encode())
        assert statuses(next_answer(connection)) == [200]
