"""Places of which nobody has all, and for which those who wait take turns."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator


class Places:
    """At most `most` places at a time, of which one owner has at most `most_of_one`.

    The owners that wait take turns, each with whoever of theirs has waited longest: a thousand that
    wait for one owner put off another's by a place or two. Who needs several at once has them together,
    and waits no longer for that than in turn.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        assert 0 < most_of_one <= most
        self._free = most
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[tuple[asyncio.Future[None], int]]] = {}

    @contextlib.asynccontextmanager
    async def one(self, owner: str, size: int = 1) -> AsyncIterator[None]:
        """A place of `owner`, or `size` of them, for the length of the block, waited for if need be.

        Nobody has more at once than one owner may.
        """
        size = min(size, self._most_of_one)
        await self._take(owner, size)
        try:
            yield
        finally:
            self._give_back(owner, size)

    async def _take(self, owner: str, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append((turn, size))
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._hand_out()  # whoever is behind may need less
            else:
                self._give_back(owner, size)
            raise

    def _give_back(self, owner: str, size: int) -> None:
        self._free += size
        self._taken[owner] -= size
        if not self._taken[owner]:
            del self._taken[owner]
        self._hand_out()

    def _hand_out(self) -> None:
        while (owner := self._next_owner()) is not None:
            turn, size = self._waiting[owner][0]
            if size > self._free:
                break
            line = self._waiting.pop(owner)
            line.popleft()
            if line:
                self._waiting[owner] = line  # behind the others
            self._free -= size
            self._taken[owner] += size
            turn.set_result(None)

    def _next_owner(self) -> str | None:
        """The first in turn who may have more. Whoever has stopped waiting is passed over."""
        for owner, line in list(self._waiting.items()):
            while line and line[0][0].done():
                line.popleft()
            if not line:
                del self._waiting[owner]
            elif self._taken[owner] + line[0][1] <= self._most_of_one:
                return owner
        return None
