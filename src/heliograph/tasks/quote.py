"""Quote: what a task would cost and take. Everything that submit checks is checked, and nothing moves."""

import msgspec

from heliograph.accounts.account import Key
from heliograph.accounts.spending.budget import month_of
from heliograph.accounts.spending.store import read_budgets
from heliograph.base.database import borrow
from heliograph.base.errors import BadRequest, TaskFault
from heliograph.catalog.reference import Reference
from heliograph.catalog.request import Submission
from heliograph.ledger.money import dollars
from heliograph.ledger.store import read_balance
from heliograph.runtime import Runtime
from heliograph.tasks.observe.pace import Pace


class Seconds(msgspec.Struct, frozen=True):
    """From submit to success: half of the tasks lately were faster than p50, nine of ten than p90."""

    p50: float
    p90: float


class CheckedImage(msgspec.Struct, frozen=True):
    """A reference image that was fetched and would be taken; its size in pixels, upright."""

    width: int
    height: int


class Quote(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """What the task would cost in dollars, what it would leave, and how long such tasks take.

    `affordable` is about the money alone: what is left of the balance, and under the caps of the key.
    `width` and `height` are those of each picture, in pixels.
    """

    price: float
    price_per_image: float
    num_images: int
    balance: float
    balance_after: float
    affordable: bool
    width: int
    height: int
    expected_seconds: Seconds | None = None
    images: list[CheckedImage] | None = None


async def quote(runtime: Runtime, key: Key, submission: Submission, pace: Pace) -> Quote:
    """Price `submission` for `key`, with its reference images really fetched and checked.

    Raises Forbidden when the model is switched off, the key may not use it, or its route has no provider, BadRequest naming
    a reference image that cannot be used, Busy when the database is away.
    """
    image = submission.image
    await runtime.switches.refresh()
    runtime.switches.check(submission.model)
    key.check_model(submission.model)
    submission.check_retention(runtime.settings.result_retention_hours)
    runtime.moderation.check_texts(image)
    runtime.route(test=key.test, routing=key.routing, mode=image.mode)
    references = await _prepare(runtime, submission, key.account_id)
    unit = runtime.prices.unit_price_micros(submission.model, image.mode, key.routing)
    price = 0 if key.test else unit * image.num_images
    async with borrow(runtime.pool) as connection:
        balance = await read_balance(connection, key.account_id)
        budgets = await read_budgets(connection, [key.key_id], month_of(runtime.clock.now()))
    available = balance.available_micros if balance else 0
    # a rehearsal takes as long as it is told to
    expected = (
        None if key.test else await pace.expected(submission.model, image.mode, runtime.clock.now())
    )
    return Quote(
        price=dollars(price),
        price_per_image=dollars(0 if key.test else unit),
        num_images=image.num_images,
        balance=dollars(available),
        balance_after=dollars(available - price),
        affordable=price <= available
        and not any(budget.overrun(price) for budget in budgets.values()),
        width=image.width,
        height=image.height,
        expected_seconds=Seconds(round(expected.p50_seconds, 1), round(expected.p90_seconds, 1))
        if expected
        else None,
        images=[CheckedImage(one.width, one.height) for one in references] or None,
    )


async def _prepare(
    runtime: Runtime, submission: Submission, account_id: str
) -> tuple[Reference, ...]:
    limits = runtime.models[submission.model].references
    try:
        return await runtime.intake.prepare(submission.image.image_urls, limits, account_id)
    except TaskFault as fault:
        field, _, _ = fault.message.partition(": ")
        raise BadRequest(fault.message, field) from fault
