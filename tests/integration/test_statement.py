"""The statement: every movement in order, with what is available after it."""

import csv
import datetime
import io

import pytest

from heliograph.ledger.statement import store
from heliograph.ledger.statement.line import Period
from heliograph.ledger.statement.sheet import csv_head, csv_lines
from heliograph.ledger.statement.store import read_all_lines, read_lines
from heliograph.ledger.store import adjust, top_up
from heliograph.tasks.run import advance
from support.spine import START, pictures

CENT = 10_000


@pytest.fixture
async def key(spine):
    """Of an account with a history: paid in, a task of which half was made, a correction."""
    key = await spine.key(dollars=0.2)
    await spine.key(dollars=7)
    task_id = await spine.submit(key, num_images=2)
    spine.engine.outcomes.append(pictures(1, missing=1))
    spine.clock.advance(10)
    await advance(spine.runtime, task_id, "render")
    await adjust(
        spine.runtime.pool, key.account_id, -1, note='a "gift", taken back', now=spine.clock.now()
    )
    return key


async def whole(spine, key, period=Period()):  # noqa: B008 - it is a constant
    parts = read_all_lines(spine.runtime.pool, key.account_id, period)
    return [line async for part in parts for line in part]


async def test_each_line_says_what_changed_and_what_is_available_after_it(spine, key):
    lines = await whole(spine, key)
    told = [
        (line.transfer.kind, line.amount_micros / CENT, line.balance_micros / CENT)
        for line in lines
    ]
    assert told == [
        ("topup", 20, 20),
        ("hold", -6, 14),
        ("charge", 0, 14),
        ("release", 3, 17),
        ("adjust", -0.0001, 16.9999),
    ]
    available = await spine.runtime.pool.fetchval(
        "SELECT available_micros FROM balances WHERE account_id = $1", key.account_id
    )
    assert lines[-1].balance_micros == available


async def test_a_period_begins_at_its_first_moment_and_ends_before_its_last(spine, key):
    later = START + datetime.timedelta(seconds=10)
    assert [line.transfer.kind for line in await whole(spine, key, Period(before=later))] == [
        "topup",
        "hold",
    ]
    rest = await whole(spine, key, Period(since=later))
    assert [line.transfer.kind for line in rest] == ["charge", "release", "adjust"]
    assert rest[0].balance_micros == 14 * CENT
    assert await whole(spine, key, Period(later, later)) == []


async def test_pages_follow_each_other_without_gap_or_overlap(spine, key, monkeypatch):
    pool = spine.runtime.pool
    expected = await whole(spine, key)
    paged, after = [], 0
    while page := await read_lines(pool, key.account_id, Period(), after=after, limit=2):
        paged += page
        after = page[-1].transfer.transfer_id
    assert paged == expected
    monkeypatch.setattr(store, "LINES_A_READ", 2)
    assert await whole(spine, key) == expected


async def test_the_file_is_read_back_as_it_was_written(spine, key):
    await top_up(spine.runtime.pool, key.account_id, 10**15 - 1, note=None, now=spine.clock.now())
    text = csv_head() + csv_lines(await whole(spine, key))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["amount"] for row in rows] == [
        *("0.200000", "-0.060000", "0.000000", "0.030000", "-0.000001"),
        "999999999.999999",
    ]
    assert rows[1] | {"task_id": ""} == {
        "time": "2026-11-22T12:00:00.000Z",
        "kind": "hold",
        "amount": "-0.060000",
        "moved": "0.060000",
        "balance": "0.140000",
        "task_id": "",
        "note": "",
    }
    assert rows[2]["moved"] == "0.030000"
    assert rows[4]["note"] == 'a "gift", taken back'
    assert len(rows[1]["task_id"]) == 32


async def test_a_period_in_a_long_history_is_found_and_its_balances_are_right(
    spine, key, monkeypatch
):
    """From either end of the history, and over a line whose clock was wrong."""
    pool = spine.runtime.pool
    for day in range(1, 30):
        moment = START + datetime.timedelta(days=day)
        wrong = moment - datetime.timedelta(hours=20) if day == 15 else moment
        await top_up(pool, key.account_id, day, note=str(day), now=wrong)
    every = await whole(spine, key)
    for first, last in ((2, 6), (14, 16), (24, 29), (1, 30), (40, 50)):
        period = Period(
            START + datetime.timedelta(days=first), START + datetime.timedelta(days=last)
        )
        expected = [
            line for line in every if period.since <= line.transfer.created_at < period.before
        ]
        assert await whole(spine, key, period) == expected
        with monkeypatch.context() as few:
            few.setattr(store, "LINES_A_READ", 2)
            assert await whole(spine, key, period) == expected
