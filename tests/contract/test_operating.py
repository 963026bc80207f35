"""What operators and their tools ask: is it alive, is it ready, how is it going."""

import dataclasses
import datetime
import os
import subprocess
import sys
import uuid
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from contract.service import BALANCE, MODEL, Customer, Service
from heliograph.api.app import create_app
from heliograph.base.database import open_pool, transaction


async def ask(app: Any, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.get(path)


def metrics(service: Service) -> dict[str, dict[tuple[str, ...], float]]:
    """What a fresh process says: samples by name and then by the values of their labels."""
    text = service.run(ask(create_app(service.runtime), "/metrics")).text
    samples: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            samples.setdefault(sample.name, {})[labels] = sample.value
    return samples


def test_a_process_that_answers_is_alive_and_ready(service: Service):
    assert service.http.get("/health/live").json()["data"] == {"live": True}
    assert service.http.get("/health/ready").json()["data"] == {"database": "ok"}


def test_a_process_that_stops_is_alive_but_not_ready(service: Service):
    service.loop.call_soon_threadsafe(service.runtime.draining.set)
    try:
        answer = service.http.get("/health/ready")
        assert answer.status_code == 503
        assert "stopping" in answer.json()["message"]
        assert service.http.get("/health/live").status_code == 200
    finally:
        service.loop.call_soon_threadsafe(service.runtime.draining.clear)


def test_a_database_without_a_free_connection_is_named_within_a_second(service: Service):
    async def ask_while_all_are_taken() -> httpx2.Response:
        pool = await open_pool(str(service.runtime.settings.database_url), size=1)
        async with pool.acquire():
            app = create_app(dataclasses.replace(service.runtime, pool=pool))
            answer = await ask(app, "/health/ready")
        await pool.close()
        return answer

    answer = service.run(ask_while_all_are_taken())
    assert answer.status_code == 503
    assert "database" in answer.json()["message"]


def test_ended_tasks_are_counted_by_model_mode_and_state(service: Service, tester: Customer):
    before = metrics(service)
    for prompt in ("a panda", "[[fail:Timeout]] a panda"):
        service.finish(tester.submit(prompt), seconds=10)
    after = metrics(service)

    def grown(name: str, *labels: str) -> float:
        return after[name][labels] - before.get(name, {}).get(labels, 0)

    assert grown("heliograph_tasks_total", "text-to-image", MODEL, "success") == 1
    assert grown("heliograph_tasks_total", "text-to-image", MODEL, "failed") == 1
    assert grown("heliograph_task_duration_seconds_count") == 2
    assert grown("heliograph_task_duration_seconds_sum") == pytest.approx(20)
    assert grown("heliograph_task_duration_seconds_bucket", "5.0") == 0
    assert grown("heliograph_task_duration_seconds_bucket", "10.0") == 2
    assert grown("heliograph_task_duration_seconds_bucket", "+Inf") == 2


def test_waiting_tasks_are_seen_with_the_age_of_the_oldest(service: Service, tester: Customer):
    before = metrics(service)["heliograph_queue_depth"][()]
    task_id = tester.submit()
    created_at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=3)
    service.run(
        service.runtime.pool.execute(
            "UPDATE tasks SET created_at = $2 WHERE task_id = $1", uuid.UUID(task_id), created_at
        )
    )
    after = metrics(service)
    assert after["heliograph_queue_depth"][()] == before + 1
    assert after["heliograph_queue_oldest_seconds"][()] >= 3 * 3600
    assert after["heliograph_tasks_open"][("text-to-image", MODEL, "pending")] >= 1


def test_webhook_attempts_are_counted_by_what_became_of_them(service: Service, customer: Customer):
    before = metrics(service)["heliograph_webhook_attempts_total"]
    attempts = (
        (5, 200, None),
        (5, 500, "Answered 500."),
        (5, None, "No answer."),
        (None, None, None),
    )
    service.run(_add_attempts(service, customer, attempts))
    after = metrics(service)["heliograph_webhook_attempts_total"]
    assert {name: after[name] - before[name] for name in before} == {
        ("delivered",): 1,
        ("refused",): 1,
        ("unreachable",): 1,
    }


