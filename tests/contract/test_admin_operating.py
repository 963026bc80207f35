"""What operators see of the work and do about it; and that nobody else does."""

import datetime
import uuid
from collections.abc import Iterator

import pytest

from contract.operator import ADMIN, Operator
from contract.service import GENERATE, MODEL, Customer, Service
from contract.visitor import FROM_PAGE, refused
from heliograph.api.described.admin import admin_operations
from heliograph.base.database import transaction
from heliograph.operators.workers.store import note_alive, note_gone
from heliograph.providers.alarms.store import note_alarm
from heliograph.providers.health.store import note_failure, note_success
from support.service import wait_for

CALLS = [
    (
        one.method,
        one.path.replace("{id}", "0" * 32).format(accountId="a", keyId="k", model=MODEL),
    )
    for one in admin_operations()
    if one.path.startswith(ADMIN)
]
TASK = {"input": {"mode": "text-to-image", "prompt": "a panda", "num_images": 1}}


@pytest.fixture
def operator(service: Service) -> Iterator[Operator]:
    operator = Operator(service)
    yield operator
    operator.http.close()


@pytest.fixture
def off(operator: Operator) -> Iterator[dict]:
    """The model is off for the length of a test."""
    path = f"models/{MODEL}/switch"
    (model,) = operator.done(path, {"on": False, "reason": "Back at 14:00"})["items"]
    yield model
    operator.done(path, {"on": True})


@pytest.fixture(scope="module")
def stranger(service: Service) -> Iterator[tuple[Customer, Operator]]:
    """A customer, and their own session at the console."""
    customer = service.customer()
    account = Operator(service, customer.account_id)
    yield customer, account
    account.http.close()


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_only_operators_get_in(
    service: Service, stranger: tuple[Customer, Operator], method: str, path: str
):
    customer, account = stranger
    body = {"headers": FROM_PAGE} | ({"json": {}} if method == "POST" else {})
    refused(service.http.request(method, path, **body), 401, "signed in")
    refused(customer.http.request(method, path, **body), 401, "signed in")
    refused(account.http.request(method, path, **body), 403, "Only operators")


@pytest.mark.parametrize(("method", "path"), [one for one in CALLS if one[0] == "POST"])
def test_another_site_changes_nothing_with_an_operators_cookie(
    operator: Operator, method: str, path: str
):
    cookie = {"Cookie": "; ".join(f"{name}={text}" for name, text in operator.http.cookies.items())}
    for site in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        headers = cookie | site | {"Content-Type": "application/json"}
        answer = operator.service.http.request(method, path, headers=headers, json={})
        refused(answer, 403, "Only a page of this server")
    headers = cookie | {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}
    answer = operator.service.http.request(method, path, headers=headers, content=b"{}")
    assert answer.status_code == 415


def test_an_operators_name_may_be_of_any_script(service: Service):
    operator = Operator(service, name="运营者阿达大人你好")
    assert operator.get("models")["items"]
    operator.http.close()


def test_the_work_shows_what_waits_and_for_how_long(
    service: Service, operator: Operator, customer: Customer
):
    before = {one["name"]: one for one in operator.get("work")["queues"]}
    task_id = customer.submit()
    pool = service.runtime.pool
    service.run(
        pool.execute(
            "UPDATE pgqueuer SET execute_after = now() - interval '2 hours' WHERE payload = $1",
            task_id.encode(),
        )
    )
    work = operator.get("work")
    queue = next(one for one in work["queues"] if one["name"] in ("run", "render"))
    assert queue["waiting"] == before.get(queue["name"], {"waiting": 0})["waiting"] + 1
    assert queue["oldestSeconds"] >= 7200
    pending = next(one for one in work["tasks"] if one["state"] == "pending")
    assert pending["tasks"] >= 1
    assert pending["oldestTime"] <= service.clock.now().timestamp() * 1000


def test_workers_are_alive_while_they_say_so(service: Service, operator: Operator):
    live, dead = uuid.uuid4(), uuid.uuid4()

    async def note() -> None:
        async with transaction(service.runtime.pool) as connection:
            await note_alive(connection, live, "here", 7, ["run", "check"])
            await note_alive(connection, dead, "there", 8, ["render"])
            await connection.execute(
                "UPDATE workers SET seen_at = now() - interval '31 seconds' WHERE worker_id = $1",
                dead,
            )

    service.run(note())
    shown = {one["workerId"]: one for one in operator.get("work")["workers"]}
    assert shown[live.hex]["alive"] is True
    assert (shown[live.hex]["host"], shown[live.hex]["queues"]) == ("here", ["run", "check"])
    assert shown[dead.hex]["alive"] is False
    assert shown[dead.hex]["silentSeconds"] >= 31
    for one in (live, dead):
        service.run(note_gone(service.runtime.pool, one))
    assert {live.hex, dead.hex}.isdisjoint(
        one["workerId"] for one in operator.get("work")["workers"]
    )


