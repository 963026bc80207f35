"""One trace for each task, from the client's own through both processes to the webhook."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx2
import pytest

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from support.collector import Collected, Collector, collecting
from support.receiver import Receiver, Reply
from support.service import COMMAND, Customer, Installation, environment, wait_for

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENTS_SPAN = "00f067aa0ba902b7"
CLIENTS = {"traceparent": f"00-{TRACE}-{CLIENTS_SPAN}-01"}

REQUEST = "POST /api/v1/generateTask/{model}"
STEPS = {
    REQUEST,
    "task.submit",
    "task.queue",
    "task.run",
    "provider.start",
    "task.check",
    "provider.check",
    "task.store",
    "task.finish",
    "webhook.attempt",
}
SETTINGS = {
    "HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8",
    "HELIOGRAPH_WEBHOOK_RETRY_SECONDS": "0,0",
    "HELIOGRAPH_LOG_FORMAT": "json",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def make_one(installation: Installation, customer: Customer, callback_url: str) -> None:
    """One task that is checked on, from a client with a trace of its own, to its end."""
    body = {
        "request_type": "callback",
        "callback_url": callback_url,
        "input": text_to_image("a lake [[delay:0.2]]"),
    }
    async with httpx2.AsyncClient(
        base_url=installation.url, headers=customer.headers, timeout=90
    ) as http:
        answer = await http.post(GENERATE, json=body, headers=CLIENTS)
        task_id = answer.json()["data"]["taskId"]
        shown = await http.get(STATUS, params={"taskId": task_id, "wait": 60})
        assert shown.json()["data"]["state"] == "success"


async def test_one_trace_goes_from_a_clients_request_through_the_worker_to_its_webhook(
    install: Install, receiver: Receiver
):
    receiver.script("/hook", Reply(500), Reply(200))
    with collecting() as collector:
        installation = install(**SETTINGS, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        customer = await asyncio.to_thread(installation.customer, "0", "--test")
        api, worker = installation.serve("--no-worker"), installation.worker()
        await asyncio.to_thread(api.ready)
        await make_one(installation, customer, receiver.url())
        posts = await receiver.arrived(2, timeout_seconds=30)
        spans = await asyncio.to_thread(whole_trace, collector)
    assert spans.keys() == STEPS
    check_parents(spans)
    assert {one.process_id for one in spans[REQUEST]} == {api.pid}
    assert {one.process_id for one in spans["task.finish"]} == {worker.pid}
    sent_with = {one["headers"]["traceparent"] for one in map(vars, posts)}
    attempts = {f"00-{TRACE}-{one.span_id}-01" for one in spans["webhook.attempt"]}
    assert sent_with == attempts
    assert [one.error for one in spans["webhook.attempt"]][1] == ""
    assert "500" in spans["webhook.attempt"][0].error
    ended = next(one for one in worker.events() if one["event"] == "task.ended")
    assert ended["trace_id"] == TRACE
    assert customer.api_key.encode() not in collector.raw
    assert b"a lake" not in collector.raw


def whole_trace(collector: Collector) -> dict[str, list[Collected]]:
    wait_for(lambda: len(collector.of(TRACE).get("webhook.attempt", ())) > 1, "both attempts")
    wait_for(lambda: collector.of(TRACE).keys() >= STEPS, "every span", seconds=10)
    return collector.of(TRACE)


def check_parents(spans: dict[str, list[Collected]]) -> None:
    """The client's span holds the request, the request every step, and the step what it did."""
    (request,) = spans[REQUEST]
    assert request.parent_id == CLIENTS_SPAN
    assert request.attributes["http.response.status_code"] == 200
    for name in ("task.submit", "task.queue", "task.run", "task.check", "webhook.attempt"):
        assert {one.parent_id for one in spans[name]} == {request.span_id}, name
    last_check = spans["task.check"][-1]
    for name in ("task.store", "task.finish"):
        assert [one.parent_id for one in spans[name]] == [last_check.span_id]
    assert spans["provider.start"][0].parent_id == spans["task.run"][0].span_id
    assert spans["provider.start"][0].attributes["heliograph.provider"] == "rehearsal"


async def test_a_collector_that_is_away_costs_no_task_and_holds_nobody_up(
    install: Install, receiver: Receiver
):
    installation = install(**SETTINGS, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    customer = await asyncio.to_thread(installation.customer, "0", "--test")
    api = installation.serve()
    await asyncio.to_thread(api.ready)
    await make_one(installation, customer, receiver.url())
    (post,) = await receiver.arrived(1, timeout_seconds=30)
    assert TRACE in post.headers["traceparent"]
    api.terminate()
    assert await asyncio.to_thread(api.wait) == -signal.SIGTERM


async def test_without_a_collector_webhooks_and_log_lines_carry_no_trace(
    install: Install, receiver: Receiver
):
    installation = install(**SETTINGS)
    customer = await asyncio.to_thread(installation.customer, "0", "--test")
    api = installation.serve()
    await asyncio.to_thread(api.ready)
    await make_one(installation, customer, receiver.url())
    (post,) = await receiver.arrived(1, timeout_seconds=30)
    assert "traceparent" not in post.headers
    assert not [one for one in api.events() if "trace_id" in one]


def test_without_a_collector_nothing_of_the_sdk_is_imported():
    script = (
        "import sys; import heliograph.worker, heliograph.api.app, heliograph.base.trace as trace;"
        "opened = trace.tracing(); opened.__enter__(); trace.span('x').__enter__().note('a', 1);"
        "print([one for one in sys.modules if one.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment({}), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_who_asks_for_traces_without_the_extra_is_told_what_to_install(install: Install):
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    absent = COMMAND[-1].replace(
        "import sys;", "import sys; sys.modules['opentelemetry.sdk'] = None;"
    )
    installation.command = [*COMMAND[:-1], absent]
    worker = installation.worker()
    assert worker.wait() == 1
    assert "pip install 'heliograph[otel]'" in "\n".join(worker.log_lines())
