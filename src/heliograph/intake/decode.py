"""Full decoding of reference pictures, in a few sandboxed child processes that end when idle."""

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from heliograph.base.errors import OperatorError, PictureRefused
from heliograph.base.places import Places
from heliograph.catalog.reference import Reference
from heliograph.intake.frame import ANSWER, PNG, REFUSED, REQUEST
from heliograph.intake.header import Header

DECODE_SECONDS = 20.0
IDLE_SECONDS = 30.0
END_SECONDS = 2.0
PROCESSES = 2
# Providers take 10 MB as base64, which is a third longer than the bytes.
MAX_RESULT_BYTES = 7_500_000

_ATTEMPTS = 2
_TOO_LONG = (
    "The picture takes too long to decode. Save it anew, not progressive and without extras."
)
_DAMAGED = "The picture cannot be decoded: it is damaged. Save it anew."


class Decoder:
    """Decodes at most `processes` pictures at a time; an idle decoder has no process."""

    def __init__(
        self,
        *,
        processes: int = PROCESSES,
        idle_seconds: float = IDLE_SECONDS,
        decode_seconds: float = DECODE_SECONDS,
    ) -> None:
        self._places = Places(processes, most_of_one=processes)
        self._idle_seconds = idle_seconds
        self._decode_seconds = decode_seconds
        self._idle: list[_Child] = []
        self._endings: set[asyncio.Task[int]] = set()

    async def decode(self, data: bytes, header: Header, account_id: str) -> Reference:
        """The picture in `data`, whose header was scanned, made uniform: RGB, upright, no metadata.

        The accounts that wait take turns. Raises PictureRefused with a sentence for the customer.
        """
        async with self._places.one(account_id):
            for _ in range(_ATTEMPTS):
                answer = await self._ask(data, header)
                # A child may have been ended from outside, so a second one decides.
                if answer is not None:
                    return _read_answer(*answer)
        raise PictureRefused(_DAMAGED)

    async def _ask(self, data: bytes, header: Header) -> tuple[bytes, bytes] | None:
        """What a child answers, or None if it died; a child that did not answer is not used again."""
        child = self._idle.pop() if self._idle else await _Child.start()
        child.stay()
        try:
            async with asyncio.timeout(self._decode_seconds):
                answer = await child.ask(data, header)
        except TimeoutError:
            raise PictureRefused(_TOO_LONG) from None
        except (EOFError, ConnectionError):
            if await child.end_by_itself() == -signal.SIGXCPU:
                raise PictureRefused(_TOO_LONG) from None
            return None
        else:
            self._idle.append(child)
            child.leave_after(self._idle_seconds, self._retire)
            return answer
        finally:
            if child not in self._idle:
                self._end(child)

    def _retire(self, child: "_Child") -> None:
        self._idle.remove(child)
        self._end(child)

    def _end(self, child: "_Child") -> None:
        child.kill()
        ending = asyncio.ensure_future(child.end())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def close(self) -> None:
        """End every child and wait until it has gone."""
        for child in tuple(self._idle):
            child.stay()
            self._retire(child)
        await asyncio.gather(*self._endings)


class _Child:
    """One process running `normalise.py`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._leaving: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls) -> "_Child":
        # No site packages are set up and no variable is handed on: it starts in a fraction of the time,
        # and there is no secret in the process that decodes what strangers send.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-S", "-s", "-P", "-m", "heliograph.intake.normalise"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PYTHONPATH": _search_path()},
            start_new_session=True,
        )
        return cls(process)

    async def ask(self, data: bytes, header: Header) -> tuple[bytes, bytes]:
        """Head and body of the answer. Raises EOFError or ConnectionError if the process dies."""
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None
        assert sink is not None
        name = header.format.ljust(4).encode()
        sink.write(
            REQUEST.pack(name, header.width, header.height, MAX_RESULT_BYTES, len(data)) + data
        )
        await sink.drain()
        head = await source.readexactly(ANSWER.size)
        return head, await source.readexactly(ANSWER.unpack(head)[-1])

    def leave_after(self, seconds: float, leave: Callable[["_Child"], None]) -> None:
        self._leaving = asyncio.get_running_loop().call_later(seconds, leave, self)

    def stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end_by_itself(self) -> int:
        """The exit status of a process that has closed its end of the pipes.

        Killing it at once would hide what it died of: Python asks after a process before it sends
        a signal, and then asyncio finds that the status has been taken.
        """
        with suppress(TimeoutError):
            return await asyncio.wait_for(self.end(), END_SECONDS)
        self.kill()
        return await self.end()

    async def end(self) -> int:
        """The exit status, once the process has gone and its pipes are closed."""
        await self._process.communicate()
        return await self._process.wait()


def _search_path() -> str:
    """Where the child finds Heliograph and Pillow, neither of which is imported to find out."""
    pillow = importlib.util.find_spec("PIL")
    if pillow is None or pillow.origin is None:
        raise OperatorError("Pillow is not installed; reinstall Heliograph.")
    return os.pathsep.join((str(Path(__file__).parents[2]), str(Path(pillow.origin).parents[1])))


def _read_answer(head: bytes, body: bytes) -> Reference:
    kind, width, height, _ = ANSWER.unpack(head)
    if kind == REFUSED:
        raise PictureRefused(body.decode())
    return Reference(body, "image/png" if kind == PNG else "image/jpeg", width, height)