def test_a_running_worker_is_seen_and_gone_when_it_has_ended(live: Service):
    operator = Operator(live)
    (worker,) = operator.get("work")["workers"]
    assert worker["alive"] is True
    assert set(worker["queues"]) == {"run", "check", "deliver", "render"}
    operator.http.close()


def test_providers_show_health_alarms_calls_and_margin(
    service: Service, operator: Operator, customer: Customer
):
    task_id = uuid.UUID(customer.submit(num_images=2))
    pool, now = service.runtime.pool, service.clock.now()

    async def make_history() -> None:
        async with transaction(pool) as connection:
            await note_failure(connection, "zeus", "Answered 500.", now, pause=60)
            await note_alarm(connection, "zeus", "Arrearage", "Pay the bill.", now)
            await note_success(connection, "hera", now)
            await connection.execute(
                "UPDATE tasks SET provider = 'zeus' WHERE task_id = $1", task_id
            )
            await connection.execute(
                "INSERT INTO attempts (task_id, claim_no, provider, outcome, intended_at, cost_micros)"
                " VALUES ($1, 98, 'zeus', 'finished', $2, 12000), ($1, 99, 'zeus', 'refused', $2, 0)",
                task_id,
                now - datetime.timedelta(days=2),
            )

    service.run(make_history())
    shown = {one["name"]: one for one in operator.get("providers")["items"]}
    zeus = shown["zeus"]
    assert (zeus["circuit"], zeus["failures"], zeus["error"]) == ("open", 1, "Answered 500.")
    assert zeus["calls"] == {"finished": 1, "refused": 1}
    assert (zeus["cost"], zeus["charged"], zeus["margin"]) == (0.012, 0, -0.012)
    (alarm,) = zeus["alarms"]
    assert (alarm["code"], alarm["remedy"], alarm["number"]) == ("Arrearage", "Pay the bill.", 1)
    assert (shown["hera"]["circuit"], shown["hera"]["asked"]) == ("closed", False)
    asked = [one["name"] for one in operator.get("providers")["items"] if one["asked"]]
    assert asked == list(service.runtime.settings.providers)
    lately = {one["name"]: one for one in operator.get("providers", days=1)["items"]}
    assert lately["zeus"]["calls"] == {}


def dead_notice(service: Service, customer: Customer, url: str) -> str:
    notice_id = uuid.uuid4()
    service.run(
        service.runtime.pool.execute(
            "INSERT INTO notices (notice_id, task_id, account_id, url, body, state, due_at, created_at,"
            " ended_at) VALUES ($1, $1, $2, $3, '', 'dead', $4, $4, $4)",
            notice_id,
            customer.account_id,
            url,
            service.clock.now(),
        )
    )
    return notice_id.hex


def test_failed_webhooks_are_listed_and_sent_again(
    service: Service, operator: Operator, customer: Customer
):
    ids = [dead_notice(service, customer, f"https://example.com/{n}") for n in range(3)]
    first = operator.get("webhooks", accountId=customer.account_id, limit=2)
    rest = operator.get("webhooks", accountId=customer.account_id, cursor=first["nextCursor"])
    listed = [one["delivery"]["id"] for one in first["items"] + rest["items"]]
    assert sorted(listed) == sorted(ids)
    resent = operator.done(f"webhooks/{ids[0]}/resend")
    assert (resent["accountId"], resent["delivery"]["state"]) == (customer.account_id, "pending")
    since = {"since": 0, "accountId": customer.account_id}
    assert operator.done("webhooks/resend", since | {"url": "https://example.com/1"})["resent"] == 1
    assert operator.done("webhooks/resend", since)["resent"] == 1
    assert operator.done("webhooks/resend", since)["resent"] == 0
    assert operator.get("webhooks", accountId=customer.account_id)["items"] == []
    assert [one["action"] for one in operator.log(customer.account_id)] == ["resend"] * 3
    refused(operator.post(f"webhooks/{uuid.uuid4()}/resend"), 404, "There is no delivery")


