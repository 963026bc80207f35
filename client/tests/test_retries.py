"""What the clients do when an answer is a refusal that may pass, or does not come."""

from typing import Any

import pytest

import heliograph_client
from hosted_api import Drop, Hang, HostedApi, Page, Refuse, Time

KEY_HEADER = "idempotency-key"


def test_a_rate_limit_is_waited_out_as_long_as_it_asks(
    client: Any, hosted: HostedApi, passing: Time
):
    hosted.faults = [Refuse(429, "Slow down", headers={"Retry-After": "7"})]
    client.submit("a fox")
    (slept,) = passing.slept
    assert 7 <= slept <= 7.7
    assert len(hosted.tasks) == 1


def test_a_server_that_asks_for_an_hour_gets_a_minute(
    client: Any, hosted: HostedApi, passing: Time
):
    hosted.faults = [Refuse(503, "Away", headers={"Retry-After": "3600"})]
    client.balance()
    assert 60 <= passing.slept[0] <= 66


def test_an_error_of_the_server_is_followed_by_growing_pauses(
    client: Any, hosted: HostedApi, passing: Time
):
    hosted.faults = [Refuse(500), Refuse(502)]
    client.submit("a fox")
    first, second = passing.slept
    assert 0.25 <= first <= 0.5 <= second <= 1.0
    assert len(hosted.tasks) == 1


def test_all_attempts_of_one_call_carry_the_same_key_and_body_and_no_two_calls_do(
    client: Any, hosted: HostedApi
):
    hosted.faults = [Refuse(500), Refuse(409, "The first is still being written")]
    client.submit("a fox")
    client.submit("a fox")
    client.submit("a fox", idempotency_key="mine")
    first, second, third, other, own = ((one.headers[KEY_HEADER], one.body) for one in hosted.seen)
    assert first == second == third
    assert other[0] not in {first[0], "mine"}
    assert own[0] == "mine"


def test_after_the_last_retry_the_error_comes_out(
    make_client: Any, hosted: HostedApi, passing: Time
):
    hosted.faults = [Refuse(500), Refuse(500), Refuse(503, "Away")]
    with pytest.raises(heliograph_client.ServerError, match="Away"):
        make_client(max_retries=2).balance()
    assert len(passing.slept) == 2
    hosted.faults = [Refuse(500, "At once")]
    with pytest.raises(heliograph_client.ServerError, match="At once"):
        make_client(max_retries=0).balance()


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_a_refusal_that_will_not_pass_is_not_repeated(client: Any, hosted: HostedApi, status: int):
    hosted.faults = [Refuse(status)]
    with pytest.raises(heliograph_client.ApiError):
        client.submit("a fox")
    assert len(hosted.seen) == 1


@pytest.mark.parametrize("fault", [Drop(), Drop(accept=False), Page(502), Page(504)])
def test_a_submit_whose_fate_is_unknown_is_never_repeated_where_keys_do_not_count(
    client: Any, hosted: HostedApi, fault: Any
):
    hosted.faults = [fault]
    with pytest.raises(heliograph_client.NoAnswer, match="accepted is not known") as raised:
        client.submit("a fox")
    assert raised.value.sent
    assert hosted.paths() == ["POST /api/v1/generateTask/wan-2-5-image", "GET /openapi.json"]
    assert hosted.balance >= 10 - 4 * 0.03
    key = hosted.seen[0].headers[KEY_HEADER]
    assert f"idempotency_key={key!r}" in str(raised.value)


def test_a_submit_is_not_repeated_when_nobody_can_say_whether_keys_count(
    client: Any, hosted: HostedApi
):
    hosted.faults = [Drop()] * 4
    with pytest.raises(heliograph_client.NoAnswer, match="accepted is not known"):
        client.submit("a fox")
    assert [one.split()[0] for one in hosted.paths()] == ["POST", "GET", "GET", "GET"]
    assert len(hosted.tasks) == 1


@pytest.mark.parametrize("fault", [Drop(), Page(502), Page(503)])
def test_a_read_is_repeated_after_silence(client: Any, hosted: HostedApi, fault: Any):
    hosted.faults = [fault]
    assert client.balance() == 10.0
    assert len(hosted.seen) == 2


def test_a_slow_answer_to_a_submit_is_silence_too(make_client: Any, hosted: HostedApi):
    hosted.faults = [Hang()]
    with pytest.raises(heliograph_client.NoAnswer, match="accepted is not known"):
        make_client(timeout_seconds=0.2).submit("a fox")
    assert len(hosted.tasks) == 1


def test_polling_goes_on_after_a_slow_and_a_lost_answer(make_client: Any, hosted: HostedApi):
    client = make_client(timeout_seconds=0.5)
    task_id = client.submit("a fox")
    hosted.faults = [Hang(), Drop()]
    assert len(client.wait(task_id).images) == 2


def test_a_server_that_is_not_there_was_never_asked(make_client: Any, passing: Time):
    client = make_client(base_url="http://127.0.0.1:9")
    with pytest.raises(
        heliograph_client.NoAnswer, match=r"127\.0\.0\.1:9 does not answer"
    ) as raised:
        client.submit("a fox")
    assert not raised.value.sent
    assert len(passing.slept) == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Page(200), "is not this API"),
        (Page(301, {"Location": "https://example.com/"}), "leads to https://example.com/"),
    ],
)
def test_something_else_than_this_api_is_told_at_once(
    client: Any, hosted: HostedApi, passing: Time, fault: Page, words: str
):
    hosted.faults = [fault]
    with pytest.raises(heliograph_client.NoAnswer, match=words):
        client.balance()
    assert passing.slept == []


def test_a_page_of_a_proxy_may_ask_for_a_pause(client: Any, hosted: HostedApi, passing: Time):
    hosted.faults = [Page(503, {"Retry-After": "4"})]
    client.balance()
    assert 4 <= passing.slept[0] <= 4.4


def test_a_download_is_repeated(client: Any, hosted: HostedApi):
    image = client.generate("a fox").images[0]
    hosted.faults = [Drop(), Page(500)]
    assert image.read().startswith(b"\x89PNG")
