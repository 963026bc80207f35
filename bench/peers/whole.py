"""End to end: how many pictures a second a crowd of clients has in hand."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import aiohttp
import clients
import servers
from crowd import Once, as_fast_as_possible

CLIENTS = 32


@contextlib.contextmanager
def measure_all(bench: servers.Bench) -> Iterator[dict[str, Callable[[], float]]]:
    with (
        servers.stub(bench.folder) as upstream,
        servers.ours(bench, upstream) as ours,
        servers.litellm(bench.folder, upstream) as litellm,
    ):
        yield {
            "ours": lambda: rate(lambda http: clients.ours(http, ours.url, bench.keys), bench),
            "LiteLLM": lambda: rate(lambda http: clients.litellm(http, litellm.url), bench),
        }


def rate(way: Callable[[aiohttp.ClientSession], Once], bench: servers.Bench) -> float:
    async def run() -> float:
        async with clients.session() as http:
            return await as_fast_as_possible(way(http), clients=CLIENTS, seconds=bench.seconds)

    return asyncio.run(run())
