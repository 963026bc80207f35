"""The provider of test keys: instant pictures marked TEST, and every outcome on demand.

A directive in the prompt, such as `[[partial:1]]`, forces an outcome; docs/reference/rehearsal.md
lists them. Nothing is kept in memory: the reference of a delayed job holds its times, and the
prompt holds the rest, so a restart changes nothing.
"""

import asyncio
import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from heliograph.base.clock import Clock, unix_ms
from heliograph.providers.provider import (
    BOTH_MODES,
    FAIL_CODES,
    Failed,
    Finding,
    Finished,
    ImageJob,
    Limits,
    Made,
    Missing,
    Outcome,
    Report,
    Running,
    Started,
    Unknown,
)
from heliograph.providers.specimen import draw_specimen

MAX_DELAY_SECONDS: Final = 3600.0
CHECK_SECONDS: Final = 1.0
NEVER_REF: Final = "never"

DIRECTIVE_HELP: Final = (
    "Test directives are [[delay:SECONDS]] (0 to 3600), [[partial:IMAGES]] (1 to 4), "
    f"[[fail:CODE]] (CODE is one of {', '.join(FAIL_CODES)}), [[unknown]] and [[never]]; "
    "each at most once, and only one of fail, unknown and never."
)

_DIRECTIVE = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_VALUES: Final = {
    "delay": re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?"),
    "partial": re.compile(r"[1-4]"),
    "fail": re.compile("|".join(FAIL_CODES)),
    "unknown": re.compile(""),
    "never": re.compile(""),
}
_ENDINGS: Final = {"fail", "unknown", "never"}


@dataclass(frozen=True)
class Script:
    """What the prompt asks of the rehearsal; by default every picture, at once."""

    delay_seconds: float = 0
    made: int | None = None
    fail_code: str | None = None
    unknown: bool = False
    never: bool = False


class DirectiveError(ValueError):
    """A directive that does not exist, has a wrong value, or contradicts another."""


def read_script(prompt: str) -> Script:
    """The script in `prompt`. Raises `DirectiveError` with a sentence that lists the directives."""
    pairs = list(_directives(prompt))
    asked = dict(pairs)
    if len(asked) < len(pairs) or not _agree(asked):
        raise DirectiveError(f"These test directives contradict each other. {DIRECTIVE_HELP}")
    delay_seconds = float(asked.get("delay", "0"))
    if delay_seconds > MAX_DELAY_SECONDS:
        raise DirectiveError(f"[[delay:{asked['delay']}]] is too long. {DIRECTIVE_HELP}")
    return Script(
        delay_seconds=delay_seconds,
        made=int(asked["partial"]) if "partial" in asked else None,
        fail_code=asked.get("fail"),
        unknown="unknown" in asked,
        never="never" in asked,
    )


def _directives(prompt: str) -> Iterator[tuple[str, str]]:
    for found in _DIRECTIVE.finditer(prompt):
        name, colon, value = found[1].partition(":")
        pattern = _VALUES.get(name)
        takes_value = pattern is not None and bool(pattern.pattern)
        if pattern is None or takes_value != bool(colon) or not pattern.fullmatch(value):
            raise DirectiveError(f"[[{found[1][:40]}]] is no test directive. {DIRECTIVE_HELP}")
        yield name, value


def _agree(asked: dict[str, str]) -> bool:
    """`partial` with `fail` is a pair: it names the code of the pictures that are missing."""
    endings = _ENDINGS & asked.keys()
    return len(endings) <= 1 and not ("partial" in asked and endings - {"fail"})


class RehearsalProvider:
    """Makes test pictures; costs nothing and calls no one."""

    name: Final = "rehearsal"
    queue: Final = "run"
    reruns: Final = True
    modes: Final = BOTH_MODES
    limits: Final = Limits()
    slots: Final = 1
    cost_micros: Final = 0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def start(self, job: ImageJob, report: Report) -> Outcome:
        """Plays the script of the prompt; a wrong directive fails the task as `BadRequest`."""
        try:
            script = read_script(job.request.prompt)
        except DirectiveError as error:
            return Failed("BadRequest", str(error))
        if script.never:
            return Started(NEVER_REF, CHECK_SECONDS)
        if script.delay_seconds > 0:
            return self._delayed(script.delay_seconds)
        outcome = await _play(script, job)
        report((1.0,) * job.request.num_images)
        return outcome

    async def check(self, job: ImageJob, ref: str) -> Outcome:
        """Plays the ending once its moment has come; until then, tells the share of time gone."""
        if ref == NEVER_REF:
            return Running(CHECK_SECONDS)
        started_ms, due_ms = (int(part) for part in ref.split("-"))
        now_ms = unix_ms(self._clock.now())
        if now_ms < due_ms:
            return _waiting(started_ms, now_ms, due_ms)
        return await _play(read_script(job.request.prompt), job)

    async def cancel(self, job: ImageJob, ref: str) -> None:
        """Nobody works on it."""

    async def find(self, job: ImageJob, started_at: datetime.datetime) -> Sequence[str]:
        """Nothing: an outcome that was asked to be unknown stays so."""
        return ()

    async def probe(self) -> Sequence[Finding]:
        """It always works."""
        return [Finding(True, "answers test keys")]

    async def close(self) -> None:
        """Nothing is held."""

    def _delayed(self, delay_seconds: float) -> Started:
        now_ms = unix_ms(self._clock.now())
        due_ms = now_ms + round(delay_seconds * 1000)
        return Started(f"{now_ms}-{due_ms}", min(CHECK_SECONDS, delay_seconds))


def _waiting(started_ms: int, now_ms: int, due_ms: int) -> Running:
    progress = max(0.0, (now_ms - started_ms) / (due_ms - started_ms))
    return Running(min(CHECK_SECONDS, (due_ms - now_ms) / 1000), round(progress, 3))


async def _play(script: Script, job: ImageJob) -> Finished | Failed | Unknown:
    if script.unknown:
        return Unknown("Test: nobody knows whether the call was accepted.")
    if script.fail_code is not None and script.made is None:
        return Failed(script.fail_code, f"Test: this task fails with {script.fail_code}, as asked.")
    asked = job.request.num_images
    made = asked if script.made is None else min(script.made, asked)
    code = script.fail_code or "SensitiveContentDetected"
    missing = Missing(code, f"Test: this picture fails with {code}, as asked.")
    pictures = [await _picture(job, index) for index in range(made)]
    return Finished((*pictures, *(missing for _ in range(asked - made))))


async def _picture(job: ImageJob, index: int) -> Made:
    width, height = job.request.width, job.request.height
    # Compressing takes milliseconds of processor time, which the event loop shall not lose.
    data = await asyncio.to_thread(
        draw_specimen, width, height, number=index + 1, seed=job.seed + index
    )
    return Made(data)
