"""Worlds from seeds: whatever order things happen in, and whoever dies, the spine keeps its promises.

`make prove-simulation` tries many; `--seed N` replays one and prints its story.
"""

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from simulation.virtual import CONNECTIONS, VirtualLoop
from simulation.world import Broken, World
from support.spine import open_spine

#: Everything that a world writes.
EMPTY = """
TRUNCATE accounts, api_keys, balances, transfers, tasks, attempts, notices, notice_attempts, turns,
    provider_health, key_spending, pgqueuer, idempotency_keys, batches, batch_items, alarms, receivers
"""
SHOWN_EVENTS = 60


class Stage:
    """Where worlds are played, one after the other: a loop, a database, connections that stay open."""

    def __init__(self, database_url, folder):
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.loop = self.runner.get_loop()
        self.loop.set_exception_handler(lambda loop, context: None)
        self.opening = open_spine(database_url, folder)

    def __enter__(self):
        self.spine = self.runner.run(self.opening.__aenter__())
        self.connections = self.runner.run(self.connect())
        return self

    def __exit__(self, *exc):
        for connection in self.connections:
            self.runner.run(self.spine.runtime.pool.release(connection))
        self.runner.run(self.opening.__aexit__(None, None, None))
        self.runner.close()

    async def connect(self):
        return [await self.spine.runtime.pool.acquire() for _ in range(CONNECTIONS)]

    def play(self, seed):
        """The world of `seed`, lived to its end. Raises Broken with its story."""
        with capture_logs():  # nobody reads them here, and to write them takes time
            return self.runner.run(self.live(seed))

    async def live(self, seed):
        async with self.spine.runtime.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(EMPTY)
        self.loop.moment = 0.0
        world = World(self.spine, seed, self.loop, self.connections)
        try:
            await world.live()
        except Exception as error:
            story = "\n".join(world.gates.story[-SHOWN_EVENTS:])
            raise Broken(f"seed {seed}: {error!r}\n{story}") from error
        finally:
            await end_others()
        return world


async def end_others():
    """What still sleeps belongs to processes that have died."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()


@pytest.fixture
def stage(database_url, tmp_path):
    with Stage(database_url, tmp_path) as stage:
        yield stage


def test_the_spine_keeps_its_promises_in_every_world(stage, request, capsys):
    seed, seeds = request.config.getoption("seed", None), request.config.getoption("seeds", 60)
    minutes = request.config.getoption("minutes", None)
    if seed is not None:
        world = stage.play(seed)
        with capsys.disabled():
            print("\n" + "\n".join(world.gates.story))
        return
    began, number, tasks, virtual = time.monotonic(), 0, 0, 0.0
    while number < seeds or (minutes and time.monotonic() - began < minutes * 60):
        world = stage.play(number)
        number, tasks, virtual = number + 1, tasks + len(world.ended), virtual + stage.loop.time()
    seconds = time.monotonic() - began
    with capsys.disabled():
        print(
            f"\n{number} worlds, {tasks} tasks, {virtual / 3600:.1f} hours of theirs in {seconds:.0f} s: "
            f"{number / seconds:.1f} seeds/s"
        )
    assert tasks > number


def test_a_seed_tells_the_same_story_again(stage):
    first, second = (stage.play(7).gates.story for _ in range(2))
    assert len(first) > 50
    assert first == second