async def _add_attempts(service: Service, customer: Customer, attempts: Any) -> None:
    now, notice_id = service.clock.now(), uuid.uuid4()
    async with transaction(service.runtime.pool) as connection:
        await connection.execute(
            "INSERT INTO notices (notice_id, task_id, account_id, url, body, state, due_at, created_at)"
            " VALUES ($1, $1, $2, 'https://example.com', '', 'dead', $3, $3)",
            notice_id,
            customer.account_id,
            now,
        )
        await connection.executemany(
            "INSERT INTO notice_attempts (notice_id, attempt_no, started_at, latency_ms, status, error)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            [(notice_id, number, now, *attempt) for number, attempt in enumerate(attempts, 1)],
        )


def test_money_that_does_not_add_up_is_seen(service: Service, customer: Customer):
    assert metrics(service)["heliograph_ledger_drift_micros"][()] == 0
    customer.submit(num_images=1)
    assert metrics(service)["heliograph_ledger_drift_micros"][()] == 0
    tamper = (
        "UPDATE balances SET held_micros = held_micros + $2, available_micros = available_micros - $2"
        " WHERE account_id = $1"
    )
    service.run(service.runtime.pool.execute(tamper, customer.account_id, 7))
    assert metrics(service)["heliograph_ledger_drift_micros"][()] == 7
    service.run(service.runtime.pool.execute(tamper, customer.account_id, -7))


def test_requests_are_measured_by_route_and_never_by_path_or_key(
    service: Service, customer: Customer
):
    customer.submit("a secret prompt")
    customer.http.get("/no/such/path")
    customer.http.request("BREW", "/coffee")
    customer.http.get(BALANCE)
    text = service.run(ask(create_app(service.runtime), "/metrics")).text
    assert 'code="200",method="POST",route="/api/v1/generateTask/{model}"' in text
    assert 'code="404",method="GET",route="unmatched"' in text
    for secret in (
        customer.api_key,
        customer.api_key[8:16],
        customer.account_id,
        "secret prompt",
        "/no/such",
        "BREW",
    ):
        assert secret not in text


def test_figures_are_read_once_for_many_scrapers(service: Service, tester: Customer):
    async def scrape_twice() -> tuple[str, str]:
        app = create_app(service.runtime)
        first = await ask(app, "/metrics")
        await service.runtime.pool.execute(
            "UPDATE tasks SET mode = 'changed' WHERE task_id = $1", uuid.UUID(task_id)
        )
        return first.text, (await ask(app, "/metrics")).text

    task_id = tester.submit()
    first, second = service.run(scrape_twice())
    assert 'mode="changed"' not in first + second


def test_requests_of_all_processes_are_added_up(tmp_path: Any):
    """prometheus_client decides on import, so each of these is a process of its own."""
    count = "from heliograph.base.metrics import observe_request as o; o('/x', 'GET', 200, 0.1)"
    show = (
        "from heliograph.base.metrics import *; from heliograph.base.metrics import Figures;"
        "print(render_metrics(Figures({}, [0] * 11, 0, 0, 0, {}, {}, {}, 0)).decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    for program in (count, count):
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    done = subprocess.run(
        [sys.executable, "-c", show], env=environment, check=True, capture_output=True, text=True
    )
    name = "heliograph_http_request_duration_seconds_count"
    assert f'{name}{{code="200",method="GET",route="/x"}} 2.0' in done.stdout


@pytest.mark.parametrize("name", ["application/openmetrics-text", "text/plain", "*/*"])
def test_the_metrics_are_text_whatever_the_scraper_prefers(service: Service, name: str):
    answer = service.http.get("/metrics", headers={"Accept": name})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
