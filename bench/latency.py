"""What the service adds to the time of its upstream, at half of what it can do: `make bench-latency`.

The upstream takes a fifth of a second for each picture. A client submits, waits for the end and reads
the state; what that takes longer than the upstream is what the service adds. LiteLLM, where it is
installed, is measured in the same way.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import clients
import compare
import servers
from crowd import Once, as_fast_as_possible, at_a_rate

from heliograph.base.settings import load_settings
from heliograph.runtime import prepare_database

UPSTREAM_SECONDS = 0.2
GOAL_MILLISECONDS = 10
CLIENTS = 64

Way = Callable[[aiohttp.ClientSession], Once]


async def added(way: Way, seconds: int) -> tuple[float, list[float]]:
    """Pictures a second at full speed, and the milliseconds added at half of that, the fewest first."""
    async with clients.session() as http:
        once = way(http)
        await as_fast_as_possible(once, clients=4, seconds=1)
        capacity = await as_fast_as_possible(once, clients=CLIENTS, seconds=seconds)
        took = await at_a_rate(once, per_second=capacity / 2, seconds=seconds)
    return capacity, sorted((one - UPSTREAM_SECONDS) * 1000 for one in took)


def report(name: str, capacity: float, milliseconds: list[float], goal: str = "") -> None:
    median = statistics.median(milliseconds)
    p99 = milliseconds[int(len(milliseconds) * 0.99)]
    print(
        f"{name:<10} {capacity / 2:>8.0f}/s of {capacity:>5.0f}/s {median:>10.1f} ms {p99:>10.1f} ms{goal}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        own = load_settings({}, data_dir=str(folder / "data"))
        database_url = opened.enter_context(prepare_database(own))
        bench = compare.prepare(folder, database_url, "latency", options.seconds)
        upstream = opened.enter_context(servers.stub(folder, UPSTREAM_SECONDS))
        ours = opened.enter_context(servers.ours(bench, upstream)).url
        ways: dict[str, Way] = {"ours": lambda http: clients.ours(http, ours, bench.keys)}
        if servers.has_peers():
            theirs = opened.enter_context(servers.litellm(folder, upstream)).url
            ways["LiteLLM"] = lambda http: clients.litellm(http, theirs)
        print(f"{'added':<10} {'at':>19} {'median':>13} {'p99':>13}")
        for _ in range(options.rounds):
            for peer, way in ways.items():
                goal = f"  goal: median at most {GOAL_MILLISECONDS} ms" if peer == "ours" else ""
                report(peer, *asyncio.run(added(way, options.seconds)), goal)


if __name__ == "__main__":
    main()
