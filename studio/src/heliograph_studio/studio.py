"""The studio: a few child processes that draw, started when needed and ended when idle."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from heliograph_studio.easel import Easel
from heliograph_studio.order import Order, Picture, StudioError

Report = Callable[[float], None]


class Studio:
    """Draws orders in at most `processes` children.

    `cache_dir` is a writable folder for compiled kernels; `idle_seconds` is how long a child
    without work keeps its memory. To be used from one event loop.
    """

    def __init__(self, processes: int, cache_dir: Path, idle_seconds: float = 30) -> None:
        self._slots = asyncio.Semaphore(max(1, processes))
        self._cache_dir = cache_dir
        self._idle_seconds = idle_seconds
        self._idle: list[Easel] = []
        self._busy: set[Easel] = set()
        self._dismissals: dict[Easel, asyncio.TimerHandle] = {}
        self._closed = False

    async def draw(self, order: Order, report: Report) -> Picture:
        """Draw one picture; waits for a free child.

        `report` hears of progress, rising from 0 to 1. Raises StudioError when the drawing
        failed. Cancelling the coroutine stops the drawing.
        """
        order.check()
        async with self._slots:
            if self._closed:
                raise StudioError("the studio is closed")
            easel = await self._take()
            try:
                return await easel.draw(order, report)
            finally:
                self._give_back(easel)

    async def close(self) -> None:
        """End every child; drawings under way fail."""
        self._closed = True
        for easel in self._idle:
            self._dismissals.pop(easel).cancel()
        everyone = [*self._idle, *self._busy]
        self._idle.clear()
        await asyncio.gather(*(easel.close() for easel in everyone))

    async def _take(self) -> Easel:
        while self._idle:
            easel = self._idle.pop()
            self._dismissals.pop(easel).cancel()
            if easel.alive:
                self._busy.add(easel)
                return easel
            await easel.close()
        easel = await Easel.start(self._cache_dir)
        self._busy.add(easel)
        return easel

    def _give_back(self, easel: Easel) -> None:
        self._busy.discard(easel)
        if self._closed or not easel.alive:
            easel.kill()
            return
        self._idle.append(easel)
        loop = asyncio.get_running_loop()
        self._dismissals[easel] = loop.call_later(self._idle_seconds, self._dismiss, easel)

    def _dismiss(self, easel: Easel) -> None:
        self._dismissals.pop(easel, None)
        with suppress(ValueError):
            self._idle.remove(easel)
            easel.hang_up()


def warm_up(cache_dir: Path) -> float:
    """Compile every kernel into cache_dir, in a process of its own.

    Gives the seconds it took; a second call takes about one. Raises StudioError when the
    drawing libraries are broken here.
    """
    command = [sys.executable, "-m", "heliograph_studio.child", "--warm-up", os.fspath(cache_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise StudioError(f"warming up failed: {last[0]}")
    return float(done.stdout)
