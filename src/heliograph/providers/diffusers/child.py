"""The process of an engine: loads one model and paints what it is told to, until its input closes.

A second thread reads, so that a cancel is heard between two steps, and so that the process ends
when the service is gone, even by kill -9: then its input closes.
"""

import contextlib
import importlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from heliograph.providers.diffusers.messages import (
    Cancel,
    Downloading,
    FromEngine,
    NotLoaded,
    NotPainted,
    Order,
    Painted,
    Setup,
    Step,
    Stopped,
    encode,
    read,
)
from heliograph.providers.diffusers.painter import ModelFault, Painter, PainterModule

_INSTALL = 'Install the libraries again: pip install --upgrade "heliograph[diffusers]"'

Tell = Callable[[FromEngine], None]

_MORE_MEMORY = (
    "Use a smaller model, end other programs that use the memory, or use a device with more."
)


class Desk:
    """What the two threads share: orders to paint, and the numbers of those that are cancelled."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self.cancelled: set[int] = set()

    def read_forever(self) -> None:
        """Sort what comes in; ends the whole process when the input closes."""
        try:
            while True:
                message = read(self._source)
                if isinstance(message, Cancel):
                    self.cancelled.add(message.number)
                else:
                    self.orders.put(message)
        except Exception:  # noqa: BLE001 - nobody is left to tell
            os._exit(0)


def main(arguments: list[str]) -> None:
    """`arguments`: `serve` or `look`, the dotted name of the painter's module, the setup as JSON."""
    deed, module_name, text = arguments
    pipe = _claim_stdout()
    setup = msgspec.json.decode(text, type=Setup)
    if deed == "look":
        pipe.write(msgspec.json.encode(_import(module_name).look(setup)))
        pipe.flush()
    else:
        _serve(module_name, setup, pipe)


def _serve(module_name: str, setup: Setup, pipe: BinaryIO) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service; it hangs up on us
    _die_first()
    desk = Desk(sys.stdin.buffer)
    threading.Thread(target=desk.read_forever, daemon=True).start()
    tell = _teller(pipe)
    painter = _load(module_name, setup, tell)
    if isinstance(painter, NotLoaded):
        tell(painter)
        os._exit(1)  # the reading thread holds what an ordinary end would wait for
    tell(painter.ready)
    while True:
        order = desk.orders.get()
        tell(_paint(painter, order, desk, tell))
        desk.cancelled.discard(order.number)


def _import(module_name: str) -> PainterModule:
    return cast("PainterModule", importlib.import_module(module_name))


def _claim_stdout() -> BinaryIO:
    """Keep the pipe for messages; whatever a library prints goes to stderr."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipe


def _die_first() -> None:
    """Of all processes, Linux shall end this one when memory runs out, and not the service."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _teller(pipe: BinaryIO) -> Tell:
    lock = threading.Lock()  # downloads tell from threads of their own

    def tell(message: FromEngine) -> None:
        with lock:
            pipe.write(encode(message))
            pipe.flush()

    return tell


def _load(module_name: str, setup: Setup, tell: Tell) -> Painter | NotLoaded:
    try:
        return _import(module_name).load(setup, _tenths(tell))
    except ModelFault as fault:
        return NotLoaded(fault.reason, fault.remedy)
    except MemoryError as error:
        return NotLoaded(f"memory does not suffice: {error}", _MORE_MEMORY)
    except ImportError as error:
        return NotLoaded(_described(error), _INSTALL)
    except Exception as error:  # noqa: BLE001 - whatever it was, the service shall hear of it
        return NotLoaded(_described(error), "The documentation of diffusers may know this error.")


def _tenths(tell: Tell) -> Callable[[int, int], None]:
    told = 0

    def arrived(done_bytes: int, total_bytes: int) -> None:
        nonlocal told
        tenth = 10 * done_bytes // max(total_bytes, 1)
        if tenth > told:
            told = tenth
            tell(Downloading(done_bytes, total_bytes))

    return arrived


def _paint(painter: Painter, order: Order, desk: Desk, tell: Tell) -> FromEngine:
    def wanted(share: float) -> bool:
        tell(Step(order.number, min(share, 1.0)))
        return order.number not in desk.cancelled

    if order.number in desk.cancelled:
        return Stopped(order.number)
    try:
        png = painter.paint(order, wanted)
    except MemoryError as error:
        return NotPainted(order.number, str(error), out_of_memory=True)
    except Exception as error:  # noqa: BLE001 - one failed picture must not end the engine
        return NotPainted(order.number, _described(error), out_of_memory=False)
    return Stopped(order.number) if png is None else Painted(order.number, png)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main(sys.argv[1:])
