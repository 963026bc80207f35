"""The drawing process: reads orders from its input until that closes.

A second thread reads, so that a cancel is heard while a band is drawn, and so that the process
ends at once when the service is gone, even by kill -9: then its input closes.
"""

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from heliograph_studio.cache import use_cache
from heliograph_studio.frame import encode_frame, read_frame, split_body
from heliograph_studio.order import Order, StudioError

PR_SET_PDEATHSIG = 1
PROGRESS_STEP = 0.01


class Stopped(Exception):
    """The order being drawn was cancelled."""


class Desk:
    """What the two threads share: orders to draw, and which numbers are cancelled."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.orders: queue.SimpleQueue[tuple[int, Order]] = queue.SimpleQueue()
        self.cancelled: set[int] = set()

    def read_forever(self) -> None:
        """Sort incoming frames; ends the whole process when the input closes."""
        try:
            while True:
                self._sort(*read_frame(self._source))
        except Exception:  # noqa: BLE001 - nobody is left to tell
            os._exit(0)

    def _sort(self, header: dict[str, Any], body: bytes) -> None:
        if header["kind"] == "cancel":
            self.cancelled.add(header["number"])
            return
        references = split_body(body, header["reference_bytes"])
        order = Order(**header["order"], references=references)
        self.orders.put((header["number"], order))


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        except (OSError, AttributeError):
            return
    if os.getppid() != parent:
        os._exit(0)


def _claim_stdout() -> BinaryIO:
    """Keep the pipe for frames; whatever a library prints goes to stderr."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipe


def _reporter(desk: Desk, number: int, pipe: BinaryIO) -> Callable[[float], None]:
    last = -1.0

    def report(value: float) -> None:
        nonlocal last
        if number in desk.cancelled:
            raise Stopped
        if value - last >= PROGRESS_STEP and value < 1:
            last = value
            _write(pipe, {"kind": "progress", "value": value})

    return report


def _write(pipe: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    pipe.write(encode_frame(header, body))
    pipe.flush()


def _serve(desk: Desk, pipe: BinaryIO) -> None:
    from heliograph_studio.drawing import draw

    while True:
        number, order = desk.orders.get()
        report = _reporter(desk, number, pipe)
        try:
            report(0.0)
            picture = draw(order, report)
        except Stopped:
            _write(pipe, {"kind": "failed", "message": "cancelled"})
        except StudioError as error:
            _write(pipe, {"kind": "failed", "message": str(error)})
        except MemoryError:
            _write(pipe, {"kind": "failed", "message": "not enough memory for this picture"})
        except Exception as error:  # noqa: BLE001 - one failed drawing must not end the child
            _write(pipe, {"kind": "failed", "message": f"{type(error).__name__}: {error}"})
        else:
            _write(pipe, {"kind": "progress", "value": 1.0})
            header = {"warnings": list(picture.warnings), "scene": picture.scene}
            _write(pipe, {"kind": "picture", **header}, picture.png)


def _warm_up(cache_dir: Path) -> None:
    started = time.perf_counter()
    pipe = _claim_stdout()
    use_cache(cache_dir)
    helper = _start_helper(cache_dir)
    from heliograph_studio.warming import warm

    warm()
    helper.wait()
    pipe.write(f"{time.perf_counter() - started:.3f}\n".encode())
    pipe.flush()


def _start_helper(cache_dir: Path) -> subprocess.Popen[bytes]:
    """A second process that compiles from the other end, on the other core."""
    command = [
        sys.executable,
        "-m",
        "heliograph_studio.child",
        "--help-warming",
        os.fspath(cache_dir),
    ]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own module


def _help_warming(cache_dir: Path) -> None:
    use_cache(cache_dir)
    from heliograph_studio.warming import help_warming

    help_warming()


def _run(cache_dir: Path, parent: int) -> None:
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service; it hangs up on us
    pipe = _claim_stdout()
    desk = Desk(sys.stdin.buffer)
    threading.Thread(target=desk.read_forever, daemon=True).start()
    use_cache(cache_dir)
    _serve(desk, pipe)


if __name__ == "__main__":
    if sys.argv[1] == "--warm-up":
        _warm_up(Path(sys.argv[2]))
    elif sys.argv[1] == "--help-warming":
        _help_warming(Path(sys.argv[2]))
    else:
        _run(Path(sys.argv[1]), int(sys.argv[2]))
