"""The outbound guard and a host that takes no connection."""

import asyncio
import socket

import pytest

from heliograph.base import outbound as guard
from heliograph.base.errors import OutboundFailed
from heliograph.base.outbound import Outbound


async def test_a_host_that_accepts_no_connection_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "CONNECT_SECONDS", 0.2)
    with socket.socket() as deaf, socket.socket() as first:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        # fills the queue of a listener that never accepts: the next one gets no answer at all
        await asyncio.to_thread(first.connect, deaf.getsockname())
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        async with Outbound(["127.0.0.0/8"]) as outbound:
            with pytest.raises(OutboundFailed, match=r"accepted no connection within 0\.2 seconds"):
                await outbound.fetch(url, max_bytes=1, total_seconds=30)
