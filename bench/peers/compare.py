"""This service beside others, in one run on one machine: `make bench-peers`.

    submits      requests a second that are accepted for work: ours, LiteLLM's image route, Cog's predictions
    end to end   pictures a second from request to picture: ours stored and paid for, LiteLLM's passed on
    work         milliseconds of a core for one job: ours, a PgQueuer job and a Celery task that do nothing

All ask the same upstream, which has every picture ready, with the same client. Rounds are interleaved,
because machines are shared; the ratios of the medians are what counts.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import rates
import servers
import whole
import work

from heliograph.base.settings import load_settings
from heliograph.runtime import open_runtime, prepare_database
from load import require_wrk
from run import rich_key

PARTS = {"submits": rates.measure_all, "end to end": whole.measure_all, "work": work.measure_all}

#: Ours, the peer, and what is expected of the first divided by the second.
GOALS = (
    ("submits", "ours", "LiteLLM", "at least", 20.0),
    ("end to end", "ours", "LiteLLM", "at least", 3.0),
    ("work", "ours", "PgQueuer", "at most", 2.0),
)


def run_rounds(part: str, ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of every way, each measured once a round, one after the other."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for measure in ways.values():  # what is loaded and opened at first
        measure()
    for _ in range(rounds):
        for name, measure in ways.items():
            found[name].append(measure())
            print(f"  {part:<12} {name:<10} {found[name][-1]:>10.2f}", file=sys.stderr)
    print(f"\n{part:<24} {'median':>10} {'lowest':>10} {'highest':>10}")
    for name, values in found.items():
        print(
            f"  {name:<22} {statistics.median(values):>10.2f} {min(values):>10.2f} {max(values):>10.2f}"
        )
    return {name: statistics.median(values) for name, values in found.items()}


def report(medians: dict[str, dict[str, float]]) -> None:
    print(f"\n{'ratio of the medians':<46} {'ratio':>8}  goal")
    for part, ours, peer, bound, goal in GOALS:
        if part in medians:
            ratio = medians[part][ours] / medians[part][peer]
            print(f"{part + ': ' + ours + ' / ' + peer:<46} {ratio:>8.2f}  {bound} {goal:g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    require_wrk()
    if not servers.has_peers():
        sys.exit("The peers are not installed: `make bench-peers` does it.")
    print("LiteLLM runs without its database, which can only make it quicker; Cog keeps nothing.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings({}, data_dir=str(folder / "data"))
        with prepare_database(settings) as server_url:
            medians = {}
            for part in options.only or PARTS:
                # what one part leaves undone must not keep another waiting
                bench = prepare(folder, server_url, part.replace(" ", "_"), options.seconds)
                with PARTS[part](bench) as ways:
                    medians[part] = run_rounds(part, ways, options.rounds)
            report(medians)


def prepare(folder: Path, server_url: str, name: str, seconds: int) -> servers.Bench:
    """A database of its own with rich accounts."""
    database_url = asyncio.run(servers.make_database(server_url, name))
    keys = asyncio.run(rich_keys(folder, database_url))
    return servers.Bench(folder, database_url, keys, seconds)


async def rich_keys(folder: Path, database_url: str) -> list[str]:
    settings = load_settings({}, data_dir=str(folder / "data"), database_url=database_url)
    async with open_runtime(settings) as runtime:
        return [await rich_key(runtime, number) for number in range(servers.ACCOUNTS)]


if __name__ == "__main__":
    main()
