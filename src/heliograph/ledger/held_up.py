"""Accounts whose balance somebody holds: a process that is frozen, or an operator in a transaction."""

import datetime

from heliograph.base.clock import Clock

#: How long one run of submits waits for the balances of all its accounts.
PATIENCE_MS = 500

#: And for that of an account for which one has waited in vain.
SHORT_PATIENCE_MS = 10

#: For how long that is remembered after the last time.
REMEMBERED_SECONDS = 10


class HeldUp:
    """For which accounts this process has just waited in vain, so that others do not wait with them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, datetime.datetime] = {}

    def __contains__(self, account_id: str) -> bool:
        since = self._since.get(account_id)
        return since is not None and self._clock.now() < since + datetime.timedelta(
            seconds=REMEMBERED_SECONDS
        )

    def patience_ms(self, account_id: str) -> int:
        """How long to wait for the balance of this account."""
        return SHORT_PATIENCE_MS if account_id in self else PATIENCE_MS

    def note(self, account_id: str) -> None:
        """One has waited for it in vain."""
        self._since = {name: since for name, since in self._since.items() if name in self}
        self._since[account_id] = self._clock.now()

    def forget(self, account_id: str) -> None:
        """It was to be had."""
        self._since.pop(account_id, None)
