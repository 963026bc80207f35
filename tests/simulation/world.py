"""One world from one seed: clients, a queue of jobs, workers that die, and what must hold at every moment."""

import asyncio
import contextlib
import dataclasses
import datetime
import random
import uuid
from dataclasses import dataclass

import msgspec

from heliograph.base.clock import Clock
from heliograph.base.errors import Busy, Conflict, Fault
from heliograph.base.slots import AtOnce, Crew, Slots
from heliograph.ledger.audit import audit
from heliograph.ledger.store import top_up
from heliograph.runtime import Runtime
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.rescue import sweep
from heliograph.tasks.run import advance
from heliograph.tasks.submit import NewTask, submit_tasks
from heliograph.tasks.task import GRACE_SECONDS, LEASE_SECONDS
from simulation.lookout import Lookout, Sight
from simulation.others import Disk, Engine, Records
from simulation.virtual import GatedPool, Gates, Process, ProcessDied, VirtualLoop, inside
from support.spine import START, Spine

DEADLINE_SECONDS = 240
#: By then the last look-up has come back and the sweep has seen every task.
LATEST_SECONDS = DEADLINE_SECONDS + 60
SWEEP_SECONDS = 15
STALL_SECONDS = 60
OVERDUE_SECONDS = LEASE_SECONDS + GRACE_SECONDS + 1
#: Of the submits: those with an idempotency key.
NAMED_SHARE = 0.3
QUEUES = ("run", "check", "render")


class VirtualClock(Clock):
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime.datetime:
        return START + datetime.timedelta(seconds=self._loop.time())


@dataclass(frozen=True)
class QueuedJob:
    due_at: float
    entrypoint: str
    task: str


class Broken(AssertionError):
    """Something that must hold does not."""


def paths_of(row: dict) -> list[str]:
    return [image["path"] for image in row["images"] if "path" in image]


