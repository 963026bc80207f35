"""One child process, seen from the service."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from heliograph_studio.frame import encode_frame, receive_frame
from heliograph_studio.order import Order, Picture, StudioError

CANCEL_SECONDS = 2.0


class Easel:
    """A child that draws one order at a time. It lives until its input is closed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._orders = 0
        self._broken = False

    @classmethod
    async def start(cls, cache_dir: Path) -> Self:
        """Start a child; it is ready for its first order at once."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "heliograph_studio.child",
            os.fspath(cache_dir),
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        """True while the child can take another order."""
        return self._process.returncode is None and not self._broken

    async def draw(self, order: Order, report: Callable[[float], None]) -> Picture:
        """Have one order drawn; raises StudioError when it fails or the child dies."""
        self._orders += 1
        number = self._orders
        drawing = asyncio.ensure_future(self._exchange(order, number, report))
        try:
            return await asyncio.shield(drawing)
        except asyncio.CancelledError:
            await asyncio.shield(self._stop(drawing, number))
            raise

    async def _exchange(
        self, order: Order, number: int, report: Callable[[float], None]
    ) -> Picture:
        try:
            await self._send(_header(order, number), b"".join(order.references))
            return await self._listen(report)
        except (EOFError, OSError) as error:
            self._broken = True
            code = await self._ended()
            raise StudioError(f"the drawing process ended early (exit code {code})") from error
        except StudioError:
            raise
        except BaseException:
            # The stream stands in the middle of an answer: nobody could use it again.
            self.kill()
            raise

    async def _send(self, header: dict[str, Any], body: bytes = b"") -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(encode_frame(header, body))
        await self._process.stdin.drain()

    async def _listen(self, report: Callable[[float], None]) -> Picture:
        assert self._process.stdout is not None
        while True:
            header, body = await receive_frame(self._process.stdout)
            if header["kind"] == "progress":
                report(header["value"])
            elif header["kind"] == "picture":
                return Picture(body, tuple(header["warnings"]), header["scene"])
            else:
                raise StudioError(header["message"])

    async def _stop(self, drawing: asyncio.Future[Picture], number: int) -> None:
        with suppress(OSError):
            await self._send({"kind": "cancel", "number": number})
        await asyncio.wait([drawing], timeout=CANCEL_SECONDS)
        if not drawing.done():
            self.kill()
        with suppress(StudioError, asyncio.CancelledError):
            await drawing

    async def _ended(self) -> int | None:
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._process.wait(), CANCEL_SECONDS)
        self.kill()
        return None

    def hang_up(self) -> None:
        """Close the child's input; it ends by itself."""
        self._broken = True
        assert self._process.stdin is not None
        self._process.stdin.close()

    def kill(self) -> None:
        """End the child at once, whatever it is doing."""
        self._broken = True
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End the child and wait until it is gone."""
        self.hang_up()
        try:
            await asyncio.wait_for(self._process.wait(), CANCEL_SECONDS)
        except TimeoutError:
            self.kill()
            await self._process.wait()


def _header(order: Order, number: int) -> dict[str, Any]:
    return {
        "kind": "draw",
        "number": number,
        "order": {
            "prompt": order.prompt,
            "negative_prompt": order.negative_prompt,
            "width": order.width,
            "height": order.height,
            "seed": order.seed,
        },
        "reference_bytes": [len(reference) for reference in order.references],
    }
