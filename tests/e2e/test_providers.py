"""An operator's view of providers: doctor, alarms, metrics, and what a task has cost."""

import json
import re

import httpx2
import pytest

from e2e.conftest import Install
from e2e.crowd import GENERATE, STATUS, text_to_image
from e2e.upstream import Upstream, upstream
from support.service import Customer, Installation, wait_for


@pytest.fixture(scope="module")
def account():
    with upstream(seconds=0.2) as account:
        yield account


def doctor(installation: Installation) -> dict[str, list]:
    """The findings on providers, by name, and the exit code."""
    done = installation.run("doctor", "--json")
    found: dict[str, list] = {}
    for one in json.loads(done.stdout):
        name = one["what"].removeprefix("provider ")
        if name != one["what"]:
            found.setdefault(name, []).append(one)
    assert done.returncode == int(not all(one["ok"] for part in found.values() for one in part))
    return found


def test_doctor_tells_which_provider_works_and_what_to_do_about_the_others(
    install: Install, account: Upstream
):
    settings = account.settings | {"HELIOGRAPH_PROVIDERS": "dashscope,openai-images,sdcpp,studio"}
    installation = install(
        **settings,
        HELIOGRAPH_OPENAI_IMAGES_BASE_URL="http://127.0.0.1:9/v1",
        HELIOGRAPH_SDCPP_BASE_URL="http://127.0.0.1:9",
    )
    found = doctor(installation)
    assert all(one["ok"] for name in ("dashscope", "studio") for one in found[name])
    for name in ("openai-images", "sdcpp"):
        assert not found[name][0]["ok"]
        assert found[name][0]["remedy"]


def submit(installation: Installation, customer: Customer, prompt: str) -> dict:
    """One task, at its end."""
    with httpx2.Client(base_url=installation.url, headers=customer.headers, timeout=90) as http:
        answer = http.post(GENERATE, json={"input": text_to_image(prompt, images=2)})
        task_id = answer.json()["data"]["taskId"]
        shown = http.get(STATUS, params={"taskId": task_id, "wait": 60}).json()["data"]
        return http.get(f"/api/v1/tasks/{shown['taskId']}").json()["data"]


def test_a_key_that_is_no_longer_taken_alarms_the_operator_and_the_next_provider_serves(
    install: Install, account: Upstream, tmp_path
):
    prices = tmp_path / "prices.toml"
    prices.write_text("[costs]\ndashscope = 0.01\nstudio = 0.02\n")
    settings = account.settings | {
        "HELIOGRAPH_PROVIDERS": "dashscope,studio",
        "HELIOGRAPH_DASHSCOPE_API_KEY": "sk-revoked",
        "HELIOGRAPH_PRICES_FILE": str(prices),
    }
    installation = install(**settings)
    customer = installation.customer("10")
    installation.serve().ready()
    shown = submit(installation, customer, "a castle")
    assert shown["state"] == "success"
    told = [(one["event"], one.get("provider")) for one in shown["timeline"]]
    assert ("refused", "dashscope") in told
    assert told.index(("refused", "dashscope")) < told.index(("dispatched", "studio"))
    task = installation.ask("task", "show", shown["taskId"])
    assert (task["cost"], task["margin"]) == (0.04, 0.02)
    [finding] = [one for one in doctor(installation)["dashscope"] if "alarm" in one["found"]]
    assert "InvalidApiKey" in finding["found"]
    assert "region" in finding["remedy"]

    def metrics():
        text = httpx2.get(f"{installation.url}/metrics").text
        return 'heliograph_provider_alarms_total{code="InvalidApiKey",provider="dashscope"}' in text

    wait_for(metrics, "the alarm in the metrics", seconds=20)
    text = httpx2.get(f"{installation.url}/metrics").text
    assert 'heliograph_provider_circuit_open{provider="dashscope"} 1.0' in text
    assert re.search(r'heliograph_provider_cost_micros_total{provider="studio"} 40000\.0', text)
    assert re.search(r'heliograph_provider_charged_micros_total{provider="studio"} 60000\.0', text)