class World:
    """Made for one seed on an emptied database, whose rows all belong to it."""

    def __init__(
        self, spine: Spine, seed: int, loop: VirtualLoop, connections: list, lookout: Lookout
    ) -> None:
        self.seed, self.loop = seed, loop
        self.dice = random.Random(seed)
        self.gates = Gates(self.dice, loop)
        self.gates.trouble = self.dice.choice((0, 0.5, 1, 2))
        self.crews = contextlib.ExitStack()
        self.begins_at_once = self.dice.random() < 0.5
        self.records = Records()
        self.disk = Disk(self.gates)
        self.lookout = lookout
        self.seen_ended: list[str] = []
        self.spine = spine
        self.pool = spine.runtime.pool
        self.runtime = self._runtime(spine)
        self.connections = list(connections)
        self.jobs: list[QueuedJob] = []
        self.names: dict[str, str] = {}
        self.ended: dict[str, dict] = {}
        self.workers = [self._process(f"worker {number}") for number in range(3)]
        self.born = 3

    def _runtime(self, spine: Spine) -> Runtime:
        """What all processes of this world have in common."""
        clock = VirtualClock(self.loop)
        kinds = [("paid", True), ("other", True), ("own", False)]
        self.dice.shuffle(kinds)
        engines = {
            name: Engine(name, self.gates, self.records, clock, paid=paid)
            for name, paid in kinds[: self.dice.randint(1, 3)]
        }
        rehearsal = {"rehearsal": spine.runtime.providers["rehearsal"]}
        settings = msgspec.structs.replace(
            spine.runtime.settings,
            providers=tuple(engines),
            task_deadline_seconds=DEADLINE_SECONDS,
        )
        return dataclasses.replace(
            spine.runtime,
            settings=settings,
            clock=clock,
            providers=engines | rehearsal,
            storage=self.disk,
        )

    def _process(self, name: str) -> Process:
        """A process with a runtime of its own, whose pool tells when it dies."""
        process = Process(name)
        pool = GatedPool(self.gates, process, self.connections)
        at_once = AtOnce()
        process.runtime = dataclasses.replace(self.runtime, pool=pool, at_once=at_once)
        if self.begins_at_once:

            def begin(task_id: uuid.UUID, queue: str) -> None:
                self.gates.tell(f"{process.name} begins {self._name(task_id.hex)} at once")
                self._begin(process, advance, task_id, queue)

            crew = Crew(Slots(1), lambda: self.dice.random() < 0.3, begin)
            self.crews.enter_context(at_once.serving(QUEUES, crew))
        return process

    # --- what happens

    async def live(self) -> None:
        """Let the world go on for a while, then come to peace, and see that everything ends."""
        self.key = await self.spine.key(dollars=1)
        self.funded = 1_000_000
        for _ in range(self.dice.randint(20, 120)):
            self._do(self.dice)
            await self._settle()
        self.gates.trouble = 0
        self.gates.tell("peace")
        await self._run_out()
        await self._check_good_times()
        await self._check_ending()

    def _do(self, dice: random.Random) -> None:
        """One thing out of all that may happen next."""
        now = self.loop.time()
        waiting = [gate for gate in self.gates.waiting if gate.process.stalled_until <= now]
        if waiting and dice.random() < 0.75:
            self.gates.open(dice.choice(waiting))
            return
        roll = dice.random()
        if roll < 0.25:
            self._begin(self._process("client"), self._submit, NAMED_SHARE)
        elif roll < 0.31 and self.names:
            task = dice.choice(list(self.names))
            self._begin(self._process("client"), self._cancel, task)
        elif roll < 0.36:
            self._begin(self._worker(), sweep)
        elif roll < 0.40 and self.gates.trouble:
            self.gates.kill(self._worker())
        elif roll < 0.43:
            self._stop(self._worker())
        elif roll < 0.48 and self.gates.trouble and waiting:
            self._stall(dice.choice(waiting).process)
        elif roll < 0.75 and self.jobs:
            self._take_job(dice)
        else:
            self._pass_time(dice.choice((0.01, 0.5, 2, 2, 5, 20, 80)))

    def _take_job(self, dice: random.Random) -> None:
        """A job that is due; now and then one is lost, or kept to be run once more."""
        due = [job for job in self.jobs if job.due_at <= self.loop.time()]
        if not due:
            self._pass_time(min(job.due_at for job in self.jobs) - self.loop.time())
            return
        job = dice.choice(due)
        if not self.gates.happens(0.1):
            self.jobs.remove(job)
        if self.gates.happens(0.05):
            self.gates.tell(f"a {job.entrypoint} job of {self.names[job.task]} is lost")
            return
        self.gates.tell(f"{job.entrypoint} {self.names[job.task]}")
        self._begin(self._worker(), advance, uuid.UUID(job.task), job.entrypoint)

    def _pass_time(self, seconds: float) -> None:
        self.loop.moment += seconds

    def _worker(self) -> Process:
        """Any of those at work, of whom as many are started again as have died."""
        for place, worker in enumerate(self.workers):
            if worker.dead:
                self._replace(place)
        return self.dice.choice(self.workers)

    def _replace(self, place: int) -> None:
        self.workers[place] = self._process(f"worker {self.born}")
        self.born += 1

    def _stall(self, process: Process) -> None:
        """It goes on a minute later, as if nothing had happened; its claims are overdue long before."""
        self.gates.tell(f"{process.name} stalls")
        process.stalled_until = self.loop.time() + STALL_SECONDS
        self._pass_time(OVERDUE_SECONDS)
        self._begin(self._worker(), sweep)

    def _stop(self, worker: Process) -> None:
        """It is told to stop, hands back what it holds, and another one takes its place."""
        self.gates.tell(f"{worker.name} stops")
        for task in sorted(worker.tasks, key=lambda one: one.get_name()):
            task.cancel()
        self._replace(self.workers.index(worker))

    def _begin(self, process: Process, step, *arguments: object) -> None:
        inside.set(process)  # every task that is made here or below keeps it
        task = self.loop.create_task(self._survive(step(process.runtime, *arguments)))
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)

    async def _survive(self, coroutine) -> None:
        try:
            await coroutine
        except (ProcessDied, asyncio.CancelledError, Busy, ConnectionResetError):
            pass
        except Exception as error:  # noqa: BLE001 - told by the check that follows
            self.records.wrongs.append(f"a step ends in {error!r}")

    async def _submit(self, runtime: Runtime, named_share: float) -> None:
        dice = self.dice
        self._pass_time(0.001)  # so that no two tasks are of one moment, whose order nobody knows
        fields = {"num_images": dice.randint(1, 4)}
        if dice.random() < 0.5:
            fields["callback_url"] = "https://receiver.example/hook"
        if dice.random() < named_share:
            fields["idempotency_key"] = f"key-{dice.randint(1, 3)}"
        asked: NewTask = self.spine.asked(self.key, **fields)
        (answer,) = await submit_tasks(runtime, [asked])
        self.gates.tell(f"submit: {type(answer).__name__}")
        if isinstance(answer, Fault) and answer.status not in {402, 409, 422, 429, 503}:
            raise Broken(f"submit answers {answer!r}")

    async def _cancel(self, runtime: Runtime, task: str) -> None:
        try:
            await cancel_task(runtime, uuid.UUID(task))
        except Conflict:
            self.gates.tell(f"{self.names[task]} has ended already")

    async def _run_out(self) -> None:
        """No more trouble: every job is done when it is due, and the sweep comes as it should."""
        # one that was to begin at once, where the process died before, has had no job yet
        for row in await self.pool.fetch("SELECT task_id FROM tasks ORDER BY task_id"):
            self._name(row["task_id"].hex)
        last = self.loop.time() + LATEST_SECONDS
        swept_at = -1.0
        while open_tasks := [name for task, name in self.names.items() if task not in self.ended]:
            if self.loop.time() > last:
                raise Broken(f"{open_tasks} have not ended {LATEST_SECONDS} s later")
            due = [job for job in self.jobs if job.due_at <= self.loop.time()]
            if self.gates.waiting:
                self.gates.open(self.gates.waiting[0])
            elif due:
                self._take_job(self.dice)
            elif self.loop.time() - swept_at > SWEEP_SECONDS:
                swept_at = self.loop.time()
                self._begin(self._worker(), sweep)
            else:
                times = [job.due_at for job in self.jobs] + [self.loop.next_timer() or 1e9]
                pause = min(times) - self.loop.time()
                self._pass_time(min(max(pause, 0.01), SWEEP_SECONDS))
            await self._settle()
        while self.gates.waiting:
            self.gates.open(self.gates.waiting[0])
            await self._settle()

    async def _settle(self) -> None:
        """Wait until the step is done, take what it has queued, and look at everything."""
        await self.loop.idle()
        if self.records.wrongs:
            raise Broken(self.records.wrongs[0])
        if not self.loop.changed:
            return
        self.loop.changed = False
        sight = await self.lookout.look()
        self._collect_jobs(sight.queued)
        await self._check(sight)

    def _name(self, task: str) -> str:
        return self.names.setdefault(task, f"t{len(self.names) + 1}")

    def _collect_jobs(self, queued: list[dict]) -> None:
        """In an order of our own: which of two rows of one statement comes first is PostgreSQL's choice."""
        jobs = []
        for row in queued:
            if row["entrypoint"] == "deliver":
                continue
            task = row["task"]
            self._name(task)
            due_at = self.loop.time() + round(max(0.0, row["pause_seconds"]), 3)
            jobs.append(QueuedJob(due_at, row["entrypoint"], task))
        self.jobs += sorted(jobs, key=lambda job: (job.due_at, self.names[job.task]))

    # --- what must hold

    async def _check(self, sight: Sight) -> None:
        if sight.findings:
            found = await audit(self.pool)
            raise Broken(f"the audit finds {found}" if found else "an ended task has an open call")
        if sight.ended != self.seen_ended:
            self.seen_ended = sight.ended
            for row in await self.pool.fetch(
                "SELECT * FROM tasks WHERE state IN ('success', 'failed') ORDER BY task_id"
            ):
                self._check_ended(dict(row))
        for name, row in self.ended.items():
            if any(path not in self.disk.files for path in paths_of(row)):
                raise Broken(f"{self.names[name]} is charged for pictures that are not there")
        while self.records.called_off:
            await self._check_called_off(self.records.called_off.pop().task)

    async def _check_called_off(self, task: str) -> None:
        """Nobody wants a job only when its task has ended, or goes on with another one."""
        row = await self.pool.fetchrow("SELECT * FROM tasks WHERE task_id = $1", uuid.UUID(task))
        if row["completed_at"] is None and row["provider_ref"] is None:
            raise Broken(f"{self.names[task]} waits for a job, and its job is called off")

    def _check_ended(self, row: dict) -> None:
        name = row["task_id"].hex
        made = paths_of(row)
        known = self.ended.setdefault(name, row)
        if known is not row:
            if known != row:
                changed = [column for column in row if row[column] != known[column]]
                raise Broken(f"{self.names[name]} has changed after its end: {changed}")
            return
        self.gates.tell(f"{self.names[name]} ends: {row['state']} {row['fail_code'] or ''}")
        if len(made) > self.records.most_made[name]:
            raise Broken(f"{self.names[name]} is charged for more pictures than were made")
        if bool(made) != (row["state"] == "success"):
            raise Broken(f"{self.names[name]} is {row['state']} with {len(made)} pictures")

    async def _check_good_times(self) -> None:
        """Nothing is left behind that would keep a new task from succeeding."""
        before = set(self.names)
        self.key = await self.spine.another_key(self.key.account_id)
        await self._top_up()
        self._begin(self._process("client"), self._submit, 0)
        await self._settle()
        while not set(self.names) - before:
            self.gates.open(self.gates.waiting[0])
            await self._settle()
        await self._run_out()
        (last,) = set(self.names) - before
        if self.ended[last]["state"] != "success":
            raise Broken(
                f"in good times {self.names[last]} fails: {self.ended[last]['fail_message']}"
            )

    async def _top_up(self) -> None:
        micros = 1_000_000
        await top_up(
            self.pool, self.key.account_id, micros, note=None, now=self.runtime.clock.now()
        )
        self.funded += micros

    async def _check_ending(self) -> None:
        if await self.pool.fetchval("SELECT count(*) FROM tasks") != len(self.ended):
            raise Broken("there is a task that nobody has seen")
        price = 30_000
        charged = sum(
            price * sum("path" in image for image in row["images"]) for row in self.ended.values()
        )
        row = await self.pool.fetchrow("SELECT * FROM balances")
        money = (row["available_micros"], row["held_micros"], row["charged_micros"])
        if money != (self.funded - charged, 0, charged):
            raise Broken(f"the balance is {money}, {charged} are charged")
