"""The outbound guard with real sockets: what is connected to, and what is not."""

import socket

import pytest

from heliograph.base.errors import OutboundFailed, OutboundRefused
from heliograph.base.outbound import Outbound, _Guard
from support.connects import watched_connects
from support.web import Web

LOOPBACK = ["127.0.0.0/8"]
MEGABYTE = 2**20
PUBLIC = "93.184.215.14"


def words(text: str) -> list[str]:
    return text.split()


PRIVATE_ADDRESSES = words("""
0.0.0.0 10.0.0.1 100.100.100.200 127.0.0.1 127.1.2.3 169.254.169.254 169.254.170.2 169.254.170.23
169.254.42.42 172.16.0.1 172.31.255.254 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::7f00:1 100::1 2001::7f00:1 2001:db8::1 2002:7f00:1::
2002:a9fe:a9fe:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:42::42 fe80::1
fe80::5efe:7f00:1 fec0::1 ff02::1
""")
SPELLINGS = words("""
127.1 0 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.1. ①②⑦.⓪.⓪.① 127。0。0。1
[::1%25lo] [fe80::1%25lo] localhost LOCALHOST localhost. a.localhost x@127.0.0.1 127.0.0.1@example.com
example.com\\@127.0.0.1 127.0.0.1:22 127.0.0.1:6379 [127.0.0.1] [v1.127.0.0.1]
""")


def as_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


