"""An emulator of DashScope's asynchronous image tasks, as strict as its documents.

In a process of its own: `python -m support.dashscope_emulator --port 0 --seconds 2 --state FILE`
(PYTHONPATH: tests and src); `--limits` grants no more than the real account. The first line on stdout is `{"base_url": …}`. FILE gets one JSON line
per submit, and is read at the start, so that a restarted emulator still knows its tasks.
`GET /_emulator/submits` tells how often each prompt was submitted and accepted (= paid for).

Markers in the prompt make trouble; several may stand side by side:

{{slow:SECONDS}}            this task takes that long
{{stay:STATUS}}             the task stays PENDING, RUNNING, SUSPENDED, UNKNOWN or CANCELED for ever
{{submit:CODE:MESSAGE}}     the submit is refused, with the documented HTTP status of CODE
{{submit-status:STATUS}}    a proxy answers the submit with HTML and this status; nothing is accepted
{{accept:HOW}}              the submit is accepted, and then: `drop` breaks the connection, `hang` never
                            answers, `html` answers 502 and HTML, `no-output` answers 200 without a task,
                            `504` answers with a body that tells of a timeout
{{task:CODE:MESSAGE}}       the task ends as FAILED
{{partial:COUNT:CODE}}      COUNT pictures are made, the others fail with CODE
{{poll:HOW:COUNT}}          the first COUNT polls answer with this status, or `drop`, `html`, `empty`
{{forget:COUNT}}            the first COUNT polls do not know the task yet
{{result:HOW:COUNT}}        result pictures: `expired`, `404`, `text`, `huge`, `redirect`, `elsewhere`,
                            `bomb`, `drop` or `500`, the last two for the first COUNT requests
"""

import argparse
import asyncio
import json
import socket
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from heliograph.base.clock import Clock
from support.dashscope_account import Account
from support.dashscope_answers import (
    answer,
    china_digits,
    faulty,
    metrics,
    picture,
    proxy_answer,
    status_answer,
    xml_refusal,
)
from support.dashscope_checks import (
    STATUS_OF,
    Refusal,
    checked_flag,
    checked_input,
    checked_int,
    checked_model,
    checked_size,
    read_object,
)
from support.dashscope_pictures import png, signed_query
from support.dashscope_task import Task, listed, markers

SUBMITS_PER_SECOND = 5
QUERIES_PER_SECOND = 20
CODE_OF = {401: "InvalidApiKey", 429: "Throttling.RateQuota", 503: "ModelUnavailable"}
LIFE_SECONDS = 24 * 3600


