"""Many submits at once on a balance for few of them: what was paid for is accepted, and no more."""

import asyncio
import itertools
import os
import random
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from e2e.conftest import Install
from e2e.crowd import GENERATE, text_to_image
from support.service import Customer, Installation

PROVING = os.environ.get("HYPOTHESIS_PROFILE") == "prove"
SUBMITS, AFFORDABLE = (10_000, 1_000) if PROVING else (2_000, 200)
AT_ONCE = 64
PRICE = Decimal("0.03")

#: Of the provider nothing is ever asked: no worker runs. The money is to be the limit that is met.
SETTINGS = {
    "HELIOGRAPH_PROVIDERS": "dashscope",
    "HELIOGRAPH_DASHSCOPE_API_KEY": "sk-none",
    "HELIOGRAPH_MAX_LIVE_TASKS": str(2 * AFFORDABLE),
}


async def storm(url: str, customer: Customer, images: list[int]) -> list[tuple[int, int]]:
    """Submit a task for each number of `images`; gives (status, images) of each."""
    asked = iter(images)
    answers = []

    async def submit() -> None:
        async with httpx2.AsyncClient(base_url=url, headers=customer.headers, timeout=30) as http:
            for count in asked:
                body = {"input": text_to_image("a panda in a storm", count)}
                answer = await http.post(GENERATE, json=body)
                answers.append((answer.status_code, count))

    await asyncio.gather(*(submit() for _ in range(AT_ONCE)))
    return answers


@pytest.fixture
def installation(install: Install) -> Installation:
    """Only answers; nobody works."""
    installation = install(**SETTINGS)
    installation.serve("--no-worker").ready()
    return installation


def books(installation: Installation, customer: Customer) -> dict[str, Any]:
    audit = installation.run("audit")
    assert audit.returncode == 0, audit.stdout
    return installation.ask("account", "show", customer.account_id)


async def test_of_ten_times_more_submits_than_can_be_paid_exactly_those_are_accepted_that_can(
    installation: Installation,
):
    customer = await asyncio.to_thread(installation.customer, str(AFFORDABLE * PRICE))
    started = time.monotonic()
    answers = await storm(installation.url, customer, [1] * SUBMITS)
    seconds = time.monotonic() - started
    statuses = Counter(status for status, _ in answers)
    print(f"\n{SUBMITS} submits in {seconds:.1f} s, {SUBMITS / seconds:.0f} a second: {statuses}")
    assert statuses == {200: AFFORDABLE, 402: SUBMITS - AFFORDABLE}
    account = await asyncio.to_thread(books, installation, customer)
    assert (account["available"], account["held"]) == (0, float(AFFORDABLE * PRICE))
    assert account["live_tasks"] == AFFORDABLE


async def test_a_storm_of_unequal_tasks_never_overdraws_and_leaves_nothing_that_would_pay_one(
    installation: Installation,
):
    customer = await asyncio.to_thread(installation.customer, "6.02")
    dice = random.Random(20260)
    images = list(itertools.islice(iter(lambda: dice.randint(1, 4), 0), SUBMITS // 2))
    answers = await storm(installation.url, customer, images)
    assert {status for status, _ in answers} == {200, 402}
    held = PRICE * sum(count for status, count in answers if status == 200)
    account = await asyncio.to_thread(books, installation, customer)
    assert account["held"] == float(held)
    assert account["available"] == float(Decimal("6.02") - held)
    assert 0 <= account["available"] < PRICE