def test_what_a_paused_receiver_would_get_is_not_sent(
    service: Service, operator: Operator, customer: Customer
):
    notice_id = dead_notice(service, customer, "https://example.com/")
    service.run(
        service.runtime.pool.execute(
            "INSERT INTO receivers (account_id, url, state, failing_since, reason, changed_at)"
            " VALUES ($1, 'https://example.com/', 'paused', now(), 'Failed for a day.', now())",
            customer.account_id,
        )
    )
    refused(operator.post(f"webhooks/{notice_id}/resend"), 409, "Failed for a day")
    assert operator.log(customer.account_id) == []


def test_a_model_that_is_off_refuses_with_the_reason_and_tasks_go_on(
    service: Service, operator: Operator, customer: Customer
):
    before = customer.submit(num_images=1)
    path = f"models/{MODEL}/switch"
    (model,) = operator.done(path, {"on": False, "reason": " Back at\n14:00 "})["items"]
    try:
        assert (model["on"], model["reason"], model["operator"]) == (False, "Back at 14:00.", "Ada")
        sentence = f"{MODEL} is switched off on this server: Back at 14:00."
        for path_of in (GENERATE, f"/api/v1/quoteTask/{MODEL}"):
            refused(customer.http.post(path_of, json=TASK), 403, sentence)
        item = {"client_item_id": "a", "idempotency_key": "a-1", "input": TASK["input"]}
        key = {"Idempotency-Key": "b-1"}
        answer = customer.http.post(f"{GENERATE}/batches", json={"items": [item]}, headers=key)
        refused(answer, 403, sentence)
        door = {"prompt": "a panda", "model": MODEL}
        answer = customer.http.post("/v1/images/generations", json=door)
        assert (answer.status_code, sentence in answer.json()["error"]["message"]) == (403, True)
        assert customer.status(before).status_code == 200
        assert customer.status(before).json()["data"]["state"] == "pending"
        (again,) = operator.done(path, {"on": False, "reason": "Later!"})["items"]
        assert again["reason"] == "Later!"
    finally:
        (model,) = operator.done(path, {"on": True})["items"]
    assert model == {"modelId": MODEL, "title": model["title"], "on": True}
    customer.submit(num_images=1)
    lines = [one for one in operator.log() if one["subject"] == MODEL][:3]
    assert [one["action"] for one in lines] == ["model.on", "model.off", "model.off"]
    assert lines[1]["before"] == {"on": False, "reason": "Back at 14:00."}
    assert lines[1]["after"] == {"on": False, "reason": "Later!"}


def test_another_process_knows_within_a_second(service: Service, customer: Customer, off: dict):
    """It remembers the switches for a second: this one stands for it, as if it had turned none."""
    switches = service.runtime.switches
    switches._off, switches._asked_at = {}, service.clock.now()
    assert customer.http.post(GENERATE, json=TASK).status_code == 200
    service.clock.advance(1)
    refused(customer.http.post(GENERATE, json=TASK), 403, "switched off")


def test_a_switch_needs_a_reason_and_a_model(operator: Operator):
    refused(operator.post(f"models/{MODEL}/switch", {"on": False}), 400, "reason must say why")
    refused(operator.post("models/none/switch", {"on": True}), 404, "no such model")
    before = operator.log()
    operator.done(f"models/{MODEL}/switch", {"on": True})
    assert operator.log() == before


def audited(operator: Operator) -> dict:
    """The last result, when nothing runs any more."""
    return wait_for(
        lambda: None if (state := operator.get("audit"))["running"] else state["last"], "the audit"
    )


def test_an_audit_runs_beside_the_service_and_names_what_is_wrong(
    service: Service, operator: Operator, customer: Customer
):
    customer.submit()
    assert operator.done("audit")["running"] is True
    clean = audited(operator)
    tamper = (
        "UPDATE balances SET held_micros = held_micros + $2, available_micros = available_micros - $2"
        " WHERE account_id = $1"
    )
    service.run(service.runtime.pool.execute(tamper, customer.account_id, 7))
    operator.done("audit")
    wrong = audited(operator)
    service.run(service.runtime.pool.execute(tamper, customer.account_id, -7))
    assert wrong["found"] > clean["found"]
    assert f"account {customer.account_id}" in [one["subject"] for one in wrong["findings"]]
    assert (wrong["operator"], operator.log()[0]["action"]) == ("Ada", "audit")


def test_one_audit_runs_at_a_time_and_a_lost_one_stands_in_nobodys_way(
    service: Service, operator: Operator
):
    pool, now = service.runtime.pool, service.clock.now()
    begin = "INSERT INTO proofs (operator, started_at) VALUES ('lost', $1)"
    service.run(pool.execute(begin, now))
    refused(operator.post("audit"), 409, "under way")
    service.clock.advance(15 * 60)
    operator.done("audit")
    assert audited(operator)["operator"] == "Ada"