class TrackedProtocol(H11Protocol):
    """uvicorn's protocol, whose connections can be broken from inside a route."""

    transports: ClassVar[dict[tuple[str, int], asyncio.Transport]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transports[transport.get_extra_info("peername")[:2]] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.transports.pop(self.transport.get_extra_info("peername")[:2], None)
        super().connection_lost(exc)


class Emulator:
    """The account `api_key` at DashScope. `seconds` is how long a task takes by `clock`.

    With `limits` it grants what DashScope grants: 5 submits a second and 5 running tasks for each
    model, 20 queries a second; what comes too fast is refused, and what cannot run yet waits.
    """

    def __init__(
        self,
        *,
        seconds: float = 0.0,
        api_key: str = "sk-emulator",
        clock: Clock | None = None,
        state: Path | None = None,
        limits: bool = False,
    ) -> None:
        self.seconds = seconds
        self.api_key = api_key
        self.clock = clock or Clock()
        self.state = state
        self.submits: list[dict[str, Any]] = []
        self.tasks: dict[str, Task] = {}
        self.asked: Counter[str] = Counter()
        self.account = Account(enabled=limits)
        self.bodies: list[dict[str, Any]] = []
        self.hanging = asyncio.Event()
        self._recall()
        self.app = Starlette(
            routes=[
                Route(
                    "/api/v1/services/aigc/{kind}/image-synthesis", self.create, methods=["POST"]
                ),
                Route("/api/v1/tasks/", self.list),
                Route("/api/v1/tasks/{task_id}/cancel", self.cancel, methods=["POST"]),
                Route("/api/v1/tasks/{task_id}", self.query),
                Route("/api/v1/tasks/{task_id}/", self.query),
                Route("/results/{task_id}/{index:int}.png", self.result),
                Route("/_emulator/submits", self.count),
            ],
            exception_handlers={Refusal: self.refuse},
        )

    # -- create --------------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        task = await self._checked(request)
        how = (task.marker("accept") or ("", ""))[0]
        refusal = submit_refusal(task)
        self._note(task, accepted=refusal is None)
        if refusal is not None:
            return refusal
        if how == "drop":
            return self._drop(request)
        if how == "hang":
            self.hanging.set()
            await request.receive()
        if how == "html":
            return proxy_answer(502)
        if how == "no-output":
            return answer({"code": "Success", "message": ""})
        if how == "504":
            return answer({"code": "RequestTimeOut", "message": "timed out"}, 504)
        return answer({"output": {"task_status": "PENDING", "task_id": task.task_id}})

    async def _checked(self, request: Request) -> Task:
        """The checks in DashScope's order. Raises Refusal."""
        self._check_key(request)
        if request.headers.get("x-dashscope-async") != "enable":
            message = "current user api does not support synchronous calls"
            raise Refusal("AccessDenied", message)
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise Refusal("BadRequest.IllegalInput", "Content-Type must be application/json")
        body = read_object(await request.body())
        kind = request.path_params["kind"]
        checked_model(kind, body)
        self.account.admit(f"submit {kind}", SUBMITS_PER_SECOND, self._now())
        self.bodies.append(body)
        return self._task(kind, body)

    def _task(self, kind: str, body: Mapping[str, Any]) -> Task:
        prompt = checked_input(kind, body.get("input"))
        parameters = body.get("parameters", {})
        if not isinstance(parameters, dict):
            raise Refusal("InvalidParameter", "parameters must be an object")
        width, height = checked_size(kind, parameters.get("size", "1280*1280"))
        slow = markers(prompt).get("slow")
        seconds = float(slow[0]) if slow else self.seconds
        begins_at, ends_at = self.account.place(kind, self._now(), seconds)
        return Task(
            task_id=str(uuid.uuid4()),
            kind=kind,
            prompt=prompt[:2000],
            n=checked_int(parameters, "n", 4, (1, 4)),
            width=width,
            height=height,
            seed=checked_int(parameters, "seed", 0, (0, 2_147_483_647)),
            prompt_extend=checked_flag(parameters, "prompt_extend", default=True),
            submitted_at=self._now(),
            begins_at=begins_at,
            ends_at=ends_at,
        )

    def _note(self, task: Task, *, accepted: bool) -> None:
        entry = {**asdict(task), "accepted": accepted}
        self.submits.append(entry)
        if accepted:
            self.tasks[task.task_id] = task
        if self.state is not None:
            with self.state.open("a") as file:
                file.write(json.dumps(entry) + "\n")

    def _recall(self) -> None:
        if self.state is None or not self.state.exists():
            return
        for line in self.state.read_text().splitlines():
            entry = json.loads(line)
            self.submits.append(entry)
            if entry["accepted"]:
                fields = {name: value for name, value in entry.items() if name != "accepted"}
                self.tasks[entry["task_id"]] = Task(**fields)

    # -- query ---------------------------------------------------------------------------------

    async def query(self, request: Request) -> Response:
        self._check_key(request)
        self.account.admit("query", QUERIES_PER_SECOND, self._now())
        task = self.tasks.get(request.path_params["task_id"])
        if task is None or self._now() - task.submitted_at > LIFE_SECONDS:
            return status_answer(request.path_params["task_id"], "UNKNOWN")
        self.asked[task.task_id] += 1
        trouble = self._poll_trouble(task, request)
        return trouble or self._state(task, request)

    def _poll_trouble(self, task: Task, request: Request) -> Response | None:
        how, count = task.marker("poll") or ("", "0")
        if self.asked[task.task_id] > int(count or sys.maxsize):
            forget = task.marker("forget")
            early = forget is not None and self.asked[task.task_id] <= int(forget[0])
            return status_answer(task.task_id, "UNKNOWN") if early else None
        if how == "drop":
            return self._drop(request)
        if how == "html":
            return proxy_answer(502)
        if how == "empty":
            return answer({})
        raise Refusal(CODE_OF.get(int(how), "InternalError"), "as asked", int(how))

    def _state(self, task: Task, request: Request) -> Response:
        stay = task.marker("stay")
        if stay is not None or task.cancelled:
            return status_answer(task.task_id, stay[0] if stay else "CANCELED")
        if self._now() < task.begins_at:
            return status_answer(
                task.task_id, "PENDING", task.times("submit_time"), metrics(task.n)
            )
        if self._now() < task.ends_at:
            times = task.times("submit_time", "scheduled_time")
            return status_answer(task.task_id, "RUNNING", times, metrics(task.n))
        return self._ended(task, str(request.base_url))

    def _ended(self, task: Task, base: str) -> Response:
        times = task.times("submit_time", "scheduled_time", "end_time")
        fault = task.marker("task")
        if fault is not None:
            details = {"code": fault[0], "message": fault[1] or ""}
            return status_answer(
                task.task_id, "FAILED", times, details, metrics(task.n, failed=task.n)
            )
        count, code = task.marker("partial") or (str(task.n), "")
        made = min(int(count), task.n)
        failed = {
            "code": code or "DataInspectionFailed",
            "message": "Output data may contain inappropriate content.",
        }
        results = [failed] * (task.n - made) + [
            {**task.prompts(), "url": self._address(task, base, index)} for index in range(made)
        ]
        return status_answer(
            task.task_id,
            "SUCCEEDED",
            times,
            {"results": results},
            metrics(task.n, made=made, failed=task.n - made),
            usage={"image_count": made},
        )

    async def cancel(self, request: Request) -> Response:
        self._check_key(request)
        task = self.tasks.get(request.path_params["task_id"])
        if task is None or self._now() >= task.begins_at or task.cancelled:
            message = "Failed to cancel the task, please confirm if the task is in PENDING status."
            raise Refusal("UnsupportedOperation", message)
        task.cancelled = True
        return answer({})

    async def list(self, request: Request) -> Response:
        """Tasks of the last 24 hours, by time in UTC+8 and model, as far as the query narrows it."""
        self._check_key(request)
        self.account.admit("list", QUERIES_PER_SECOND, self._now())
        since = request.query_params.get("start_time", "0")
        until = request.query_params.get("end_time", "9" * 14)
        model = request.query_params.get("model_name", "")
        found = [
            task
            for task in self.tasks.values()
            if since <= china_digits(task.submitted_at) <= until and model in ("", task.model)
        ]
        size = int(request.query_params.get("page_size", "10"))
        data = [listed(task) for task in found[:size]]
        pages = {"total": len(found), "page_no": 1, "page_size": size}
        return answer({"data": data, **pages})

    # -- results -------------------------------------------------------------------------------

    def _address(self, task: Task, base: str, index: int) -> str:
        how = (task.marker("result") or ("", ""))[0]
        expires = int(task.submitted_at + (-1 if how == "expired" else LIFE_SECONDS))
        host = "http://pictures.invalid/" if how == "elsewhere" else base
        return f"{host}results/{task.task_id}/{index}.png?{signed_query(expires)}"

    async def result(self, request: Request) -> Response:
        task = self.tasks[request.path_params["task_id"]]
        query = request.scope["query_string"].decode()
        expires = int(request.query_params.get("Expires", "0"))
        if query != signed_query(expires):
            return xml_refusal("SignatureDoesNotMatch")
        if "authorization" in request.headers:
            return xml_refusal("InvalidArgument")
        if expires < self._now():
            return xml_refusal("AccessDenied")
        self.asked[request.url.path] += 1
        how, count = task.marker("result") or ("", "")
        if count and self.asked[request.url.path] > int(count):
            how = ""
        return self._result(task, how, request)

    def _result(self, task: Task, how: str, request: Request) -> Response:
        if how == "drop":
            return self._drop(request)
        words = f"{task.prompt} {task.seed + request.path_params['index']}"
        return faulty(how) or picture(png((task.width, task.height), words))

    # -- the rest ------------------------------------------------------------------------------

    async def count(self, request: Request) -> Response:
        return JSONResponse(
            {
                "submits": self.submits,
                "refused": self.account.refused,
                "posts": Counter(entry["prompt"] for entry in self.submits),
                "accepted": Counter(entry["prompt"] for entry in self.submits if entry["accepted"]),
            }
        )

    async def refuse(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return answer({"code": error.code, "message": error.message}, error.status)

    def _check_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            raise Refusal("InvalidApiKey", f"Invalid API-key provided: {self.api_key}")

    def _drop(self, request: Request) -> Response:
        assert request.client is not None
        TrackedProtocol.transports[request.client.host, request.client.port].abort()
        return Response()

    def _now(self) -> float:
        return self.clock.now().timestamp()


def submit_refusal(task: Task) -> Response | None:
    proxy = task.marker("submit-status")
    if proxy is not None:
        return proxy_answer(int(proxy[0]))
    fault = task.marker("submit")
    if fault is None:
        return None
    body = {"code": fault[0], "message": fault[1] or "as asked"}
    return answer(body, STATUS_OF.get(fault[0], 400))


def server_of(emulator: Emulator) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            emulator.app,
            http=TrackedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
    )


@asynccontextmanager
async def serving(emulator: Emulator) -> AsyncIterator[str]:
    """The base URL under which `emulator` answers on loopback, until the block ends."""
    server = server_of(emulator)
    with listening(0) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield base_url(listener)
        finally:
            # The orderly end takes a tenth of a second, which every test would pay.
            for opened in getattr(server, "servers", []):
                opened.close()
            for transport in list(TrackedProtocol.transports.values()):
                transport.abort()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def listening(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port))
    # asyncio does it only for sockets that it opened itself; without it an answer takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def base_url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"


def run(arguments: argparse.Namespace) -> None:
    emulator = Emulator(
        seconds=arguments.seconds,
        api_key=arguments.key,
        state=arguments.state,
        limits=arguments.limits,
    )
    with listening(arguments.port) as listener:
        sys.stdout.write(json.dumps({"base_url": base_url(listener)}) + "\n")
        sys.stdout.flush()
        server_of(emulator).run(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--key", default="sk-emulator")
    parser.add_argument("--state", type=Path)
    parser.add_argument("--limits", action="store_true")
    run(parser.parse_args())
