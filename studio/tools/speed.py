"""Measure the studio on this machine: one picture, four pictures, memory.

python studio/tools/speed.py [--processes 2]
"""

import argparse
import asyncio
import os
import time
from pathlib import Path

from heliograph_studio import Order, Studio, warm_up
from heliograph_studio.cache import default_cache_dir

SIDE_PX = 1280
PROMPTS = (
    "a cinematic panda in snow",
    "a red car in a garden in bloom",
    "city street at night, rain",
)


def peak_megabytes(studio: Studio) -> int:
    """The most that any child has held at once; Linux only."""
    pids = [easel._process.pid for easel in studio._idle]  # noqa: SLF001 - nobody else needs to know
    lines = [Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines() for pid in pids]
    return (
        max(int(line.split()[1]) for one in lines for line in one if line.startswith("VmHWM"))
        // 1024
    )


async def seconds(studio: Studio, orders: list[Order]) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(studio.draw(order, lambda _: None) for order in orders))
    return time.perf_counter() - started


async def measure(processes: int) -> None:
    ready = default_cache_dir()
    warm_up(ready)
    studio = Studio(processes, ready)
    try:
        small = Order("a tree", "", 64, 64, 1)
        print(f"child started and ready: {await seconds(studio, [small]):.1f} s")
        for prompt in PROMPTS:
            order = Order(prompt, "", SIDE_PX, SIDE_PX, 11)
            print(
                f"one {SIDE_PX} x {SIDE_PX}, {prompt}: {await seconds(studio, [order]):.1f} s",
                flush=True,
            )
        four = [Order(PROMPTS[0], "", SIDE_PX, SIDE_PX, seed) for seed in range(11, 15)]
        print(f"four {SIDE_PX} x {SIDE_PX}, {PROMPTS[0]}: {await seconds(studio, four):.1f} s")
        print(f"peak memory of a child: {peak_megabytes(studio)} MB")
    finally:
        await studio.close()


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print(f"cores: {os.cpu_count()}, load before: {os.getloadavg()[0]:.1f}")
    asyncio.run(measure(options.processes))


if __name__ == "__main__":
    run()
