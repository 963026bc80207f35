"""Who uses the service: an account, and the keys that act for it."""

import dataclasses
import datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """One customer. `webhook_secret` (`whsec_` and base64) signs its notices; never logged."""

    account_id: str
    name: str
    webhook_secret: str = dataclasses.field(repr=False)
    max_live_tasks: int
    created_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """What a request may do because of the key it carries. The secret itself is no part of this.

    A `test` key runs everything and pays nothing; `routing` is `auto`, `value` or `official`.
    """

    key_id: str
    account_id: str
    name: str
    test: bool
    routing: str
    rate_limit_per_minute: int
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None

    def usable_at(self, now: datetime.datetime) -> bool:
        """Whether the key is neither revoked nor expired; at `expires_at` itself it is over."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
