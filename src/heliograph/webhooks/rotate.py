"""A new secret for an account's notices, while the old one still counts for a time."""

import datetime
import secrets

from heliograph.base.database import Connection
from heliograph.base.errors import NotFound
from heliograph.webhooks.sign import secret_of
from heliograph.webhooks.store import replace_secret

SECRET_BYTES = 24
MOST_OVERLAP_HOURS = 168


async def rotate_secret(
    connection: Connection, account_id: str, *, overlap_hours: int, now: datetime.datetime
) -> tuple[str, datetime.datetime]:
    """Give the account a new secret (`whsec_` and base64), and until when the present one counts.

    Until then every notice has both signatures. An older one, of an overlap that still lasts, is
    over at once. Raises NotFound when there is no such account.
    """
    assert 0 <= overlap_hours <= MOST_OVERLAP_HOURS
    secret = secret_of(secrets.token_bytes(SECRET_BYTES))
    previous_until = now + datetime.timedelta(hours=overlap_hours)
    if not await replace_secret(connection, account_id, secret, previous_until=previous_until):
        raise NotFound(f"There is no account {account_id}.")
    return secret, previous_until
