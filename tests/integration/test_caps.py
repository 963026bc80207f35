"""Caps of keys: never passed, whoever races; what is given back can be spent again."""

import asyncio
import datetime

import pytest

from heliograph.accounts.keys import rotate_key
from heliograph.accounts.limit import KeyLimits, limit_key
from heliograph.accounts.spending.budget import month_of
from heliograph.accounts.spending.store import read_budgets
from heliograph.base.errors import NotFound, PaymentRequired
from heliograph.ledger.audit import audit
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.run import advance
from heliograph.tasks.submit import Accepted, submit_tasks
from support.spine import pictures

CENT = 10_000


def caps(*, month=None, total=None):
    """Limits in cents."""
    return KeyLimits(
        monthly_cap_micros=month and month * CENT, total_cap_micros=total and total * CENT
    )


async def spent(spine, key):
    """What is counted for the key, in cents: (this month, in all), or None when nothing is."""
    month = month_of(spine.clock.now())
    budget = (await read_budgets(spine.runtime.pool, [key.key_id], month)).get(key.key_id)
    return budget and (budget.month_micros / CENT, budget.total_micros / CENT)


async def test_a_hold_that_would_pass_a_cap_is_refused_and_says_so(spine):
    key = await spine.key(limits=caps(month=14))
    await spine.submit(key, num_images=4)
    with pytest.raises(PaymentRequired) as refused:
        await spine.submit(key, num_images=1)
    assert refused.value.message == (
        "The key's monthly cap of $0.14 would be passed: $0.12 is spent, the task needs $0.03."
        " Raise the cap or use another key."
    )
    assert await spent(spine, key) == (12, 12)
    assert await spine.balance(key) == (988, 12, 0)


async def test_a_cap_may_be_spent_to_the_last_cent(spine):
    key = await spine.key(limits=caps(month=12, total=12))
    await spine.submit(key, num_images=4)
    assert await spent(spine, key) == (12, 12)


async def test_of_one_commit_only_those_within_the_cap_are_accepted(spine):
    key = await spine.key(limits=caps(total=12))
    other = await spine.another_key(key.account_id)
    asked = [spine.asked(one, num_images=2) for one in (key, other, key, key)]
    answers = await submit_tasks(spine.runtime, asked)
    assert [type(answer) for answer in answers] == [Accepted, Accepted, Accepted, PaymentRequired]
    assert "total cap of $0.12" in answers[3].message
    assert (await spent(spine, key), await spent(spine, other)) == ((12, 12), None)


async def test_what_was_not_made_can_be_spent_again(spine):
    key = await spine.key(limits=caps(month=12))
    spine.engine.outcomes.append(pictures(1, missing=3))
    await advance(spine.runtime, await spine.submit(key, num_images=4), "render")
    assert await spent(spine, key) == (3, 3)
    await cancel_task(spine.runtime, await spine.submit(key, num_images=3))
    assert await spent(spine, key) == (3, 3)
    await spine.submit(key, num_images=3)


async def test_a_month_begins_anew_and_a_refund_belongs_to_the_month_of_the_submit(spine):
    key = await spine.key(limits=caps(month=12, total=15))
    task_id = await spine.submit(key, num_images=4)
    spine.clock.moment = datetime.datetime(2026, 12, 1, tzinfo=datetime.UTC)
    assert await spent(spine, key) == (0, 12)
    await spine.submit(key, num_images=1)
    with pytest.raises(PaymentRequired, match=r"total cap of \$0.15"):
        await spine.submit(key, num_images=1)
    await cancel_task(spine.runtime, task_id)
    assert await spent(spine, key) == (3, 3)


async def test_a_month_is_that_of_utc(spine):
    zone = datetime.timezone(datetime.timedelta(hours=9))
    assert month_of(datetime.datetime(2026, 12, 1, 8, 59, tzinfo=zone)) == datetime.date(
        2026, 11, 1
    )
    spine.clock.moment = datetime.datetime(2026, 11, 30, 23, 59, 59, tzinfo=datetime.UTC)
    key = await spine.key(limits=caps(month=3))
    await spine.submit(key, num_images=1)
    spine.clock.advance(1)
    await spine.submit(key, num_images=1)


