"""Change what an account may have under way."""

import datetime

from heliograph.accounts.store import set_max_live_tasks
from heliograph.base.database import Pool, transaction
from heliograph.operators.credit import no_such_account
from heliograph.operators.log.store import Deed, note_deed


async def limit_account(
    pool: Pool, operator: str, account_id: str, max_live_tasks: int, *, now: datetime.datetime
) -> None:
    """Let the account have so many open tasks from its next submit on, and log it. Raises NotFound.

    Tasks that are open already go on, however many there are.
    """
    async with transaction(pool) as connection:
        before = await set_max_live_tasks(connection, account_id, max_live_tasks)
        if before is None:
            raise no_such_account(account_id)
        if before != max_live_tasks:
            deed = Deed(
                operator=operator,
                action="limits",
                subject=account_id,
                account_id=account_id,
                before={"maxLiveTasks": before},
                after={"maxLiveTasks": max_live_tasks},
            )
            await note_deed(connection, deed, now=now)
