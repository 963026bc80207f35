"""Put money into an account, or correct its balance."""

import dataclasses
import datetime

from heliograph.base.database import Connection, Pool, transaction
from heliograph.base.errors import NotFound, UnprocessableEntity
from heliograph.ledger.money import Balance, Funding, dollars
from heliograph.ledger.store import fund, lock_balance
from heliograph.operators.log.store import Deed, find_repeated, note_deed


@dataclasses.dataclass(frozen=True)
class Credit:
    """Money for an account; with a `repeat_key` it moves once, however often it is asked for."""

    account_id: str
    funding: Funding
    repeat_key: str | None = None


async def credit_account(
    pool: Pool, operator: str, credit: Credit, *, now: datetime.datetime
) -> tuple[Balance, bool]:
    """Move the money and log it, together; gives the balance, and whether it was moved before.

    Raises NotFound, BadRequest for an amount or a note that cannot be, PaymentRequired when a
    correction takes more than there is, and UnprocessableEntity when the key was used for something
    else.
    """
    async with transaction(pool) as connection:
        before = await lock_balance(connection, credit.account_id)
        if before is None:
            raise no_such_account(credit.account_id)
        if await _was_done(connection, credit):
            return before, True
        after = await fund(connection, credit.account_id, credit.funding, now=now)
        await note_deed(connection, _deed(operator, credit, before, after), now=now)
    return after, False


def no_such_account(account_id: str) -> NotFound:
    """What is said of an account that is not there."""
    return NotFound(f"There is no account {account_id}. heliograph account list names all.")


def _deed(operator: str, credit: Credit, before: Balance, after: Balance) -> Deed:
    return Deed(
        operator=operator,
        action=credit.funding.kind,
        subject=credit.account_id,
        account_id=credit.account_id,
        before={"balance": dollars(before.available_micros)},
        after={
            "balance": dollars(after.available_micros),
            "amount": dollars(credit.funding.amount_micros),
        },
        note=credit.funding.note,
        repeat_key=credit.repeat_key,
    )


async def _was_done(connection: Connection, credit: Credit) -> bool:
    if credit.repeat_key is None:
        return False
    known = await find_repeated(connection, credit.repeat_key)
    if known is None:
        return False
    funding = credit.funding
    asked = (funding.kind, credit.account_id, funding.note, dollars(funding.amount_micros))
    amount = (known.after or {}).get("amount")
    if (known.action, known.account_id, known.note, amount) != asked:
        raise UnprocessableEntity(
            f"The Idempotency-Key {credit.repeat_key} was used for another movement of money."
            " Choose a new one."
        )
    return True
