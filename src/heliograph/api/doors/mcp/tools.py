"""The tools: what an agent can do, each by asking the HTTP API."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from heliograph.api.doors.mcp.api import Api
from heliograph.api.doors.mcp.arguments import ImageArguments, NoArguments, TaskArguments
from heliograph.api.doors.mcp.results import (
    ENDED,
    BalanceResult,
    ModelsResult,
    QuoteResult,
    TaskResult,
    describe_models,
    describe_progress,
    describe_quote,
    describe_task,
    read_task,
    share_done,
)
from heliograph.base.errors import Fault

#: How long one call waits for a task. Many clients give a call up after a minute.
WAIT_SECONDS = 50
STEP_SECONDS = 2

#: Marks the tasks that came in through this door, in the statistics of their owner.
SOURCE = "mcp"

Report = Callable[[float, str], Awaitable[None]]
"""Takes how much is done, from 0 to 1, and a few words."""


class Preview(NamedTuple):
    """A picture for the eyes of a model."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Outcome:
    """What a tool answers: the same as a value and as text, and pictures."""

    result: Struct
    text: str
    previews: tuple[Preview, ...] = ()
    failed: bool = False


@dataclass(frozen=True)
class Tool:
    """One tool; `description` says when to choose it. What changes nothing is `read_only`."""

    name: str
    title: str
    description: str
    arguments: type[Struct]
    result: type[Struct]
    run: Callable[[Api, Any, Report], Awaitable[Outcome]]
    read_only: bool = True
    destructive: bool = False
    idempotent: bool = True


async def generate_image(api: Api, wanted: ImageArguments, report: Report) -> Outcome:
    """Submit a task, and wait for its pictures. Raises Fault."""
    accepted = await api.ask(
        "POST",
        f"/api/v1/generateTask/{wanted.model}",
        body=_body(wanted),
        # with it, a question that got no answer can be asked again at no risk
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    return await _follow(api, accepted["taskId"], report)


async def get_task(api: Api, wanted: TaskArguments, report: Report) -> Outcome:
    """Wait for a task, and give its pictures. Raises Fault."""
    return await _follow(api, wanted.task_id, report)


async def cancel_task(api: Api, wanted: TaskArguments, _: Report) -> Outcome:
    """End a task. Raises Fault for one that has ended."""
    path = f"/api/v1/tasks/{wanted.task_id}"
    task = await api.ask("GET", path)
    query = {"taskId": wanted.task_id}
    await api.ask("POST", f"/api/v1/cancelTask/{task['model']}", query=query)
    ended = read_task(await api.ask("GET", path))
    return Outcome(ended, describe_task(ended))


async def quote(api: Api, wanted: ImageArguments, _: Report) -> Outcome:
    """Price a task. Raises Fault."""
    data = await api.ask("POST", f"/api/v1/quoteTask/{wanted.model}", body=_body(wanted))
    priced = msgspec.convert(data, QuoteResult)
    return Outcome(priced, describe_quote(priced))


async def get_balance(api: Api, _: NoArguments, __: Report) -> Outcome:
    """What can be spent. Raises Fault."""
    balance = await api.ask("GET", "/api/v1/apikeys/current-balance")
    return Outcome(BalanceResult(balance), f"${balance:g} can be spent.")


async def list_models(api: Api, _: NoArguments, __: Report) -> Outcome:
    """What can be asked for. Raises Fault."""
    models = msgspec.convert(await api.ask("GET", "/api/v1/models"), ModelsResult)
    return Outcome(models, describe_models(models))


def _body(wanted: ImageArguments) -> dict[str, Any]:
    fields = msgspec.structs.asdict(wanted)
    del fields["model"]
    fields["mode"] = wanted.mode or ("image-to-image" if wanted.image_urls else "text-to-image")
    return {"input": fields, "source": SOURCE}


async def _follow(api: Api, task_id: str, report: Report) -> Outcome:
    task = await _wait(api, task_id, report)
    if not task.images:
        return Outcome(task, describe_task(task), failed=task.state == "failed")
    return Outcome(task, describe_task(task), await _previews(api, task))


async def _wait(api: Api, task_id: str, report: Report) -> TaskResult:
    """The task when it has ended, or as it stands when the time for one call is over."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        data = await api.ask("GET", f"/api/v1/tasks/{task_id}")
        task = read_task(data)
        if task.ended or time.monotonic() > until:
            return task
        await report(share_done(data), describe_progress(task))
        if not await _step(api, task):
            return task


async def _step(api: Api, task: TaskResult) -> bool:
    """Wait a little, or until the task has ended; False: the server stops and lets nobody wait."""
    started = time.monotonic()
    query = {"taskId": task.task_id, "wait": str(STEP_SECONDS)}
    status = await api.ask("GET", f"/api/v1/statusTask/{task.model}", query=query)
    waited_seconds = time.monotonic() - started
    return status["state"] in ENDED or waited_seconds > STEP_SECONDS / 2


async def _previews(api: Api, task: TaskResult) -> tuple[Preview, ...]:
    # Pillow takes a while to load, and most tools need none
    from heliograph.api.doors.mcp.preview import MOST_BYTES, preview

    previews = []
    for image in task.images:
        try:
            data = await api.picture(image.url)
        except Fault:
            # the links are in the answer all the same
            continue
        share = MOST_BYTES // len(task.images)
        previews.append(Preview(*await asyncio.to_thread(preview, data, share)))
    return tuple(previews)


TOOLS = (
    Tool(
        "generate_image",
        "Generate or edit pictures",
        "Make new pictures from a description, or change, restyle or merge pictures that are given in"
        " image_urls. Choose it whenever a picture is wanted. It costs money for each picture that is"
        f" made and takes some seconds up to minutes. Answers with the pictures and with links to the originals;"
        f" after {WAIT_SECONDS} seconds it answers with a taskId for get_task instead.",
        ImageArguments,
        TaskResult,
        generate_image,
        read_only=False,
        idempotent=False,
    ),
    Tool(
        "get_task",
        "Get the pictures of a task",
        "Wait for a task that generate_image has begun and not finished, or look at an earlier one again."
        " Answers with its pictures, links, state and cost. Costs nothing.",
        TaskArguments,
        TaskResult,
        get_task,
    ),
    Tool(
        "cancel_task",
        "Cancel a task",
        "End a task that has not ended, when its pictures are not wanted any more. What was held for it is"
        " given back. A task that has ended cannot be cancelled.",
        TaskArguments,
        TaskResult,
        cancel_task,
        read_only=False,
        destructive=True,
    ),
    Tool(
        "quote",
        "Price pictures",
        "Say what generate_image with the same arguments would cost, what it would leave of the balance,"
        " how large the pictures would be and how long it usually takes; reference pictures are fetched"
        " and checked. Makes and charges nothing. Choose it when the cost matters before the pictures do.",
        ImageArguments,
        QuoteResult,
        quote,
    ),
    Tool(
        "get_balance",
        "Get the balance",
        "Say how many dollars can still be spent on pictures.",
        NoArguments,
        BalanceResult,
        get_balance,
    ),
    Tool(
        "list_models",
        "List models",
        "List the models with their modes, aspect ratios, sizes, limits and prices. Not needed before"
        " generate_image, whose defaults are good.",
        NoArguments,
        ModelsResult,
        list_models,
    ),
)
