"""Virtual time, and gates at which everything stops until the simulation lets it go on.

One step at a time: whoever is let through a gate runs until it and everything it has begun stands at a
gate again, sleeps or has ended. A transaction is one step; nothing else happens inside of it, except that
its process may die.
"""

import asyncio
import contextlib
import contextvars
import random
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from heliograph.base.errors import Busy
from heliograph.runtime import Runtime

CONNECTIONS = 4


class ProcessDied(BaseException):
    """No line of ours runs any more in that process: only `finally` blocks, at gates that stay shut."""


class Sockets(selectors.DefaultSelector):
    """Looks at the sockets only when there is nothing else to do, which is seldom and has no chance in it."""

    def select(self, timeout=None):
        return [] if timeout == 0 else super().select(timeout)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time moves only when it is told to, and that says when nothing is left to do."""

    def __init__(self) -> None:
        super().__init__(Sockets())
        self.moment = 0.0
        self.busy = 0
        self.changed = True
        self._idle: asyncio.Future[None] | None = None

    def time(self) -> float:
        return self.moment

    def begin(self) -> None:
        """Time starts anew, and nothing is left of what would have happened in the last world."""
        for timer in self._scheduled:
            timer.cancel()
        self.moment = 0.0

    def run_in_executor(self, executor, func, *args):
        """At once and here: a thread would finish when it likes."""
        done = self.create_future()
        done.set_result(func(*args))
        return done

    async def idle(self) -> None:
        """Until everything else waits for a gate or for time to pass."""
        self._idle = self.create_future()
        await self._idle

    def next_timer(self) -> float | None:
        """When the next sleeper wakes."""
        return min(
            (timer.when() for timer in self._scheduled if not timer.cancelled()), default=None
        )

    def _run_once(self) -> None:
        if not self._ready and not self.busy and self._idle and not self._idle.done():
            timer = self.next_timer()
            if timer is None or timer > self.moment:
                self._idle.set_result(None)
        super()._run_once()


@dataclass(eq=False)
class Process:
    """A worker process, or a client's request: what runs in it dies with it."""

    name: str
    runtime: Runtime = field(init=False)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    dead: bool = False
    stalled_until: float = 0.0


@dataclass(eq=False)
class Gate:
    """Somebody who waits to go on, and with what."""

    process: Process
    label: str
    future: "asyncio.Future[None]"


inside: contextvars.ContextVar[Process] = contextvars.ContextVar("inside")


class Gates:
    """All gates of a world, its dice, and the story so far."""

    def __init__(self, dice: random.Random, loop: VirtualLoop) -> None:
        self.dice, self.loop = dice, loop
        self.waiting: list[Gate] = []
        self.story: list[str] = []
        self.trouble = 0.0

    def tell(self, event: str) -> None:
        self.story.append(f"{self.loop.time():8.2f}  {event}")

    def happens(self, share: float) -> bool:
        """Whether a trouble of this frequency happens now; none does once the world is at peace."""
        return self.dice.random() < share * self.trouble

    async def wait(self, label: str, process: Process | None = None) -> None:
        """Stand at a gate, if not for `process` then for that of the task that comes.

        Raises ProcessDied when the process dies there or is dead.
        """
        process = process or inside.get()
        gate = Gate(process, label, self.loop.create_future())
        if process.dead:
            raise ProcessDied
        self.waiting.append(gate)
        try:
            await gate.future
        finally:
            with contextlib.suppress(ValueError):
                self.waiting.remove(gate)

    def open(self, gate: Gate) -> None:
        self.waiting.remove(gate)
        self.tell(f"{gate.process.name}: {gate.label}")
        gate.future.set_result(None)

    def kill(self, process: Process) -> None:
        """Everything in it dies where it stands."""
        self.tell(f"{process.name} dies")
        process.dead = True
        for gate in [one for one in self.waiting if one.process is process]:
            self.waiting.remove(gate)
            gate.future.set_exception(ProcessDied())

    def maybe_die(self, process: Process, share: float) -> None:
        """Raises ProcessDied if the process is dead or dies here."""
        if process.dead:
            raise ProcessDied
        if self.happens(share):
            self.kill(process)
            raise ProcessDied


class GatedConnection:
    """A connection on which a process can die between two statements."""

    def __init__(self, gates: Gates, process: Process, real: asyncpg.Connection) -> None:
        self._gates, self._process, self.real = gates, process, real

    def __getattr__(self, name: str):
        statement = getattr(self.real, name)
        if name not in {"fetch", "fetchrow", "fetchval", "execute", "executemany"}:
            return statement
        self._gates.maybe_die(self._process, 0.004)

        def run(sql: str, *arguments: object):
            self._gates.loop.changed |= not sql.lstrip().startswith("SELECT")
            return statement(sql, *arguments)

        return run


class GatedPool:
    """Stands where the pool of a process does; the trouble is that of a database.

    It knows its process: what several tasks of one share runs in no task's name.
    """

    def __init__(self, gates: Gates, process: Process, free: list[asyncpg.Connection]) -> None:
        self._gates, self._process, self._free = gates, process, free

    async def acquire(self, *, timeout: float | None = None) -> GatedConnection:  # noqa: ASYNC109 - the pool's own
        if not self._gates.loop.busy:
            await self._gates.wait("transaction", self._process)
        self._gates.maybe_die(self._process, 0.01)
        if self._gates.happens(0.01):
            self._gates.tell("no connection to spare")
            raise Busy("The database has no connection to spare")
        self._gates.loop.busy += 1
        return GatedConnection(self._gates, self._process, self._free.pop())

    async def release(self, connection: GatedConnection) -> None:
        self._gates.loop.busy -= 1
        self._free.append(connection.real)
        if self._process.dead:
            raise ProcessDied
        self._gates.maybe_die(self._process, 0.01)
        if self._gates.happens(0.01):
            self._gates.tell("the connection is lost, perhaps during the commit")
            raise Busy("The database cannot be reached")

    def __getattr__(self, name: str) -> Callable[..., object]:
        async def statement(*arguments: object) -> object:
            await self._gates.wait(name, self._process)
            self._gates.maybe_die(self._process, 0.01)
            if self._gates.happens(0.01):
                raise ConnectionResetError
            self._gates.loop.busy += 1
            self._gates.loop.changed = True
            connection = self._free.pop()
            try:
                answer = await getattr(connection, name)(*arguments)
            finally:
                self._gates.loop.busy -= 1
                self._free.append(connection)
            self._gates.maybe_die(self._process, 0.01)
            return answer

        return statement
