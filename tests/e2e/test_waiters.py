"""A thousand clients wait for tasks in one process; each is answered when its task ends."""

import asyncio
import statistics
import time
from collections import Counter

import httpx2
import psutil

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image

CLIENTS = 1_000
TASKS = 200
WAIT_SECONDS = 60
#: Over how many seconds the tasks end.
SPREAD_SECONDS = 20


async def test_a_thousand_waiting_clients_are_answered_when_their_tasks_end(install: Install):
    installation = install()
    api = await asyncio.to_thread(lambda: installation.serve("--no-worker").ready())
    customer = await asyncio.to_thread(installation.customer, "1", "--test")
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=installation.url, headers=customer.headers, timeout=120, limits=limits
    ) as http:
        task_ids = [await submit(http, number) for number in range(TASKS)]
        process = psutil.Process(api.pid)
        before = process.memory_info().rss
        waiting = [
            asyncio.create_task(answered(http, task_ids[number % TASKS]))
            for number in range(CLIENTS)
        ]
        await everybody_waits(process)
        each = (process.memory_info().rss - before) / CLIENTS
        await asyncio.to_thread(installation.worker)
        late = await asyncio.gather(*waiting)
    median = statistics.median(late)
    print(
        f"\n{CLIENTS} waiters on {TASKS} tasks: answered {1000 * median:.0f} ms (median),"
        f" {1000 * max(late):.0f} ms (latest) after the end; {each / 1024:.0f} KiB each"
    )
    # how fast is printed, for the machine decides; that nobody waited in vain is asserted above
    assert len(late) == CLIENTS


async def submit(http: httpx2.AsyncClient, number: int) -> str:
    answer = await http.post(
        GENERATE, json={"input": text_to_image(f"a lake [[delay:{2 + number % SPREAD_SECONDS}]]")}
    )
    return answer.json()["data"]["taskId"]


async def answered(http: httpx2.AsyncClient, task_id: str) -> float:
    """How many seconds after the end of the task the answer was here."""
    answer = await http.get(STATUS, params={"taskId": task_id, "wait": WAIT_SECONDS})
    here = time.time()
    data = answer.json()["data"]
    assert data["state"] == "success", data
    return here - data["completeTime"] / 1000


async def everybody_waits(process: psutil.Process) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        states = Counter(one.status for one in process.net_connections("tcp"))
        if states["ESTABLISHED"] >= CLIENTS:
            # the last requests are read once their connections stand
            await asyncio.sleep(1)
            return
        await asyncio.sleep(0.2)
    raise AssertionError("the clients are not all connected")
