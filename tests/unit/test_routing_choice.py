"""Who is asked next, for every mixture of refusals and circuits."""

import datetime

from heliograph.providers.health.health import Health, pause_seconds
from heliograph.tasks.routing.choice import Refusal, Rest, choose

NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)
ROUTE = ["cheap", "dear", "dearest"]


def later(seconds):
    return NOW + datetime.timedelta(seconds=seconds)


def refusal(provider, retry_in=None, code="InternalError"):
    return Refusal(
        provider, code, f"{provider} says no", None if retry_in is None else later(retry_in)
    )


def broken(name, seconds):
    return {name: Health(name, failures=3, open_until=later(seconds))}


def test_the_first_of_the_route_is_asked_first():
    assert choose(ROUTE, [], {}, NOW) == "cheap"


def test_who_has_refused_is_passed_over_until_its_time_comes():
    assert choose(ROUTE, [refusal("cheap", 5)], {}, NOW) == "dear"
    assert choose(ROUTE, [refusal("cheap", 5)], {}, later(5)) == "cheap"
    assert choose(ROUTE, [refusal("cheap")], {}, later(10_000)) == "dear"


def test_a_later_refusal_counts_and_not_the_one_before():
    assert choose(["cheap"], [refusal("cheap", -1), refusal("cheap", 5)], {}, NOW) == Rest(later(5))


def test_an_open_circuit_is_passed_over_while_another_may_take_the_task():
    assert choose(ROUTE, [], broken("cheap", 10), NOW) == "dear"
    assert choose(ROUTE, [], broken("cheap", 10), later(10)) == "cheap"


def test_when_all_circuits_are_open_the_one_that_closes_first_is_asked():
    health = broken("cheap", 30) | broken("dear", 10) | broken("dearest", 20)
    assert choose(ROUTE, [], health, NOW) == "dear"


def test_when_all_have_refused_the_task_rests_until_the_first_may_be_asked_again():
    refusals = [refusal("cheap"), refusal("dear", 8), refusal("dearest", 4)]
    assert choose(ROUTE, refusals, {}, NOW) == Rest(later(4))


def test_when_nobody_will_ever_take_it_the_last_refusal_is_the_answer():
    refusals = [refusal("cheap"), refusal("dear"), refusal("dearest", code="RateLimitExceeded")]
    refusals[2] = Refusal("dearest", "RateLimitExceeded", "full", None)
    assert choose(ROUTE, refusals, {}, NOW) == refusals[2]


def test_the_pause_doubles_from_the_third_failure_up_to_five_minutes():
    assert [pause_seconds(failures) for failures in (1, 2, 3, 4, 5, 9, 10**6)] == [
        0, 0, 10, 20, 40, 300, 300,
    ]  # fmt: skip
