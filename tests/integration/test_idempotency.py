"""A request that is sent again: the same task, one charge, and no way to make it mean something else."""

import asyncio
import uuid

import pytest

from heliograph.accounts.limit import KeyLimits
from heliograph.base.errors import (
    Busy,
    Conflict,
    Forbidden,
    PaymentRequired,
    TooManyRequests,
    UnprocessableEntity,
)
from heliograph.catalog.batch import is_idempotency_key
from heliograph.tasks.idempotency.key import request_sha256
from heliograph.tasks.retention.expire import forget_idempotency_keys
from heliograph.tasks.run import advance
from heliograph.tasks.submit import Accepted, submit_tasks

DAY_SECONDS = 24 * 3600


async def submit(spine, key, name, **fields):
    asked = spine.asked(key, idempotency_key=name, **fields)
    return (await submit_tasks(spine.runtime, [asked]))[0]


async def tasks(spine):
    return await spine.runtime.pool.fetchval("SELECT count(*) FROM tasks")


async def kept(spine):
    return await spine.runtime.pool.fetchval("SELECT count(*) FROM idempotency_keys")


async def test_the_same_request_again_is_the_same_task_and_costs_nothing_more(spine):
    key = await spine.key()
    first = await submit(spine, key, "order-7", num_images=2)
    again = await submit(spine, key, "order-7", num_images=2)
    assert (first.replayed, again) == (False, Accepted(first.task_id, replayed=True))
    assert await spine.balance(key) == (994, 6, 0)
    assert await spine.jobs() == [("render", first.task_id)]


async def test_a_request_is_repeated_after_its_task_has_ended_too(spine):
    key = await spine.key()
    first = await submit(spine, key, "order-7")
    await advance(spine.runtime, uuid.UUID(first.task_id), "render")
    assert (await submit(spine, key, "order-7")).task_id == first.task_id
    assert await spine.balance(key) == (988, 0, 12)


async def test_duplicates_in_one_commit_are_one_task(spine):
    key = await spine.key()
    asked = [spine.asked(key, idempotency_key=name) for name in ("a", "b", "a", "a", "b", None)]
    answers = await submit_tasks(spine.runtime, asked)
    assert [answer.replayed for answer in answers] == [False, False, True, True, True, False]
    assert len({answer.task_id for answer in answers}) == await tasks(spine) == 3
    assert await spine.balance(key) == (964, 36, 0)


async def test_another_request_with_the_same_key_is_refused_and_costs_nothing(spine):
    key = await spine.key()
    asked = [spine.asked(key, idempotency_key="a", num_images=count) for count in (1, 2)]
    first, other = await submit_tasks(spine.runtime, asked)
    assert isinstance(other, UnprocessableEntity)
    assert "The idempotency key a belongs to another request" in other.message
    later = await submit(spine, key, "a", num_images=1, prompt="a bear")
    assert isinstance(later, UnprocessableEntity)
    assert await spine.balance(key) == (997, 3, 0)
    assert (await submit(spine, key, "a", num_images=1)).task_id == first.task_id


async def test_a_refused_request_is_not_remembered(spine):
    key = await spine.key(dollars=0.07, max_live_tasks=1)
    assert isinstance(await submit(spine, key, "a", num_images=3), PaymentRequired)
    first = await submit(spine, key, "a", num_images=1)
    assert isinstance(await submit(spine, key, "b", num_images=1), TooManyRequests)
    assert await kept(spine) == 1
    await advance(spine.runtime, uuid.UUID(first.task_id), "render")
    assert not (await submit(spine, key, "b", num_images=1)).replayed


async def test_of_duplicates_in_one_commit_the_second_is_tried_when_the_first_was_refused(spine):
    key = await spine.key(dollars=0.05)
    asked = [spine.asked(key, idempotency_key="a", num_images=count) for count in (2, 1, 1)]
    refused, accepted, again = await submit_tasks(spine.runtime, asked)
    assert isinstance(refused, PaymentRequired)
    assert again == Accepted(accepted.task_id, replayed=True)


async def test_a_repetition_needs_neither_money_nor_a_free_slot(spine):
    key = await spine.key(dollars=0.12, max_live_tasks=1)
    first = await submit(spine, key, "a")
    assert await submit(spine, key, "a") == Accepted(first.task_id, replayed=True)


