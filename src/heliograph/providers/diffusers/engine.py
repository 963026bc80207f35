"""One model in a process of its own, seen from the service."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import msgspec
import structlog

from heliograph.providers.diffusers.messages import (
    Cancel,
    Downloading,
    FromEngine,
    NotLoaded,
    NotPainted,
    Order,
    Painted,
    Ready,
    Setup,
    Step,
    Stopped,
    ToEngine,
    encode,
    receive,
)

CHILD: Final = "heliograph.providers.diffusers.child"
KEPT_LINES: Final = 20
_END_SECONDS: Final = 5.0
_MAX_LINE_BYTES: Final = 64 * 1024

ReportShare = Callable[[float], None]

log = structlog.get_logger()


@dataclass(frozen=True)
class Ended:
    """The process is gone: how, and what it said last."""

    exit_code: int | None
    last_lines: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """A few words for the operator."""
        if self.exit_code == -signal.SIGKILL:
            return "was killed, most likely because memory ran out"
        if self.exit_code is not None and self.exit_code < 0:
            return f"crashed with {signal.Signals(-self.exit_code).name}"
        return f"ended with exit code {self.exit_code}"


Answer = Painted | NotPainted | Stopped | Ended


class Engine:
    """A model whose process is started when it is needed, and again when it has ended.

    Whoever uses it holds `turn` from `open` to the last `paint`: it paints one picture at a time.
    """

    def __init__(
        self, setup: Setup, painter: str, *, patience_seconds: float, cancel_seconds: float
    ) -> None:
        """`painter` names the module that paints, in the process."""
        self.setup = setup
        self.turn = asyncio.Lock()
        self._painter = painter
        self._patience_seconds = patience_seconds
        self._cancel_seconds = cancel_seconds
        self._child: Child | None = None

    async def open(self) -> Ready | NotLoaded | Ended | None:
        """What the loaded model takes, or why there is none; None if it is still being loaded."""
        if self._child is None or self._child.end is not None:
            log.info("diffusers.engine_starting", model=self.setup.model)
            self._child = await Child.start(self.setup, self._painter, self._cancel_seconds)
        return await self._child.loaded(self._patience_seconds)

    async def paint(self, order: Order, report: ReportShare) -> Answer:
        """One picture, or why there is none. Cancelling stops the painting, not the engine."""
        assert self._child is not None, "paint comes after open"
        return await self._child.paint(order, report)

    async def look(self) -> bytes:
        """What the painter finds without loading the model, as JSON; its last words if it fails.

        Raises OSError with those words.
        """
        process = await asyncio.create_subprocess_exec(
            *_command("look", self._painter, self.setup),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        try:
            found, said = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if process.returncode != 0:
            lines = said.decode(errors="replace").split("\n")
            raise OSError(next((line for line in reversed(lines) if line.strip()), "no reason"))
        return found

    async def close(self) -> None:
        """End the process."""
        if self._child is not None:
            await self._child.close()


class Child:
    """A running process. It answers each order once, or ends."""

    def __init__(
        self, process: asyncio.subprocess.Process, model: str, cancel_seconds: float
    ) -> None:
        self.end: Ended | None = None
        self._process = process
        self._model = model
        self._cancel_seconds = cancel_seconds
        loop = asyncio.get_running_loop()
        self._loaded: asyncio.Future[Ready | NotLoaded | Ended] = loop.create_future()
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._reports: dict[int, ReportShare] = {}
        self._last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._orders = 0
        self._noting = asyncio.create_task(self._note_lines())
        self._hearing = asyncio.create_task(self._hear_all())
        self._stopping: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, setup: Setup, painter: str, cancel_seconds: float) -> Self:
        """A new process, which begins to load at once."""
        # on a terminal, libraries show their progress bars themselves
        stderr = None if sys.stderr.isatty() else asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *_command("serve", painter, setup),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            limit=_MAX_LINE_BYTES,
            env=_environment(),
        )
        return cls(process, setup.model, cancel_seconds)

    async def loaded(self, patience_seconds: float) -> Ready | NotLoaded | Ended | None:
        """How loading ended; None if it has not within `patience_seconds`."""
        await asyncio.wait([self._loaded], timeout=patience_seconds)
        return self._loaded.result() if self._loaded.done() else None

    async def paint(self, order: Order, report: ReportShare) -> Answer:
        """The answer to `order`, which gets a number here."""
        if self.end is not None:
            return self.end
        self._orders += 1
        order = msgspec.structs.replace(order, number=self._orders)
        answer = asyncio.get_running_loop().create_future()
        self._answers[order.number] = answer
        self._reports[order.number] = report
        try:
            await self._send(order)
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            stopping = asyncio.create_task(self._stop(order.number, answer))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
            await asyncio.shield(stopping)
            raise
        finally:
            self._reports.pop(order.number, None)

    async def close(self) -> None:
        """Hang up, which ends the process, and wait until it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        done, _ = await asyncio.wait([self._hearing], timeout=_END_SECONDS)
        if not done:
            self._kill()
            await asyncio.wait([self._hearing])

    async def _send(self, message: ToEngine) -> None:
        assert self._process.stdin is not None
        # a process that is gone is noticed where its answers are heard
        with contextlib.suppress(OSError):
            self._process.stdin.write(encode(message))
            await self._process.stdin.drain()

    async def _stop(self, number: int, answer: asyncio.Future[Answer]) -> None:
        await self._send(Cancel(number))
        await asyncio.wait([answer], timeout=self._cancel_seconds)
        if not answer.done():
            log.warning("diffusers.engine_killed", model=self._model, reason="deaf to a cancel")
            self._kill()
            await answer

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _hear_all(self) -> None:
        assert self._process.stdout is not None
        try:
            with contextlib.suppress(EOFError, OSError, msgspec.DecodeError):
                while True:
                    self._hear(await receive(self._process.stdout))
        finally:
            # whatever happened, nobody shall wait for an answer that cannot come
            self.end = await self._ended()
            if not self._loaded.done():
                self._loaded.set_result(self.end)
            for answer in self._answers.values():
                answer.set_result(self.end)
            self._answers.clear()

    def _hear(self, message: FromEngine) -> None:
        match message:
            case Ready() | NotLoaded():
                self._loaded.set_result(message)
            case Downloading(done_bytes, total_bytes):
                percent = 100 * done_bytes // total_bytes
                log.info("diffusers.downloading", model=self._model, percent=percent)
            case Step(number, share):
                if number in self._reports:
                    self._reports[number](share)
            case Painted(number) | NotPainted(number) | Stopped(number):
                self._answers.pop(number).set_result(message)

    async def _ended(self) -> Ended:
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._noting, _END_SECONDS)
        return Ended(self._process.returncode, tuple(self._last_lines))

    async def _note_lines(self) -> None:
        """Keep and log what the process says beside its messages."""
        if self._process.stderr is None:
            return
        while part := await self._process.stderr.read(_MAX_LINE_BYTES):
            # progress bars write over their line again and again
            for line in part.decode(errors="replace").replace("\r", "\n").split("\n"):
                if line.strip():
                    self._last_lines.append(line.rstrip())
                    log.debug("diffusers.engine_said", model=self._model, line=line.rstrip())


def _command(deed: str, painter: str, setup: Setup) -> list[str]:
    return [sys.executable, "-m", CHILD, deed, painter, msgspec.json.encode(setup).decode()]


def _environment() -> dict[str, str]:
    """That of the service without its own settings, among them keys that no library shall see."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HELIOGRAPH_")}
    return {"HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"} | kept
