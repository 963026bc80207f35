"""The clock of one process is an hour wrong, or jumps while tasks run: no task notices."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from e2e.test_crash import every_end_was_told, nothing_was_paid_twice
from e2e.upstream import upstream
from support.faults import FAULTY, Fault
from support.receiver import Receiver
from support.service import Customer, Installation

HOUR = 3600
UPSTREAM_SECONDS = 2.5
TASKS_A_JUMP = 4

#: Of the API, of one worker and of another: each hour forward and back, while the others are right,
#: and all at once. One worker is wrong from the start.
JUMPS = (
    (0, 0, HOUR),
    (HOUR, 0, HOUR),
    (-HOUR, HOUR, 0),
    (0, -HOUR, HOUR),
    (0, 0, -HOUR),
    (0, 0, 0),
)

NOT_SANE = """
SELECT task_id, created_at, claimed_at, completed_at, deadline_at, files_expire_at, now() AS now FROM tasks
WHERE created_at NOT BETWEEN now() - interval '5 minutes' AND now() + interval '5 seconds'
  OR deadline_at - created_at <> interval '10 minutes'
  OR claimed_at NOT BETWEEN created_at - interval '5 seconds' AND completed_at
  OR files_expire_at NOT BETWEEN now() + interval '167 hours 50 minutes' AND now() + interval '168 hours'
"""


class Clocks:
    """The clocks of three processes, each in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.files = [folder / f"clock-{number}" for number in range(3)]
        self.set((0, 0, HOUR))

    def set(self, wrong_seconds: tuple[int, ...]) -> None:
        for file, seconds in zip(self.files, wrong_seconds, strict=True):
            draft = file.with_suffix(".new")
            draft.write_text(str(seconds))
            draft.replace(file)

    def under(self, installation: Installation) -> Iterator[Installation]:
        """The installation, three times: what is started of it then goes by the clock of its turn."""
        installation.command = FAULTY
        for file in self.files:
            installation.settings |= Fault(clock_file=str(file)).settings
            yield installation


async def test_a_clock_that_jumps_by_an_hour_loses_no_task_and_ends_none(
    install: Install, pool: asyncpg.Pool, tmp_path: Path
):
    with ExitStack() as opened:
        paid = opened.enter_context(upstream(seconds=UPSTREAM_SECONDS))
        installation = install(**paid.settings)
        customer = await asyncio.to_thread(installation.customer, "100")
        clocks = Clocks(tmp_path)
        turns = clocks.under(installation)
        api = next(turns).serve("--no-worker")
        workers = [one.worker() for one in turns]
        await asyncio.to_thread(api.ready)
        async with Receiver() as receiver:
            task_ids = await submit_while_jumping(installation, customer, receiver, clocks)
            await all_succeed(installation, customer, task_ids)
            rows = await pool.fetch("SELECT * FROM tasks")
            await receiver.arrived(len(rows))
            every_end_was_told({row["task_id"].hex: row for row in rows}, Told(receiver, customer))
        nothing_was_paid_twice(rows, paid.submits())
        assert [dict(row) for row in await pool.fetch(NOT_SANE)] == []
        assert [one.exit_code for one in (api, *workers)] == [None, None, None]
    audit = await asyncio.to_thread(installation.run, "audit")
    assert audit.returncode == 0, audit.stdout


@dataclass(frozen=True)
class Told:
    """Who was told, and by which secret."""

    receiver: Receiver
    customer: Customer


async def submit_while_jumping(
    installation: Installation, customer: Customer, receiver: Receiver, clocks: Clocks
) -> list[str]:
    """Tasks before each jump, so that there are some at every step of their lives when it comes."""
    numbers, accepted = itertools.count(), []
    async with httpx2.AsyncClient(base_url=installation.url, headers=customer.headers) as http:
        for jump in JUMPS:
            for number in itertools.islice(numbers, TASKS_A_JUMP):
                body = {
                    "request_type": "callback",
                    "callback_url": receiver.script(f"/hook/{number}"),
                    "input": text_to_image(f"lake {number}"),
                }
                answer = await http.post(GENERATE, json=body)
                assert answer.status_code == 200, answer.text
                accepted.append(answer.json()["data"]["taskId"])
            await asyncio.sleep(UPSTREAM_SECONDS / 3)
            clocks.set(jump)
    return accepted


async def all_succeed(installation: Installation, customer: Customer, task_ids: list[str]) -> None:
    async with httpx2.AsyncClient(
        base_url=installation.url, headers=customer.headers, timeout=90
    ) as http:
        for task_id in task_ids:
            shown = (await http.get(STATUS, params={"taskId": task_id, "wait": 60})).json()["data"]
            assert shown["state"] == "success", shown
