"""Notices of what is no task's end: a balance that is low, a batch that is complete."""

import datetime
import uuid

import msgspec

from heliograph.base.database import Connection
from heliograph.webhooks.notice import TEST, Notice
from heliograph.webhooks.store import add_notice


def event_notice(
    account_id: str, url: str, event: str, data: object, now: datetime.datetime
) -> Notice:
    """The notice of `event` (`balance.low`), in the form that Standard Webhooks recommends.

    `data` is anything that msgspec encodes: names in camelCase, times in Unix milliseconds.
    """
    timestamp = now.isoformat().replace("+00:00", "Z")
    body = msgspec.json.encode({"type": event, "timestamp": timestamp, "data": data})
    return Notice(uuid.uuid4(), None, account_id, url, body, now, event)


async def add_event(  # noqa: PLR0913, PLR0917 - an event has as many parts
    connection: Connection,
    account_id: str,
    url: str,
    event: str,
    data: object,
    now: datetime.datetime,
) -> uuid.UUID:
    """Tell `url` of `event`, signed and retried as any notice; gives the notice's id.

    Notice and job are written with the caller's transaction.
    """
    notice = event_notice(account_id, url, event, data, now)
    await add_notice(connection, notice)
    return notice.notice_id


def trial_notice(account_id: str, url: str, now: datetime.datetime) -> Notice:
    """A notice that only shows that `url` takes notices of the account and can verify them."""
    data = {"message": "This is a test. Nothing has happened."}
    return event_notice(account_id, url, TEST, data, now)
