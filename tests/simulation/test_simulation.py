"""Worlds from seeds: whatever order things happen in, and whoever dies, the spine keeps its promises.

`make prove-simulation` tries many; `--seed N` replays one and prints its story.
"""

import asyncio
import contextlib
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from simulation.lookout import Lent, open_lookout
from simulation.virtual import CONNECTIONS, ProcessDied, VirtualLoop
from simulation.world import Broken, World
from support.spine import open_spine

SHOWN_EVENTS = 60


class Stage:
    """Where worlds are played, one after the other: a loop, a database, connections that stay open."""

    def __init__(self, database_url, folder):
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.loop = self.runner.get_loop()
        self.loop.set_exception_handler(lambda loop, context: None)
        self.opening = open_spine(database_url, folder)

    def __enter__(self):
        self.runner.run(self.open())
        return self

    def __exit__(self, *exc):
        self.runner.run(self.close())
        self.runner.close()

    async def open(self):
        """The pool is left alone from here on, for it closes what was idle for some time of a world."""
        spine = await self.opening.__aenter__()
        self.pool = spine.runtime.pool
        self.lent = [await self.pool.acquire() for _ in range(CONNECTIONS + 2)]
        own, other, *self.connections = self.lent
        self.spine = replace(spine, runtime=replace(spine.runtime, pool=Lent(own)))
        self.lookout = await open_lookout(other)
        await spine.runtime.switches.refresh()  # once: the clock that they go by stands still

    async def close(self):
        for connection in self.lent:
            await self.pool.release(connection)
        await self.opening.__aexit__(None, None, None)

    def play(self, seed):
        """The world of `seed`, lived to its end. Raises Broken with its story."""
        with capture_logs():  # nobody reads them here, and to write them takes time
            return self.runner.run(self.live(seed))

    async def live(self, seed):
        await self.lookout.clear()
        self.loop.begin()
        world = World(self.spine, seed, self.loop, self.connections, self.lookout)
        try:
            await world.live()
        except Exception as error:
            story = "\n".join(world.gates.story[-SHOWN_EVENTS:])
            raise Broken(f"seed {seed}: {error!r}\n{story}") from error
        finally:
            await self.end_others()
        return world

    async def end_others(self):
        """What still sleeps belongs to processes that have died."""
        for other in asyncio.all_tasks() - {asyncio.current_task()}:
            other.cancel()
        await self.loop.idle()


@dataclass(frozen=True)
class Played:
    """How much a process has played: worlds, their tasks, and the hours that passed in them."""

    worlds: int = 0
    tasks: int = 0
    hours: float = 0.0

    def __add__(self, other):
        return Played(
            self.worlds + other.worlds, self.tasks + other.tasks, self.hours + other.hours
        )


def pass_over_the_dead(unraisable):
    """A coroutine of a process that has died is thrown away, and may say so."""
    if not isinstance(unraisable.exc_value, ProcessDied):
        sys.__unraisablehook__(unraisable)


def play_share(database_url, folder, numbers, seconds):
    """Play the worlds of `numbers`, or those for which `seconds` suffice. Raises Broken."""
    sys.unraisablehook = pass_over_the_dead
    played, began = Played(), time.monotonic()
    with Stage(database_url, folder) as stage:
        for number in numbers:
            if seconds is not None and time.monotonic() - began > seconds:
                break
            world = stage.play(number)
            played += Played(1, len(world.ended), stage.loop.time() / 3600)
    return played


def play_everywhere(databases, folder, first, seeds, seconds):
    """Worlds from the seed `first` on: every processor has a process, a database, and every n-th of them."""
    count = os.cpu_count() or 1
    with (
        contextlib.ExitStack() as opened,
        ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as processes,
    ):
        shares = [
            processes.submit(
                play_share,
                opened.enter_context(databases.fresh()),
                folder / str(number),
                range(first + number, first + seeds, count),
                seconds,
            )
            for number in range(count)
        ]
        return sum((share.result() for share in shares), Played())


@pytest.fixture
def stage(database_url, tmp_path):
    with Stage(database_url, tmp_path) as stage:
        yield stage


def test_the_spine_keeps_its_promises_in_every_world(databases, tmp_path, request, capsys):
    seed, first, seeds, minutes = (
        request.config.getoption(name, None) for name in ("seed", "first", "seeds", "minutes")
    )
    if seed is not None:
        world = request.getfixturevalue("stage").play(seed)
        with capsys.disabled():
            print("\n" + "\n".join(world.gates.story))
        return
    began = time.monotonic()
    seeds = seeds or (sys.maxsize if minutes else 40)
    played = play_everywhere(databases, tmp_path, first or 0, seeds, minutes and minutes * 60)
    seconds = time.monotonic() - began
    with capsys.disabled():
        print(
            f"\n{played.worlds} worlds, {played.tasks} tasks, {played.hours:.1f} hours of theirs in"
            f" {seconds:.0f} s: {played.worlds / seconds:.1f} seeds/s"
        )
    assert played.worlds == seeds or minutes
    assert played.tasks > played.worlds


def test_a_seed_tells_the_same_story_again_whatever_was_played_before(stage):
    first, *_, last = (stage.play(seed).gates.story for seed in (8, 5, 6, 7, 8))
    assert len(first) > 50
    assert first == last


def test_a_look_sees_what_the_audit_sees(stage):
    damages = ("live_tasks = 1", "has_caps = true", "available_micros = 1, charged_micros = 999999")

    async def look():
        await stage.spine.key(dollars=1)
        yield (await stage.lookout.look()).findings
        for damage in damages:
            await stage.spine.runtime.pool.execute(f"UPDATE balances SET {damage}")
            yield (await stage.lookout.look()).findings

    async def looks():
        return [findings async for findings in look()]

    assert stage.runner.run(looks()) == [0, 1, 2, 4]
