"""A real process of the service that kills itself at a chosen step, or whose clock is wrong: trouble from outside.

The process is started as ever, only that one of its functions was wrapped before. Nothing of the
service's own code is replaced, and none of it knows.
"""

import datetime
import functools
import importlib
import inspect
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

#: The command of an installation whose processes have a fault in them.
FAULTY = (sys.executable, "-c", "from support import faults; faults.run()")
SETTING = "SUPPORT_FAULT"

CLOCKS = (
    "heliograph.base.clock:Clock.now",
    "pgqueuer.domain.models:utc_now",
    "pgqueuer.core.executors:utc_now",
)


@dataclass(frozen=True)
class Fault:
    """Kill the process `before` or `after` its `nth` call of a coroutine function, named `module:name`.

    No name: it lives. `constants` are waits made shorter, so that a successor comes sooner. The clock
    of the machine, as the process sees it, is wrong by as many seconds as `clock_file` says.
    """

    function: str | None = None
    moment: str = "after"
    nth: int = 1
    constants: dict[str, float] = field(default_factory=dict)
    clock_file: str | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What tells a faulty process about it."""
        return {SETTING: json.dumps(asdict(self))}


def run() -> None:
    """Arm the fault of the environment, and be the command `heliograph`."""
    arm(Fault(**json.loads(os.environ[SETTING])))
    from heliograph.cli import main  # only now, for it imports what was wrapped

    main.run()


def arm(fault: Fault) -> None:
    for place, seconds in fault.constants.items():
        owner, name = find(place)
        assert hasattr(owner, name), place
        setattr(owner, name, seconds)
    if fault.clock_file is not None:
        shift_clock(Path(fault.clock_file))
    if fault.function is not None:
        owner, name = find(fault.function)
        setattr(owner, name, deadly(getattr(owner, name), fault))


def shift_clock(file: Path) -> None:
    """Everywhere where the service, or the queue under it, asks the machine for the time."""
    right = time.time

    def wrong() -> float:
        return right() + float(file.read_text())

    def moment(*_: object) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(wrong(), datetime.UTC)

    time.time = wrong
    for place in CLOCKS:
        owner, name = find(place)
        assert hasattr(owner, name), place
        setattr(owner, name, moment)


def find(place: str) -> tuple[Any, str]:
    """The module or class, and the name in it."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *classes, name = path.split(".")
    for one in classes:
        owner = getattr(owner, one)
    return owner, name


def deadly(function: Any, fault: Fault) -> Any:
    """`function`, as it is, until the call that is the last one."""
    calls = 0

    @functools.wraps(function)
    async def call(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        last = calls == fault.nth
        if last and fault.moment == "before":
            die()
        answer = function(*arguments, **named)
        answer = await answer if inspect.isawaitable(answer) else answer
        if last:
            die()
        return answer

    @functools.wraps(function)
    def call_at_once(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        last = calls == fault.nth
        if last and fault.moment == "before":
            die()
        answer = function(*arguments, **named)
        if last:
            die()
        return answer

    return call if inspect.iscoroutinefunction(function) else call_at_once


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
