"""What a process writes down of the health of others, and what it need not."""

import datetime

import pytest

from heliograph.base.clock import SettableClock
from heliograph.providers.health.notes import FRESH_SECONDS, HealthNotes

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def clock():
    return SettableClock(NOW)


@pytest.fixture
def notes(pool, clock):
    return HealthNotes(pool, clock)


async def failures(pool):
    return await pool.fetchval("SELECT failures FROM provider_health WHERE name = 'zeus'")


async def test_a_success_is_written_once_a_second_and_after_every_failure(pool, clock, notes):
    await notes.success("zeus")
    await pool.execute("UPDATE provider_health SET failures = 2")  # another process has seen them
    await notes.success("zeus")
    assert await failures(pool) == 2
    clock.advance(FRESH_SECONDS)
    await notes.success("zeus")
    assert await failures(pool) == 0

    health = await notes.failure("zeus", "down")
    assert (health.failures, health.error, health.open_until) == (1, "down", None)
    await notes.success("zeus")
    assert await failures(pool) == 0


async def test_a_failure_with_a_pause_opens_the_circuit_at_once(clock, notes):
    health = await notes.failure("zeus", "down", 60)
    assert health.open_until == NOW + datetime.timedelta(seconds=60)


async def test_a_success_that_could_not_be_written_is_written_with_the_next(pool, notes):
    await pool.execute("ALTER TABLE provider_health RENAME TO away")
    with pytest.raises(Exception, match="provider_health"):
        await notes.success("zeus")
    await pool.execute("ALTER TABLE away RENAME TO provider_health")
    await notes.success("zeus")
    assert await failures(pool) == 0
