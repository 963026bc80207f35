"""What becomes of a URL on both ways out: as a picture that is fetched, and as a receiver of notices."""

from typing import NamedTuple

from heliograph.base.errors import OutboundFailed, OutboundRefused
from heliograph.base.outbound import Outbound


class Verdict(NamedTuple):
    """`outcome` is refused, failed or reached; `said` is the sentence, or what came back."""

    url: str
    way: str
    outcome: str
    said: str


async def fetch(outbound: Outbound, url: str) -> Verdict:
    try:
        data = await outbound.fetch(url, max_bytes=1000, total_seconds=5)
    except OutboundRefused as error:
        return Verdict(url, "picture", "refused", error.message)
    except OutboundFailed as error:
        return Verdict(url, "picture", "failed", error.message)
    return Verdict(url, "picture", "reached", data.decode())


async def post(outbound: Outbound, url: str) -> Verdict:
    try:
        answer = await outbound.post(url, b"{}", {}, timeout_seconds=5)
    except OutboundRefused as error:
        return Verdict(url, "notice", "refused", error.message)
    except OutboundFailed as error:
        return Verdict(url, "notice", "failed", error.message)
    return Verdict(url, "notice", "reached", str(answer.status))


async def both_ways(outbound: Outbound, url: str) -> list[Verdict]:
    return [await fetch(outbound, url), await post(outbound, url)]
