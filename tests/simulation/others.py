"""The others in a simulated world: providers that may do anything their contract allows, and a disk."""

import datetime
from collections import Counter
from dataclasses import dataclass, field

from heliograph.base.errors import Busy
from heliograph.providers.provider import (
    BOTH_MODES,
    Failed,
    Finding,
    Finished,
    Limits,
    Made,
    Missing,
    Refused,
    Running,
    Started,
    Unknown,
)
from simulation.virtual import Gates
from support.spine import png

PICTURE = png(size=(8, 8))
SENSITIVE = Missing("SensitiveContentDetected", "The picture is not shown.")


@dataclass
class RemoteJob:
    """A job that a provider has accepted. `owed`: it is paid for unless it comes to nothing."""

    task: str
    started_at: datetime.datetime
    done_at: float
    images: int
    paid: bool
    owed: bool = True


@dataclass
class Records:
    """What really happened at all providers together, which no provider tells."""

    jobs: dict[str, RemoteJob] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    called_off: list[RemoteJob] = field(default_factory=list)
    most_made: Counter[str] = field(default_factory=Counter)


class Engine:
    """A provider of this world: `paid` ones give a reference, the others the pictures at once."""

    modes, slots, cost_micros = BOTH_MODES, 1, 0

    def __init__(self, name: str, gates: Gates, records: Records, clock, *, paid: bool) -> None:
        self.name, self.paid = name, paid
        self.queue = "run" if paid else "render"
        self.reruns = not paid
        self._gates, self._records, self._clock = gates, records, clock
        dice = gates.dice
        self.looks_up = dice.random() < 0.7
        places = dice.choice((None, None, 1, 2)) if paid else None
        self.limits = Limits(dice.choice((None, None, 2.0)), places, dice.choice((None, 5.0)))

    def _must_not_be_asked(self, task: str) -> None:
        owed = [
            job for job in self._records.jobs.values() if job.task == task and job.paid and job.owed
        ]
        if owed:
            self._records.wrongs.append(
                f"{self.name} is asked to start a task that is paid for already"
            )

    async def start(self, job, report):
        dice = self._gates.dice
        await self._gates.wait(f"{self.name} is called")
        self._must_not_be_asked(job.task_id)
        if self._gates.happens(0.15):
            return await self._answer(self._refusal(dice))
        if self._gates.happens(0.06):
            return await self._answer(dice.choice((Failed("PromptInvalid", "No."), Unknown("?"))))
        if self._gates.happens(0.03):
            raise OSError("the network is down")
        self._records.starts[job.task_id] += 1
        if not self.paid:
            return await self._render(job, report)
        ref = f"{self.name}-{len(self._records.jobs)}"
        done_at = self._gates.loop.time() + dice.choice((1, 5, 30, 90))
        self._records.jobs[ref] = RemoteJob(
            job.task_id, self._clock.now(), done_at, job.request.num_images, self.paid
        )
        self._gates.tell(f"{self.name} has accepted {ref}")
        if self._gates.happens(0.12):
            return await self._answer(Unknown("the answer was lost"))
        return await self._answer(Started(ref, dice.choice((0.5, 2, 10))))

    @staticmethod
    def _refusal(dice):
        again = dice.choice((None, 1.0, 20.0))
        code = "InternalError" if again is None else "RateLimitExceeded"
        return Refused(code, "Not now.", again)

    async def _answer(self, outcome):
        """The answer travels; who asked may die or lose patience meanwhile."""
        await self._gates.wait(f"{self.name} answers {type(outcome).__name__}")
        return outcome

    async def _render(self, job, report):
        await self._gates.wait(f"{self.name} paints")
        report((0.5,) * job.request.num_images)
        return await self._answer(self._pictures(job.task_id, job.request.num_images))

    def _pictures(self, task, count):
        made = count if not self._gates.happens(0.3) else self._gates.dice.randint(1, count)
        self._records.most_made[task] = max(self._records.most_made[task], made)
        return Finished((Made(PICTURE),) * made + (SENSITIVE,) * (count - made))

    async def check(self, job, ref):
        await self._gates.wait(f"{self.name} is asked after {ref}")
        remote = self._records.jobs[ref]
        if remote.task != job.task_id:
            if not job.found:
                self._records.wrongs.append(f"{ref} is asked after for another task")
            return await self._answer(Unknown("it is another's"))
        if self._gates.happens(0.05):
            raise OSError("the network is down")
        if self._gates.loop.time() < remote.done_at:
            return await self._answer(Running(self._gates.dice.choice((1, 5, 40)), 0.5))
        if self._gates.happens(0.08):
            remote.owed = False
            return await self._answer(Failed("SensitiveContentDetected", "No."))
        if self._gates.happens(0.05):
            remote.owed = False
            return await self._answer(self._refusal(self._gates.dice))
        return await self._answer(self._pictures(job.task_id, remote.images))

    async def cancel(self, job, ref):
        await self._gates.wait(f"{self.name} is told to drop {ref}")
        self._records.called_off.append(self._records.jobs[ref])
        self._gates.loop.changed = True

    async def find(self, job, started_at):
        await self._gates.wait(f"{self.name} is asked what it has")
        if not self.looks_up:
            return []
        near = datetime.timedelta(seconds=60)
        jobs = self._records.jobs.items()
        return [
            ref
            for ref, remote in jobs
            if ref.startswith(self.name) and abs(remote.started_at - started_at) < near
        ]

    async def probe(self):
        return [Finding(True, "is simulated")]

    async def close(self):
        """Nothing is held."""


class Disk:
    """Where pictures are kept, in memory; it may be full."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.files: dict[str, bytes] = {}

    async def write(self, path: str, data: bytes) -> None:
        await self._gates.wait("a picture is written")
        if self._gates.happens(0.05):
            raise Busy("There is no room")
        if path in self.files:
            raise FileExistsError(path)
        self.files[path] = data

    async def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    async def delete(self, path: str) -> None:
        await self._gates.wait("a picture is deleted")
        self.files.pop(path, None)

    def local_path(self, path: str) -> None:
        return None
