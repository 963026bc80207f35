"""Places of which nobody has all, and for which those who wait take turns."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator


class Places:
    """At most `most` places at a time, of which one owner has at most `most_of_one`.

    The owners that wait take turns, each with whoever of theirs has waited longest: a thousand that
    wait for one owner put off another's by a place or two.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        assert 0 < most_of_one <= most
        self._free = most
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def one(self, owner: str) -> AsyncIterator[None]:
        """A place of `owner` for the length of the block, waited for if need be."""
        await self._take(owner)
        try:
            yield
        finally:
            self._give_back(owner)

    async def _take(self, owner: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(owner)
            raise

    def _give_back(self, owner: str) -> None:
        self._free += 1
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free and (owner := self._next_owner()) is not None:
            line = self._waiting.pop(owner)
            turn = line.popleft()
            if line:
                self._waiting[owner] = line  # behind the others
            if not turn.done():  # who has stopped waiting is passed over
                self._free -= 1
                self._taken[owner] += 1
                turn.set_result(None)

    def _next_owner(self) -> str | None:
        has_room = (one for one in self._waiting if self._taken[one] < self._most_of_one)
        return next(has_room, None)
