"""What only the operator can mend reaches the operator: log, table, webhook."""

import datetime
import json

import pytest
from structlog.testing import capture_logs

from heliograph.base.clock import SettableClock
from heliograph.providers.alarms.alarms import QUIET_SECONDS, Alarms
from heliograph.providers.alarms.store import read_alarms
from support.receiver import Receiver, Reply

START = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)


@pytest.fixture
def clock():
    return SettableClock(START)


async def test_an_alarm_is_logged_counted_and_told_with_what_to_do(pool, clock):
    async with Receiver() as receiver:
        alarms = Alarms(pool, clock, receiver.script("/alarm", Reply(200)))
        with capture_logs() as lines:
            await alarms("dashscope", "Arrearage", "pay the bill")
            await alarms.close()
    assert [line["log_level"] for line in lines if line["event"] == "provider.alarm"] == ["error"]
    [heard] = receiver.requests
    body = json.loads(heard.body)
    assert (body["provider"], body["code"], body["remedy"]) == (
        "dashscope",
        "Arrearage",
        "pay the bill",
    )
    assert "pay the bill" in body["text"]
    [row] = await read_alarms(pool)
    assert (row["number"], row["first_at"]) == (1, START)


async def test_the_operator_is_not_told_of_the_same_alarm_by_every_task_and_every_process(
    pool, clock
):
    async with Receiver() as receiver:
        url = receiver.script("/alarm", Reply(200), Reply(200), Reply(200))
        processes = [Alarms(pool, clock, url), Alarms(pool, clock, url)]
        for _ in range(3):
            for alarms in processes:
                await alarms("dashscope", "Arrearage", "pay the bill")
        await processes[0]("dashscope", "InvalidApiKey", "check the key")
        clock.advance(QUIET_SECONDS)
        await processes[1]("dashscope", "Arrearage", "pay the bill")
        for alarms in processes:
            await alarms.close()
    told = sorted(json.loads(one.body)["code"] for one in receiver.requests)
    assert told == ["Arrearage", "Arrearage", "InvalidApiKey"]
    numbers = {row["code"]: row["number"] for row in await read_alarms(pool)}
    assert numbers == {"Arrearage": 7, "InvalidApiKey": 1}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/alarm", "nonsense"])
async def test_a_receiver_that_cannot_be_reached_stops_nothing(pool, clock, url):
    alarms = Alarms(pool, clock, url)
    with capture_logs() as lines:
        await alarms("dashscope", "Arrearage", "pay the bill")
        await alarms.close()
    assert "provider.alarm_not_told" in [line["event"] for line in lines]