async def test_a_key_is_the_accounts_own_and_all_its_api_keys_share_it(spine):
    mine, theirs = await spine.key(), await spine.key()
    first = await submit(spine, mine, "a")
    assert not (await submit(spine, theirs, "a", num_images=1)).replayed
    second_key = await spine.another_key(mine.account_id)
    assert (await submit(spine, second_key, "a")).task_id == first.task_id


async def test_a_key_is_free_again_after_a_day_and_then_forgotten(spine):
    key = await spine.key()
    first = await submit(spine, key, "a")
    await submit(spine, key, "b")
    spine.clock.advance(DAY_SECONDS - 1)
    assert await forget_idempotency_keys(spine.runtime) == 0
    assert (await submit(spine, key, "a")).replayed
    spine.clock.advance(1)
    anew = await submit(spine, key, "a", num_images=1)
    assert not anew.replayed
    assert anew.task_id != first.task_id
    spine.clock.advance(1)
    assert await forget_idempotency_keys(spine.runtime) == 1
    assert (await submit(spine, key, "a", num_images=1)).task_id == anew.task_id


async def test_duplicates_that_race_in_transactions_of_their_own_are_one_task(spine):
    key = await spine.key()
    asked = [spine.asked(key, idempotency_key="a")]
    answers = await asyncio.gather(*(submit_tasks(spine.runtime, asked) for _ in range(32)))
    assert len({answer.task_id for (answer,) in answers}) == await tasks(spine) == 1
    assert sum(not answer.replayed for (answer,) in answers) == 1
    assert await spine.balance(key) == (988, 12, 0)


async def test_who_asks_for_nothing_special_costs_a_single_statement(spine):
    plain = await spine.key()
    capped = await spine.key(limits=KeyLimits(monthly_cap_micros=10**6))
    for key in (plain, capped):  # a connection learns the types of parameters once
        await submit(spine, key, f"first of {key.key_id}")
    assert await statements(spine, spine.asked(plain)) == 1
    assert await statements(spine, spine.asked(plain, idempotency_key="a")) == 4 + 2
    assert await statements(spine, spine.asked(capped)) == 1 + 4 + 2


async def statements(spine, asked):
    """How many statements a submit takes, without beginning and end of its transaction."""
    said = []
    async with spine.runtime.pool.acquire() as connection:
        connection.add_query_logger(said.append)
    await submit_tasks(spine.runtime, [asked])
    async with spine.runtime.pool.acquire() as connection:
        connection.remove_query_logger(said.append)
    return sum(one.query not in ("BEGIN;", "COMMIT;") for one in said)


async def test_when_the_account_is_held_too_long_who_sent_a_key_may_safely_come_back(spine):
    key = await spine.key()
    pool = spine.runtime.pool
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("SELECT FROM balances FOR UPDATE")
        asked = [spine.asked(key, idempotency_key=name) for name in ("a", None)]
        with_key, without = await submit_tasks(spine.runtime, asked)
    assert isinstance(with_key, Conflict)
    assert isinstance(without, Busy)
    assert with_key.headers["Retry-After"] == without.headers["Retry-After"] == "1"
    assert await tasks(spine) == await kept(spine) == 0


async def test_a_key_that_may_not_use_the_model_is_refused_whatever_the_door(spine):
    key = await spine.key(limits=KeyLimits(models=("another-model",)))
    refused = await submit(spine, key, None)
    assert isinstance(refused, Forbidden)
    assert refused.message.startswith("The key may not use wan-2-5-image, only another-model.")
    allowed = await spine.another_key(key.account_id, limits=KeyLimits(models=("wan-2-5-image",)))
    assert isinstance(await submit(spine, allowed, None), Accepted)


async def test_white_space_order_and_defaults_make_no_other_request(spine):
    key = await spine.key()
    plain = spine.asked(key, prompt=" a panda ", aspect_ratio=None, num_images="4").submission
    assert request_sha256("r", plain) == request_sha256("r", spine.asked(key).submission)
    assert request_sha256("r", plain) != request_sha256("s", plain)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a", True),
        ("!~" * 127 + "x", True),
        ("", False),
        ("x" * 256, False),
        ("a b", False),
        ("a\n", False),
        ("ä", False),
        ("\x7f", False),
    ],
)
def test_a_key_has_1_to_255_visible_ascii_characters(text, good):
    assert is_idempotency_key(text) is good
