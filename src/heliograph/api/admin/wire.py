"""The JSON that operators see."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from heliograph.api.query import LATEST_MS
from heliograph.api.webhooks_wire import DeliveryData

MOST_LIVE_TASKS = 1_000_000
MOST_NOTE_CHARACTERS = 500

#: What the database can hold as a text.
Text = Annotated[str, Meta(pattern="^[^\\x00]*$")]
Note = Annotated[str, Meta(pattern="^[^\\x00]*$", max_length=MOST_NOTE_CHARACTERS)]


class AccountData(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An account, its money in dollars. `keys` counts those that can be used."""

    account_id: str
    name: str
    create_time: int
    balance: float
    held: float
    charged: float
    live_tasks: int
    max_live_tasks: int
    keys: int


class AccountList(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A page of accounts, the youngest first; `nextCursor` leads to the next page, if there is one."""

    items: list[AccountData]
    next_cursor: str | None = None


class AdminKeyData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A key as its operator sees it: never the key itself. What it does not have is absent."""

    key_id: str
    name: str
    test: bool
    routing: str
    rate_limit_per_minute: int
    create_time: int
    last_used_time: int | None = None
    expires_time: int | None = None
    revoked_time: int | None = None
    usable: bool
    monthly_cap: float | None = None
    total_cap: float | None = None
    models: list[str] | None = None
    networks: list[str] | None = None


class AccountDetail(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An account with its keys: those that can be used first, 200 at most."""

    account: AccountData
    keys: list[AdminKeyData]


class CreditBody(msgspec.Struct, frozen=True):
    """Money for an account, in dollars: a `topup` that was paid in, or an `adjust` that corrects.

    A correction may be below zero, and needs a `note`.
    """

    amount: float | str
    kind: Literal["topup", "adjust"] = "topup"
    note: Note = ""


class LimitsBody(msgspec.Struct, frozen=True, rename="camel"):
    """How many tasks the account may have under way."""

    max_live_tasks: Annotated[int, Meta(ge=1, le=MOST_LIVE_TASKS)]


class Revoked(msgspec.Struct, frozen=True, rename="camel"):
    """The key is over."""

    key_id: str
    revoked: Literal[True] = True


class QueueData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A queue: jobs that could be done now with the age of the oldest, later ones, and those in hand."""

    name: str
    waiting: int
    oldest_seconds: float | None = None
    later: int
    taken: int


class OpenTasksData(msgspec.Struct, frozen=True, rename="camel"):
    """Tasks that have not ended, in one state."""

    state: str
    tasks: int
    oldest_time: int


class WorkerData(msgspec.Struct, frozen=True, rename="camel"):
    """A worker process of the last day. One that is silent for too long is not `alive`."""

    worker_id: str
    host: str
    process_id: int
    queues: list[str]
    start_time: int
    silent_seconds: float
    alive: bool


class WorkData(msgspec.Struct, frozen=True, rename="camel"):
    """What waits, and who works."""

    queues: list[QueueData]
    tasks: list[OpenTasksData]
    workers: list[WorkerData]


class AlarmData(msgspec.Struct, frozen=True, rename="camel"):
    """What only the operator can mend, and how. `number` is how often it came."""

    code: str
    remedy: str
    number: int
    first_time: int
    last_time: int


class ProviderData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A provider, or an engine of one. `calls` by outcome; money in dollars, of the time asked for.

    `asked` says whether it is in `HELIOGRAPH_PROVIDERS`. `margin` is what was charged less the cost.
    """

    name: str
    asked: bool
    failures: int
    circuit: Literal["closed", "open"]
    open_until: int | None = None
    error: str | None = None
    failed_time: int | None = None
    worked_time: int | None = None
    calls: dict[str, int]
    cost_per_image: float | None = None
    cost: float
    charged: float
    margin: float
    alarms: list[AlarmData]


class ProviderList(msgspec.Struct, frozen=True):
    """The providers: those that are asked first, by name."""

    items: list[ProviderData]


class AdminDelivery(msgspec.Struct, frozen=True, rename="camel"):
    """A delivery, and whose it is."""

    account_id: str
    delivery: DeliveryData


class AdminDeliveryList(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Deliveries that were given up, the youngest first."""

    items: list[AdminDelivery]
    next_cursor: str | None = None


class AdminResendBody(msgspec.Struct, frozen=True, rename="camel"):
    """Which to send again: all that were given up since then, or of them one account's, or one URL's."""

    since: Annotated[int, Meta(ge=0, le=LATEST_MS, description="Unix milliseconds.")]
    account_id: Text | None = None
    url: Text | None = None


class SwitchData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A model, and whether it takes new tasks; if not, since when, by whom, and why."""

    model_id: str
    title: str
    on: bool
    reason: str | None = None
    operator: str | None = None
    switched_time: int | None = None


class SwitchList(msgspec.Struct, frozen=True):
    """All models of the server."""

    items: list[SwitchData]


class SwitchBody(msgspec.Struct, frozen=True):
    """On or off; off with a `reason`, a sentence for those who call the model."""

    on: bool
    reason: Note = ""


class FindingData(msgspec.Struct, frozen=True):
    """One thing that is wrong in the books."""

    subject: str
    problem: str


class ProofData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A run of the audit. `found` counts what is wrong; of many, `findings` has the first hundred.

    Without `endTime` it is under way; with an `error` it came to no result.
    """

    operator: str
    start_time: int
    end_time: int | None = None
    found: int | None = None
    findings: list[FindingData] | None = None
    error: str | None = None


class AuditState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether an audit is under way, and the last one that has ended, if there was one."""

    running: bool
    last: ProofData | None = None


class ActionData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """What an operator has done: to what, and what was different before and after."""

    id: int
    time: int
    operator: str
    action: str
    subject: str
    account_id: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    note: str | None = None


class ActionList(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What operators have done, the youngest first."""

    items: list[ActionData]
    next_cursor: str | None = None
