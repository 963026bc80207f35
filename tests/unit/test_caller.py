"""From which address a request comes: what a client writes itself is never believed."""

import ipaddress

import pytest
from starlette.requests import Request

from heliograph.accounts.account import Key
from heliograph.api.caller import caller_address, check_network
from heliograph.base.errors import Forbidden

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def request(peer, *forwarded):
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    client = (peer, 1234) if peer else None
    return Request({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("1.2.3.4, 198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("1.2.3.4,198.51.100.1 , 10.9.9.9",), "198.51.100.1"),
        ("10.0.0.1", ("1.2.3.4", "198.51.100.1"), "198.51.100.1"),
        ("10.0.0.1", ("10.0.0.7, 10.0.0.8",), "10.0.0.7"),
        ("10.0.0.1", ("127.0.0.1, nonsense",), "nonsense"),
        ("10.0.0.1", ("127.0.0.1, ",), ""),
        ("::ffff:10.0.0.1", ("2001:db8::1",), "2001:db8::1"),
        ("fd00::1", ("198.51.100.1",), "198.51.100.1"),
        (None, ("198.51.100.1",), None),
    ],
)
def test_the_client_is_the_last_address_that_is_not_a_proxys(peer, forwarded, address):
    assert caller_address(request(peer, *forwarded), PROXIES) == address


def test_without_proxies_nobody_is_asked_who_they_are():
    assert caller_address(request("10.0.0.1", "198.51.100.1"), ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("192.0.2.200", True),
        ("::ffff:192.0.2.200", True),
        ("2001:db8::1", True),
        ("192.0.3.1", False),
        ("nonsense", False),
        ("", False),
        (None, False),
    ],
)
def test_a_key_is_good_in_its_networks_alone(address, good):
    key = Key(
        *("k", "acc_1", "shop", False, "auto", 1, None, None, None),
        networks=("192.0.2.0/24", "2001:db8::/32"),
    )
    if good:
        check_network(key, address)
    else:
        with pytest.raises(Forbidden, match="not be used from your address"):
            check_network(key, address)
