"""Accounts whose balance somebody holds: a process that is frozen, or an operator in a transaction."""

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from heliograph.base.clock import Clock
from heliograph.base.errors import Busy

Item = TypeVar("Item")

#: How long a run of many accounts waits for their balances, and an account that has waited in vain for its own.
PATIENCE_MS = 500

#: How long an account waits apart for the first time: where every commit is slow, others of its own are before it.
FIRST_PATIENCE_MS = 1_500

#: How long an account waits that has just waited in vain, and for how long after that.
SHORT_PATIENCE_MS = 100
SHORT_SECONDS = 2

#: For how long an account is asked apart from the others after it has waited in vain.
APART_SECONDS = 30


def by_account(
    items: Iterable[Item], account_of: Callable[[Item], str]
) -> Mapping[str, Sequence[Item]]:
    """`items` that wait apart, in their order."""
    apart: dict[str, list[Item]] = {}
    for item in items:
        apart.setdefault(account_of(item), []).append(item)
    return apart


class HeldUp:
    """For which accounts this process has waited in vain of late, so that others do not wait with them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, datetime.datetime] = {}

    def __contains__(self, account_id: str) -> bool:
        """Whether the account must be asked apart."""
        return self._is_within(APART_SECONDS, account_id)

    @contextlib.contextmanager
    def waiting(self, account_id: str) -> Iterator[int]:
        """For how long to wait for this balance, in ms; what comes of it in the block is remembered.

        One that is only much asked for is soon waited for in full again.
        """
        short = self._is_within(SHORT_SECONDS, account_id)
        again = PATIENCE_MS if account_id in self else FIRST_PATIENCE_MS
        try:
            yield SHORT_PATIENCE_MS if short else again
        except Busy as busy:
            if busy.locked and not short:
                self._note(account_id)
            raise
        self._since.pop(account_id, None)

    def _note(self, account_id: str) -> None:
        self._since = {name: since for name, since in self._since.items() if name in self}
        self._since[account_id] = self._clock.now()

    def _is_within(self, seconds: float, account_id: str) -> bool:
        since = self._since.get(account_id)
        return since is not None and (self._clock.now() - since).total_seconds() < seconds
