"""The slots of the workers in this process, and work that begins in one without having been a job."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass


class Slots:
    """`most` pieces of work at a time. Each is a task of the event loop, `at_work` while it goes on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._promised = 0
        self.at_work: set[asyncio.Task[object]] = set()

    @property
    def free(self) -> int:
        """How many more may begin now."""
        return max(0, self._most - len(self.at_work) - self._promised)

    def promise(self) -> bool:
        """Keep one for work that is about to come; False: none is free."""
        if not self.free:
            return False
        self._promised += 1
        return True

    def release(self) -> None:
        """End a promise: the work begins now, or does not come."""
        self._promised -= 1


@dataclass(frozen=True)
class Crew:
    """A worker of this process: its slots, whether others come first, and how it begins a task."""

    slots: Slots
    is_taken: Callable[[], bool]
    begin: Callable[[uuid.UUID, str], None]


class AtOnce:
    """Where a task that is accepted may begin at once: the crews of this process, by queue.

    An API without a worker has none. Nobody goes past jobs that wait.
    """

    def __init__(self) -> None:
        self._crews: dict[str, Crew] = {}

    @contextlib.contextmanager
    def serving(self, queues: Collection[str], crew: Crew) -> Iterator[None]:
        """`crew` serves `queues` in the block."""
        self._crews |= dict.fromkeys(queues, crew)
        try:
            yield
        finally:
            for queue in queues:
                del self._crews[queue]

    def promise(self, queue: str) -> Crew | None:
        """The crew that keeps a slot for a task of `queue`, to be released; None: it must wait as a job."""
        crew = self._crews.get(queue)
        if crew is None or crew.is_taken() or not crew.slots.promise():
            return None
        return crew
