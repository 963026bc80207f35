"""Who uses the service: an account, and the keys that act for it."""

import dataclasses
import datetime

from heliograph.base.errors import Forbidden


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """One customer. `webhook_secret` (`whsec_` and base64) signs its notices; never logged.

    Notices about the account itself go to `webhook_url`, if it has one.
    """

    account_id: str
    name: str
    webhook_secret: str = dataclasses.field(repr=False)
    max_live_tasks: int
    created_at: datetime.datetime
    webhook_url: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """What a request may do because of the key it carries. The secret itself is no part of this.

    A `test` key runs everything and pays nothing; `routing` is `auto`, `value` or `official`. Of the
    limits None stands for no limit: dollars a month and in all, model ids, and networks (CIDR) from
    which it may be used. Keys with one `first_key_id` replaced each other by rotation and share
    their caps and their spending; None: the key is the first. `last_used_at` may be two minutes
    old; None: it was never used.
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
    monthly_cap_micros: int | None = None
    total_cap_micros: int | None = None
    models: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    first_key_id: str | None = None
    last_used_at: datetime.datetime | None = None

    @property
    def has_cap(self) -> bool:
        """Whether its spending is counted."""
        return self.monthly_cap_micros is not None or self.total_cap_micros is not None

    def usable_at(self, now: datetime.datetime) -> bool:
        """Whether the key is neither revoked nor expired; at `expires_at` itself it is over."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def check_model(self, model: str) -> None:
        """Raise Forbidden when the key may not use `model`."""
        if self.models is not None and model not in self.models:
            raise Forbidden(
                f"The key may not use {model}, only {', '.join(self.models)}."
                " Use a key that may, or have this one changed."
            )
