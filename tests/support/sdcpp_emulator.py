"""An emulator of sd-server's own API, written from the server's source and as strict.

In a process of its own: `python -m support.sdcpp_emulator --port 0 --seconds 2`
(PYTHONPATH: tests and src). The first line on stdout is `{"base_url": …}`.
`GET /_emulator/jobs` tells the prompt and the state of every job since the start.

One job runs at a time and takes `seconds`. Markers in the prompt make trouble:

{{slow:SECONDS}}            this job takes that long
{{steps:COUNT}}             the server counts this job's steps, as newer ones do
{{submit:STATUS:REASON}}    the submit is refused
{{accept:HOW}}              the job is queued, and then: `drop` breaks the connection, `html` answers 202
                            and HTML
{{fail:REASON}}             the job fails
{{partial:COUNT}}           no more than COUNT pictures are made
{{picture:HOW}}             the first picture is `text`, `broken` base64, or of another `size`
{{poll:HOW:COUNT}}          the first COUNT polls answer with this status, or `drop`, `html`, `odd`
"""

import argparse
import base64
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from heliograph.base.clock import Clock
from support.dashscope_answers import proxy_answer
from support.dashscope_emulator import TrackedProtocol, listening, server_of
from support.dashscope_emulator import serving as serving_app
from support.dashscope_pictures import png
from support.dashscope_task import markers
from support.sdcpp_checks import Invalid, checked_body

LIFE_SECONDS = 600
MODEL = "z_image_turbo-Q4_K.gguf"


@dataclass
class Job:
    job_id: str
    body: dict[str, Any]
    created: float
    seconds: float
    started: float | None = None
    completed: float | None = None
    status: str = "queued"
    polls: Counter[str] = field(default_factory=Counter)

    def marker(self, name: str) -> tuple[str, str] | None:
        return markers(self.body["prompt"]).get(name)


class Emulator:
    """A server with one model. `modes` is what that can make; `seconds` go by `clock`."""

    def __init__(
        self,
        *,
        seconds: float = 0.0,
        clock: Clock | None = None,
        modes: tuple[str, ...] = ("img_gen",),
        max_queue_size: int = 64,
        max_side: int = 4096,
    ) -> None:
        self.seconds = seconds
        self.clock = clock or Clock()
        self.modes = modes
        self.max_queue_size = max_queue_size
        self.max_side = max_side
        self.history: list[Job] = []
        self.jobs: dict[str, Job] = {}
        self.app = Starlette(
            routes=[
                Route("/sdcpp/v1/capabilities", self.capabilities),
                Route("/sdcpp/v1/img_gen", self.submit, methods=["POST"]),
                Route("/sdcpp/v1/jobs/{job_id}", self.query),
                Route("/sdcpp/v1/jobs/{job_id}/cancel", self.cancel, methods=["POST"]),
                Route("/_emulator/jobs", self.told),
            ]
        )

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [job.body for job in self.history]

    def restart(self) -> None:
        """The server keeps its jobs in memory."""
        self.jobs.clear()

    # -- submit --------------------------------------------------------------------------------

    async def submit(self, request: Request) -> Response:
        if "img_gen" not in self.modes:
            return refusal(400, "loaded model does not support img_gen")
        try:
            body = checked_body(await request.body())
        except Invalid as invalid:
            return refusal(400, str(invalid))
        refused = markers(body["prompt"]).get("submit")
        if refused is not None:
            return refusal(int(refused[0]), refused[1])
        self._advance()
        pending = [job for job in self.jobs.values() if job.status in ("queued", "generating")]
        if len(pending) >= self.max_queue_size:
            return refusal(429, "job queue is full")
        return self._accepted(self._queue(body), request)

    def _queue(self, body: dict[str, Any]) -> Job:
        slow = markers(body["prompt"]).get("slow")
        job_id = f"job_{int(self._now()):x}_{len(self.history):08x}"
        job = Job(job_id, body, self._now(), float(slow[0]) if slow else self.seconds)
        self.history.append(job)
        self.jobs[job_id] = job
        self._advance()
        return job

    def _accepted(self, job: Job, request: Request) -> Response:
        how = (job.marker("accept") or ("", ""))[0]
        if how == "drop":
            return drop(request)
        if how == "html":
            return proxy_answer(202)
        answer = {
            "id": job.job_id,
            "kind": "img_gen",
            "status": "queued",
            "created": int(job.created),
            "poll_url": f"/sdcpp/v1/jobs/{job.job_id}",
        }
        return JSONResponse(answer, 202)

    # -- query and cancel ----------------------------------------------------------------------

    async def query(self, request: Request) -> Response:
        job = self._known(request)
        if isinstance(job, Response):
            return job
        how, count = job.marker("poll") or ("", "0")
        job.polls[how] += 1
        if how and job.polls[how] <= int(count):
            return faulty_poll(how, request)
        return JSONResponse(self._shown(job))

    async def cancel(self, request: Request) -> Response:
        job = self._known(request)
        if isinstance(job, Response):
            return job
        if job.status == "generating":
            return refusal(409, "job is currently generating and cannot be interrupted yet")
        if job.status == "queued":
            job.status = "cancelled"
            job.completed = self._now()
        return JSONResponse(self._shown(job))

    def _known(self, request: Request) -> Job | Response:
        self._advance()
        job = self.jobs.get(request.path_params["job_id"])
        age = self._now() - (job.completed if job and job.completed else self._now())
        if job is None or age >= 2 * LIFE_SECONDS:
            return refusal(404, "job not found")
        return refusal(410, "job expired") if age >= LIFE_SECONDS else job

    def _shown(self, job: Job) -> Mapping[str, Any]:
        waiting = [other.job_id for other in self.jobs.values() if other.status == "queued"]
        shown = {
            "id": job.job_id,
            "kind": "img_gen",
            "status": job.status,
            "created": int(job.created),
            "started": None if job.started is None else int(job.started),
            "completed": None if job.completed is None else int(job.completed),
            "queue_position": waiting.index(job.job_id) + 1 if job.status == "queued" else 0,
            "result": result_of(job) if job.status == "completed" else None,
            "error": error_of(job),
        }
        steps = job.marker("steps")
        if steps is None:
            return shown
        share = 0.0 if job.started is None else (self._now() - job.started) / job.seconds
        return {
            **shown,
            "progress_step": int(share * int(steps[0])),
            "progress_steps": int(steps[0]),
        }

    def _advance(self) -> None:
        """What the one worker has done until now."""
        free_at = 0.0
        for job in self.jobs.values():
            if job.started is None and job.status == "queued":
                begin = max(free_at, job.created)
                if begin <= self._now():
                    job.started, job.status = begin, "generating"
            if job.started is not None:
                free_at = job.started + job.seconds
                if job.status == "generating" and free_at <= self._now():
                    job.completed = free_at
                    job.status = "failed" if job.marker("fail") else "completed"
            elif job.status == "queued":
                return

    # -- the rest ------------------------------------------------------------------------------

    async def capabilities(self, request: Request) -> Response:
        features = {"ref_images": True, "cancel_queued": True, "cancel_generating": False}
        limits = {
            "min_width": 64,
            "max_width": self.max_side,
            "min_height": 64,
            "max_height": self.max_side,
            "max_batch_count": 8,
            "max_queue_size": self.max_queue_size,
        }
        return JSONResponse(
            {
                "model": {
                    "name": MODEL,
                    "stem": MODEL.removesuffix(".gguf"),
                    "path": f"/m/{MODEL}",
                },
                "current_mode": self.modes[0],
                "supported_modes": self.modes,
                "features_by_mode": dict.fromkeys(self.modes, features),
                "limits": limits,
            }
        )

    async def told(self, request: Request) -> Response:
        self._advance()
        return JSONResponse(
            [{"prompt": job.body["prompt"], "status": job.status} for job in self.history]
        )

    def _now(self) -> float:
        return self.clock.now().timestamp()


