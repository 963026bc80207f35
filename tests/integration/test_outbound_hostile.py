"""The outbound guard against every way in that is known, on both ways out, with the packets counted.

As root, or where a user may make a network namespace, the whole trial runs in one of its own: real DNS,
real redirects, every address answers, and each packet is seen on the wire. Elsewhere the connects of
this process are counted instead, and the run says so.
"""

import ipaddress
import socket
import tempfile
from pathlib import Path

import pytest

from heliograph.base.outbound import Outbound
from support import own_internet
from support.connects import watched_connects
from support.hostile_urls import (
    NAMES_THAT_MOVE,
    PUBLIC,
    hostile_urls,
    legitimate_urls,
    private_addresses,
    redirects,
    zone,
)
from support.outbound_trial import Verdict, both_ways


@pytest.fixture(scope="module")
def trial(request: pytest.FixtureRequest):
    """What the namespace saw; None where there is none."""
    with tempfile.TemporaryDirectory() as folder:
        found = own_internet.run(Path(folder))
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        if found is None:
            print("\nNO NETWORK NAMESPACE HERE: connects are counted in the process, no packets.")
        else:
            print(f"\nIn a network namespace: packets went to {sorted(found['packets'])} alone.")
    return found


@pytest.fixture
def seen(trial):
    if trial is None:
        pytest.skip("needs a network namespace of its own: root, or unprivileged user namespaces")
    return trial


def verdicts(found: list[list[str]], way: str) -> dict[str, Verdict]:
    return {
        verdict.url: verdict for verdict in (Verdict(*one) for one in found) if verdict.way == way
    }


def test_the_trial_is_as_large_as_it_claims():
    assert len(hostile_urls()) >= 400
    assert len(list(redirects())) >= 100
    assert len(legitimate_urls()) >= 30
    assert not {ipaddress.ip_address(one) for one in PUBLIC} & {
        ipaddress.ip_address(one) for one in private_addresses()
    }


@pytest.mark.parametrize("way", ["picture", "notice"])
def test_no_hostile_url_reaches_anything(seen, way):
    found = verdicts(seen["hostile"], way)
    assert found.keys() == set(hostile_urls())
    assert [verdict for verdict in found.values() if verdict.outcome == "reached"] == []
    lost = [verdict for verdict in found.values() if verdict.outcome == "failed"]
    assert all("was not found" in verdict.said for verdict in lost), lost


def test_no_redirect_leads_a_picture_inside(seen):
    found = verdicts(seen["redirects"], "picture")
    assert found.keys() == set(redirects())
    reached = [verdict.url for verdict in found.values() if verdict.outcome == "reached"]
    # these two are read as paths of the public host itself, as browsers read the first
    assert [url for url in reached if "http%3A127.0.0.1" not in url and "%5C%5C" not in url] == []


def test_no_redirect_leads_a_notice_anywhere(seen):
    found = verdicts(seen["redirects"], "notice")
    assert found.keys() == set(redirects())
    assert {verdict.said for verdict in found.values()} == {"301", "302", "303", "307", "308"}


def test_a_name_that_has_moved_inside_is_not_followed(seen):
    first, *later = seen["moving"]
    assert [Verdict(*one).outcome for one in first] == ["reached"] * NAMES_THAT_MOVE
    moved = [Verdict(*one).outcome for turn in later for one in turn]
    assert len(moved) >= 100
    assert set(moved) == {"refused"}


@pytest.mark.parametrize("way", ["picture", "notice"])
def test_every_legitimate_url_is_reached(seen, way):
    found = verdicts(seen["legitimate"], way)
    assert found.keys() == set(legitimate_urls())
    assert [verdict for verdict in found.values() if verdict.outcome != "reached"] == []


def test_not_one_packet_goes_to_an_address_that_is_not_public(seen):
    assert sum(seen["packets"].values()) > 300
    assert set(seen["packets"]) <= set(PUBLIC)


def test_the_counting_counts_what_a_client_without_a_guard_does(seen):
    assert seen["unguarded"] == len(own_internet.CONTROLS)
    assert {"169.254.169.254", "10.0.0.1"} <= set(seen["unguarded_packets"])


async def test_no_hostile_url_makes_the_process_connect_at_all():
    async def look_up(host: str, port: int) -> list[str]:
        if host.rstrip(".") not in zone():
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return zone()[host][0]

    async with Outbound(allow_http_callbacks=True, lookup=look_up) as outbound:
        with watched_connects() as connects:
            for url in hostile_urls():
                assert {one.outcome for one in await both_ways(outbound, url)} <= {
                    "refused",
                    "failed",
                }
    assert connects == []