class Names:
    """A name server of ours: each look-up of a name gives its next answer; the last one stays."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        answers = self.answers.get(host.partition(".")[0])
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def both_ways(outbound: Outbound, url: str) -> list[Exception]:
    """What fetching `url` and posting to it raise."""
    faults = []
    for call in (
        outbound.fetch(url, max_bytes=MEGABYTE, total_seconds=5),
        outbound.post(url, b"{}", {}, timeout_seconds=5),
    ):
        with pytest.raises((OutboundRefused, OutboundFailed)) as raised:
            await call
        faults.append(raised.value)
    return faults


@pytest.fixture
async def public_only():
    async with Outbound(allow_http_callbacks=True) as outbound:
        yield outbound


@pytest.fixture
async def outbound():
    async with Outbound(LOOPBACK, pace_seconds=0.5) as outbound:
        yield outbound


@pytest.fixture
async def web():
    async with Web() as web:
        yield web


async def fetch(outbound: Outbound, url: str, **options: int) -> bytes:
    return await outbound.fetch(url, **{"max_bytes": MEGABYTE, "total_seconds": 5, **options})


# --- where it connects


@pytest.mark.parametrize("host", [*map(as_host, PRIVATE_ADDRESSES), *SPELLINGS])
async def test_a_hostile_host_is_refused_without_a_connect(public_only: Outbound, host: str):
    with watched_connects() as connects:
        faults = await both_ways(public_only, f"http://{host}/")
    assert connects == []
    assert all(isinstance(fault, OutboundRefused) for fault in faults)


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
async def test_a_name_of_a_private_address_is_refused_without_a_connect(address: str):
    names = Names(alone=[[address]], mixed=[[PUBLIC, address]], behind=[[address, PUBLIC]])
    async with Outbound(allow_http_callbacks=True, lookup=names) as outbound:
        with watched_connects() as connects:
            for name in names.answers:
                host = f"{name}.example.com"
                for fault in await both_ways(outbound, f"http://{host}/"):
                    assert str(fault) == f"The host {host} is not a public address."
    assert connects == []
    assert names.asked == 6


async def test_a_public_address_is_connected_to():
    names = Names(public=[[PUBLIC, "2606:4700::1111"]])
    async with Outbound(lookup=names, allow_http_callbacks=True) as outbound:
        with watched_connects() as connects:
            await both_ways(outbound, "http://public.example.com/")
            await both_ways(outbound, f"http://{PUBLIC}:8080/")
    assert set(connects) == {PUBLIC, "2606:4700::1111"}
    assert len(connects) >= 4


async def test_a_name_that_moves_to_a_private_address_is_not_followed():
    names = Names(moving=[[PUBLIC], ["127.0.0.1"], [PUBLIC], ["10.0.0.1"]])
    async with Outbound(lookup=names) as outbound:
        with watched_connects() as connects:
            for port in (80, 443, 8080, 8443):
                with pytest.raises((OutboundFailed, OutboundRefused)):
                    await fetch(outbound, f"http://moving.example.com:{port}/")
    assert set(connects) == {PUBLIC}
    assert names.asked == 4


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_no_socket_is_opened_for_a_private_address_whatever_the_lookup_said(address: str):
    guard = _Guard((), public=True)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(OSError):
        guard.open_socket((family, socket.SOCK_STREAM, 0, "", (address, 80)))


async def test_a_trusted_network_is_reached_by_name_and_address_on_any_port(web: Web):
    web.answer("/a", b"here")
    names = Names(receiver=[["127.0.0.1"]])
    async with Outbound(LOOPBACK, lookup=names) as outbound:
        assert await fetch(outbound, web.url("/a")) == b"here"
        assert await fetch(outbound, web.url("/a", host="receiver")) == b"here"
        assert (await outbound.post(web.url("/a"), b"", {}, timeout_seconds=5)).status == 200


async def test_a_name_is_looked_up_by_the_system(web: Web):
    web.answer("/a", b"here")
    async with Outbound(LOOPBACK) as outbound:
        assert await fetch(outbound, web.url("/a", host="localhost")) == b"here"


async def test_an_odd_port_leads_to_trusted_networks_alone():
    names = Names(elsewhere=[[PUBLIC]])
    async with Outbound(LOOPBACK, lookup=names) as outbound:
        with watched_connects() as connects:
            for fault in await both_ways(outbound, "http://elsewhere:9000/"):
                assert isinstance(fault, OutboundRefused)
    assert connects == []


async def test_proxy_variables_are_ignored(
    web: Web, outbound: Outbound, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", "http://10.0.0.1:3128")
    web.answer("/a", b"here")
    assert await fetch(outbound, web.url("/a")) == b"here"


async def test_an_unknown_name_and_a_closed_port_are_said_plainly(unused_tcp_port: int):
    async with Outbound(LOOPBACK, lookup=Names(empty=[[]])) as outbound:
        with pytest.raises(
            OutboundFailed, match=r"The host name nowhere\.example\.com was not found"
        ):
            await fetch(outbound, "http://nowhere.example.com/")
        with pytest.raises(OutboundFailed, match="was not found"):
            await fetch(outbound, "http://empty.example.com/")
        with pytest.raises(OutboundFailed, match="accepted no connection"):
            await fetch(outbound, f"http://127.0.0.1:{unused_tcp_port}/")


# --- redirects


async def test_redirects_are_followed_up_to_the_limit(web: Web, outbound: Outbound):
    web.answer("/a", b"here")
    for name, target in (("/b", "/a"), ("/c", "b"), ("/d", web.url("/c")), ("/e", "/d")):
        web.answer(name, status=302, headers={"Location": target})
    assert await fetch(outbound, web.url("/d")) == b"here"
    with pytest.raises(OutboundFailed, match="redirects more than 3 times"):
        await fetch(outbound, web.url("/e"))
    with pytest.raises(OutboundFailed, match="redirects more than 0 times"):
        await fetch(outbound, web.url("/b"), redirects=0)


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/",
        "//169.254.169.254/latest/meta-data/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "http://inside.example.com/",
        "http://user@example.com/",
        "http://example.com:22/",
        "file:///etc/passwd",
        "ftp://example.com/",
        "http://[::1%25lo]/",
        "http://[",
    ],
)
async def test_each_hop_of_a_redirect_is_checked(web: Web, target: str):
    start = web.answer("/start", status=302, headers={"Location": target})
    async with Outbound(LOOPBACK, lookup=Names(inside=[["10.0.0.1"]])) as outbound:
        with watched_connects() as connects, pytest.raises((OutboundRefused, OutboundFailed)):
            await fetch(outbound, start)
    assert set(connects) == {"127.0.0.1"}


async def test_a_redirect_of_a_notice_is_an_answer_and_not_followed(web: Web, outbound: Outbound):
    url = web.answer("/hook", status=307, headers={"Location": "/other"})
    answer = await outbound.post(url, b"{}", {}, timeout_seconds=5)
    assert answer.status == 307
    assert [request.path for request in web.requests] == ["/hook"]