def refusal(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)


def drop(request: Request) -> Response:
    assert request.client is not None
    TrackedProtocol.transports[request.client.host, request.client.port].abort()
    return Response()


def faulty_poll(how: str, request: Request) -> Response:
    if how == "drop":
        return drop(request)
    if how == "html":
        return proxy_answer(200)
    if how == "odd":
        return JSONResponse({"status": "dreaming"})
    return refusal(int(how), "as asked")


def result_of(job: Job) -> Mapping[str, Any]:
    """Pictures that were not made are left out, and the others are counted on from 0."""
    asked = job.body["batch_count"]
    most = job.marker("partial")
    made = asked if most is None else min(asked, int(most[0]))
    images = [{"index": index, "b64_json": picture(job, index)} for index in range(made)]
    return {"output_format": "png", "images": images}


def picture(job: Job, index: int) -> str:
    how = (job.marker("picture") or ("", ""))[0] if index == 0 else ""
    if how == "broken":
        return "no base64 at all!"
    width, height = job.body["width"], job.body["height"]
    if how == "size":
        width, height = width // 2, height // 2
    words = f"{job.body['prompt']} {job.body['seed'] + index}"
    return base64.b64encode(b"hello" if how == "text" else png((width, height), words)).decode()


def error_of(job: Job) -> Mapping[str, str] | None:
    if job.status == "failed":
        reason = (job.marker("fail") or ("", ""))[0]
        return {"code": "generation_failed", "message": reason}
    if job.status == "cancelled":
        return {"code": "cancelled", "message": "job cancelled by client"}
    return None


@asynccontextmanager
async def serving(emulator: Emulator) -> AsyncIterator[str]:
    """The base URL under which `emulator` answers on loopback, until the block ends."""
    async with serving_app(emulator) as url:
        yield url.removesuffix("/api/v1")


def run(arguments: argparse.Namespace) -> None:
    emulator = Emulator(seconds=arguments.seconds)
    with listening(arguments.port) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        sys.stdout.write(json.dumps({"base_url": url}) + "\n")
        sys.stdout.flush()
        server_of(emulator).run(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=2.0)
    run(parser.parse_args())
