"""Measure the studio on this machine: the first picture, one, four, memory; beside a prototype.

    python studio/tools/speed.py [--repeat 3] [--prototype scene_prototype.py]

Wall time depends on who else is at work, so each figure is the best and the median of some runs,
with the processor time beside it. A prototype is a script that is called as
`python SCRIPT out.png --size 1280`; it is timed in turn with the studio.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from heliograph_studio import Order, Studio, cache, warm_up

SIDE_PX = 1280
PROMPTS = (
    "a cinematic panda in snow",
    "a red car in a garden in bloom",
    "city street at night, rain",
)
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def children(studio: Studio) -> list[int]:
    """The process ids of a studio's idle children."""
    return [easel._process.pid for easel in studio._idle]  # noqa: SLF001 - nobody else needs to know


def peak_megabytes(studio: Studio) -> int:
    """The most that any child has held at once; Linux only."""
    found = []
    for pid in children(studio):
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        found.append(int(text.split("VmHWM:")[1].split()[0]))
    return max(found) // 1024


def processor_seconds(studio: Studio) -> float:
    """What all children have used of the processors so far; Linux only."""
    used = 0
    for pid in children(studio):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / TICKS_A_SECOND


async def timed(studio: Studio, orders: list[Order]) -> tuple[float, float]:
    """Wall and processor seconds of some orders at once."""
    used, started = processor_seconds(studio), time.perf_counter()
    await asyncio.gather(*(studio.draw(order, lambda _: None) for order in orders))
    return time.perf_counter() - started, processor_seconds(studio) - used


def prototype_seconds(script: Path) -> float:
    """What a prototype says it took to render and grade the same size, without compiling."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, os.fspath(script), f"{folder}/out.png", "--size", str(SIDE_PX)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    steps = dict(re.findall(r"(render|grade) ([0-9.]+) s", done.stdout))
    return float(steps["render"]) + float(steps["grade"])


def show(name: str, runs: list[tuple[float, float]]) -> None:
    """Best and median wall time, least processor time."""
    walls, used = [wall for wall, _ in runs], [cpu for _, cpu in runs]
    print(
        f"{name}: best {min(walls):.1f} s, median {statistics.median(walls):.1f} s,"
        f" processor {min(used):.1f} s",
        flush=True,
    )


async def measure_cold() -> None:
    """From nothing compiled at all to the first picture."""
    with tempfile.TemporaryDirectory() as folder:
        # An empty folder of the right name keeps the studio from copying what is compiled.
        (Path(folder) / cache._folder_name()).mkdir()  # noqa: SLF001 - as above
        started = time.perf_counter()
        warm_up(Path(folder))
        print(f"compiled from nothing: {time.perf_counter() - started:.1f} s", flush=True)
        await measure_first(Path(folder), started, "compiled, started and drawn")


async def measure_first(folder: Path, started: float, name: str) -> None:
    """A new child and its first picture."""
    studio = Studio(1, folder)
    try:
        await timed(studio, [Order(PROMPTS[0], "", SIDE_PX, SIDE_PX, 11)])
        print(f"{name}: {time.perf_counter() - started:.1f} s", flush=True)
    finally:
        await studio.close()


async def measure(repeat: int, prototype: Path | None) -> None:
    """Everything, in turns, so that all suffer alike from other processes."""
    ready = cache.default_cache_dir()
    warm_up(ready)
    await measure_first(ready, time.perf_counter(), "started and drawn, compiled before")
    studio = Studio(2, ready, idle_seconds=3600)  # while others are measured nobody goes
    singles = {prompt: [Order(prompt, "", SIDE_PX, SIDE_PX, 11)] for prompt in PROMPTS}
    four = [Order(PROMPTS[0], "", SIDE_PX, SIDE_PX, seed) for seed in range(11, 15)]
    jobs = {f"one, {prompt}": order for prompt, order in singles.items()} | {"four": four}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    rival = []
    try:
        await timed(studio, [Order("a tree", "", 64, 64, k) for k in (1, 2)])
        for _ in range(repeat):
            for name, orders in jobs.items():
                runs[name].append(await timed(studio, orders))
                show(f"  {name}", runs[name][-1:])
            if prototype is not None:
                rival.append(prototype_seconds(prototype))
                print(f"  prototype: {rival[-1]:.1f} s", flush=True)
        for name, found in runs.items():
            show(name, found)
        if rival:
            print(f"prototype: best {min(rival):.1f} s, median {statistics.median(rival):.1f} s")
        print(f"peak memory of a child: {peak_megabytes(studio)} MB")
    finally:
        await studio.close()


def run() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--prototype", type=Path)
    parser.add_argument("--cold", action="store_true", help="compile anew, too")
    options = parser.parse_args()
    print(f"{SIDE_PX} x {SIDE_PX}; cores: {os.cpu_count()}, load before: {os.getloadavg()[0]:.1f}")
    if options.cold:
        asyncio.run(measure_cold())
    asyncio.run(measure(options.repeat, options.prototype))


if __name__ == "__main__":
    run()