async def test_a_new_cap_counts_what_was_spent_before_it(spine):
    key = await spine.key()
    await advance(spine.runtime, await spine.submit(key, num_images=2), "render")
    await spine.submit(key, num_images=1)
    await cancel_task(spine.runtime, await spine.submit(key, num_images=4))
    limited = await limit_key(spine.runtime.pool, key.key_id, caps(month=10))
    assert limited.monthly_cap_micros == 10 * CENT
    assert await spent(spine, key) == (9, 9)
    # the key in hand is as old as a process may remember it: the cap holds all the same
    with pytest.raises(PaymentRequired):
        await spine.submit(key, num_images=1)


async def test_a_cap_can_be_raised_and_taken_away(spine):
    key = await spine.key(limits=caps(month=3))
    await spine.submit(key, num_images=1)
    await limit_key(spine.runtime.pool, key.key_id, caps(month=6, total=None))
    await spine.submit(key, num_images=1)
    await limit_key(spine.runtime.pool, key.key_id, caps())
    await spine.submit(key, num_images=4)
    assert await spent(spine, key) is None
    assert await spine.runtime.pool.fetchval("SELECT count(*) FROM key_spending") == 0
    assert not await spine.runtime.pool.fetchval("SELECT bool_or(has_caps) FROM balances")


async def test_what_is_not_named_stays(spine):
    pool = spine.runtime.pool
    key = await spine.key(limits=caps(month=3))
    networks = KeyLimits(networks=("10.0.0.0/8",), models=("wan-2-5-image",))
    limited = await limit_key(pool, key.key_id, networks)
    assert (limited.monthly_cap_micros, limited.networks) == (3 * CENT, ("10.0.0.0/8",))
    assert await spine.key_again(key.key_id) == limited
    with pytest.raises(NotFound):
        await limit_key(pool, "00000000", networks)


async def test_a_rotated_key_goes_on_under_the_same_cap(spine):
    pool, now = spine.runtime.pool, spine.clock.now()
    old = await spine.key(limits=caps(total=12))
    await spine.submit(old, num_images=2)
    minted = await rotate_key(pool, old.key_id, now=now, keep_seconds=3600)
    new = await spine.key_again(minted.key_id)
    answers = await submit_tasks(
        spine.runtime, [spine.asked(key, num_images=1) for key in (old, new, new)]
    )
    assert [type(answer) for answer in answers] == [Accepted, Accepted, PaymentRequired]
    assert await spent(spine, old) == await spent(spine, new) == (12, 12)
    await limit_key(pool, new.key_id, caps(total=15))
    await spine.submit(old, num_images=1)


async def test_a_test_key_spends_nothing_of_its_cap(spine):
    key = await spine.key(test=True, limits=KeyLimits(monthly_cap_micros=0))
    await spine.submit(key, num_images=4)
    assert await spent(spine, key) == (0, 0)


async def test_racing_submits_never_pass_a_cap(spine):
    key = await spine.key(limits=caps(month=60))
    free = await spine.another_key(key.account_id)
    rounds = [[spine.asked(one, num_images=1) for one in (key, free, key)] for _ in range(40)]
    answers = await asyncio.gather(*(submit_tasks(spine.runtime, asked) for asked in rounds))
    accepted = [isinstance(answer, Accepted) for three in answers for answer in three]
    assert sum(accepted) == 20 + 40
    assert await spent(spine, key) == (60, 60)


async def test_a_cap_that_is_set_amid_submits_and_endings_counts_each_once(spine):
    key = await spine.key()

    async def use():
        task_id = await spine.submit(key, num_images=2)
        spine.engine.outcomes.append(pictures(1, missing=1))
        await advance(spine.runtime, task_id, "render")

    async def limit(number):
        wish = caps(month=1000 + number) if number % 2 else caps()
        await limit_key(spine.runtime.pool, key.key_id, wish)

    await asyncio.gather(*(use() for _ in range(20)), *(limit(number) for number in range(9)))
    await limit_key(spine.runtime.pool, key.key_id, caps(month=1000))
    assert await audit(spine.runtime.pool) == []
    assert await spent(spine, key) == (60, 60)


async def test_the_audit_names_spending_that_is_not_that_of_the_books(spine):
    pool = spine.runtime.pool
    key = await spine.key(limits=caps(month=60))
    await spine.submit(key, num_images=1)
    await pool.execute("UPDATE key_spending SET spent_micros = 1")
    await pool.execute("UPDATE balances SET has_caps = false")
    found = [(one.subject, one.problem) for one in await audit(pool)]
    assert found == [
        (f"account {key.account_id}", "has_caps is f"),
        (f"key {key.key_id}", "spent 30000 micros in 2026-11, the books say 1"),
    ]
    await limit_key(pool, key.key_id, caps())
