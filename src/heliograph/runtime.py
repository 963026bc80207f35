"""Everything is opened once, here, and handed on as one frozen object."""

import asyncio
import contextlib
import datetime
import functools
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heliograph.accounts.keys import KeyReader
from heliograph.accounts.limits import RateLimiter
from heliograph.base.batch import Batch, In, Out
from heliograph.base.changes import Changes
from heliograph.base.clock import Clock, SteadyClock
from heliograph.base.database import Pool, borrow, open_pool, read_server
from heliograph.base.errors import Busy, Forbidden, OperatorError
from heliograph.base.log import log
from heliograph.base.migrate import migrate
from heliograph.base.outbound import Outbound, check_url
from heliograph.base.postgres import start_embedded
from heliograph.base.settings import Settings
from heliograph.base.slots import AtOnce
from heliograph.catalog.model import Model
from heliograph.catalog.models import MODELS
from heliograph.catalog.prices import ROUTES, Prices, load_prices
from heliograph.intake.decode import Decoder
from heliograph.intake.fetch import Intake, OwnFiles
from heliograph.ledger.held_up import HeldUp
from heliograph.moderation.moderation import Moderation, open_moderation
from heliograph.operators.proofs.prover import Prover
from heliograph.operators.switches.switches import Switches
from heliograph.providers.alarms.alarms import Alarms
from heliograph.providers.health.notes import HealthNotes
from heliograph.providers.opening import MAKERS, Around, open_providers
from heliograph.providers.provider import Provider
from heliograph.storage.opening import open_storage
from heliograph.storage.storage import Storage
from heliograph.webhooks.deliver import Deliverer
from heliograph.webhooks.inboxes.inbox import inbox_id_of
from heliograph.webhooks.notice import Rules

POOL_SIZE = 16

#: Past a pooler: one connection for those who wait, one for each of a worker's two sets of queues.
LISTENING_SIZE = 4
#: What one statement writes for tasks that come to the same step in the same moment.
MOST_TOGETHER = 100
DATABASE_LOOK_SECONDS = 2.0
CLOCK_LOOK_SECONDS = 30.0


@dataclass(frozen=True)
class Runtime:
    """What every room of the service needs, opened."""

    settings: Settings
    clock: Clock
    pool: Pool
    listening: Pool
    """Connections that keep their state between statements, to listen; often the same pool."""
    keys: KeyReader
    limiter: RateLimiter
    models: Mapping[str, Model]
    prices: Prices
    providers: Mapping[str, Provider]
    storage: Storage
    outbound: Outbound
    intake: Intake
    deliverer: Deliverer
    changes: Changes
    moderation: Moderation
    switches: Switches
    prover: Prover
    held_up: HeldUp
    at_once: AtOnce = field(default_factory=AtOnce)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    _routes: dict[tuple[bool, str, str], list[Provider]] = field(default_factory=dict, init=False)
    _batches: dict[object, Batch[Any, Any]] = field(default_factory=dict, init=False)

    @functools.cached_property
    def costs_micros(self) -> Mapping[str, int]:
        """What one picture costs the operator at each provider, in micro-dollars."""
        own = {name: provider.cost_micros for name, provider in self.providers.items()}
        return own | {name: cost for name, cost in self.prices.costs_micros.items() if name in own}

    @functools.cached_property
    def health(self) -> HealthNotes:
        """What this process sees of its providers."""
        return HealthNotes(self.pool, self.clock)

    @functools.cached_property
    def lone_providers(self) -> Mapping[tuple[bool, str, str], Provider]:
        """By test, routing and mode: the providers that nobody is asked before, beside or after."""
        modes = {mode for model in self.models.values() for mode in model.modes}
        lone = {}
        for test, routing, mode in itertools.product((False, True), ROUTES, modes):
            with contextlib.suppress(Forbidden):
                first, *others = self.route(test=test, routing=routing, mode=mode)
                if not others:
                    lone[test, routing, mode] = first
        return lone

    def route(self, *, test: bool, routing: str, mode: str) -> list[Provider]:
        """The providers that may serve a key in `mode`, in the order in which they are asked.

        Test keys rehearse. `auto` asks the cheapest first, of equal ones in the operator's order;
        `value` asks only the cheapest, `official` only DashScope. Raises Forbidden when none is here.
        """
        name = (test, routing, mode)
        if name not in self._routes:
            self._routes[name] = self._find_route(test=test, routing=routing, mode=mode)
        return self._routes[name]

    def _find_route(self, *, test: bool, routing: str, mode: str) -> list[Provider]:
        if test:
            return [self.providers["rehearsal"]]
        named = (self.providers[name] for name in self.settings.providers)
        able = [provider for provider in named if mode in provider.modes]
        if routing == "official":
            able = [provider for provider in able if provider.name == "dashscope"]
        if not able:
            raise Forbidden(
                f"The key's route '{routing}' has no provider for {mode} on this server."
                " Use a key with another routing strategy, or another mode."
            )
        costs = self.costs_micros
        able.sort(key=lambda provider: costs[provider.name])
        return able[:1] if routing == "value" else able

    def together(
        self, run: Callable[["Runtime", list[In]], Awaitable[list[Out]]]
    ) -> Batch[In, Out]:
        """The batch in which the calls of `run` in this process share their round trips."""
        if run not in self._batches:
            # no client waits for these, and what is sent away here is made or paid for once more
            self._batches[run] = Batch(functools.partial(run, self), MOST_TOGETHER, patient=True)
        return self._batches[run]

    def queue_of(
        self, provider: str | None, ref: str | None, *, test: bool, routing: str, mode: str
    ) -> str:
        """The queue in which a task's next step belongs: `check` once a provider has it."""
        if ref is not None:
            return "check"
        known = self.providers.get(provider or "")
        return (known or self.route(test=test, routing=routing, mode=mode)[0]).queue

    def check_callback(self, url: str) -> None:
        """Refuse, without looking anything up, a callback URL that can never be called (ValueError)."""
        if inbox_id_of(url, self.settings.public_url) is None:
            check_url(url, self.outbound.callbacks)

    def check_image_url(self, url: str) -> None:
        """Refuse, without fetching, an image URL that can never be fetched (ValueError)."""
        self.intake.check_url(url)


@contextlib.contextmanager
def prepare_database(settings: Settings) -> Iterator[str]:
    """The URL of the database; the embedded one runs at least as long as the block.

    Raises OperatorError when the embedded one cannot start, or a pooler is said to be before none.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    if settings.database_direct_url is not None:
        raise OperatorError(
            "HELIOGRAPH_DATABASE_DIRECT_URL is the way past a pooler: name the pooler itself in"
            " HELIOGRAPH_DATABASE_URL, or remove both to use the embedded PostgreSQL."
        )
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"The data directory {settings.data_dir} cannot be made: {error.strerror}."
            " Set HELIOGRAPH_DATA_DIR to a folder that can be written."
        ) from error
    with start_embedded(settings.data_dir) as postgres:
        for change in postgres.changes:
            log.info("database.permission_changed", change=change)
        yield postgres.url


@contextlib.asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Pool]:
    """A pool on the database, started and migrated if need be. Raises OperatorError."""
    with prepare_database(settings) as url:
        direct_url = settings.database_direct_url
        await migrate(direct_url or url)
        pooler, prepare = direct_url is not None, settings.database_prepared_statements
        pool = await open_pool(
            url, size=POOL_SIZE, pooler=pooler, prepare=not pooler if prepare is None else prepare
        )
        reviver = asyncio.create_task(_revive_embedded(settings))
        try:
            yield pool
        finally:
            reviver.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pool.close(), 5)


@contextlib.asynccontextmanager
async def open_listening(settings: Settings, pool: Pool) -> AsyncIterator[Pool]:
    """A pool past the pooler, if there is one, else `pool` itself. Raises OperatorError."""
    if settings.database_direct_url is None:
        yield pool
        return
    listening = await open_pool(settings.database_direct_url, size=LISTENING_SIZE)
    try:
        yield listening
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(listening.close(), 5)


async def _revive_embedded(settings: Settings) -> None:
    """Start the embedded server again when it was killed; it comes back at the same address."""
    while settings.database_url is None:
        await asyncio.sleep(DATABASE_LOOK_SECONDS)
        try:
            await asyncio.to_thread(_touch_embedded, settings.data_dir)
        except OperatorError as error:
            log.error("database.cannot_start", reason=str(error))


def _touch_embedded(data_dir: Path) -> None:
    start_embedded(data_dir).release()


@contextlib.asynccontextmanager
async def clock_of(pool: Pool) -> AsyncIterator[Clock]:
    """The clock of the database, followed during the block.

    Leases, deadlines and retention are written by one process and judged by another: all must go by
    one clock, whatever becomes of those of their machines. Raises Busy.
    """
    clock = SteadyClock(await _read_time(pool))
    follower = asyncio.create_task(_follow(clock, pool))
    try:
        yield clock
    finally:
        follower.cancel()


async def _follow(clock: SteadyClock, pool: Pool) -> None:
    while True:
        await asyncio.sleep(CLOCK_LOOK_SECONDS)
        with contextlib.suppress(Busy):
            moment = await _read_time(pool)
            ahead_seconds = (moment - clock.now()).total_seconds()
            if abs(ahead_seconds) > 1:
                log.warning("database.clock_jumped", seconds=round(ahead_seconds, 1))
            clock.set(moment)


async def _read_time(pool: Pool) -> datetime.datetime:
    async with borrow(pool) as connection:
        _, moment = await read_server(connection)
    return moment


@contextlib.asynccontextmanager
async def open_runtime(
    settings: Settings, clock: Clock | None = None, *, shared_counters: Path | None = None
) -> AsyncIterator[Runtime]:
    """Open everything that `settings` describe, and close it in the opposite order.

    In `shared_counters` all processes behind one port count what each key sends. Raises OperatorError.
    """
    prices = load_prices(_read_prices(settings.prices_file), MODELS, MAKERS)
    async with contextlib.AsyncExitStack() as opened:
        pool = await opened.enter_async_context(open_database(settings))
        if clock is None:
            steady = await opened.enter_async_context(clock_of(pool))
            clock = steady
        outbound = await opened.enter_async_context(
            Outbound(settings.trusted_networks, allow_http_callbacks=settings.allow_http_callbacks)
        )
        listening = await opened.enter_async_context(open_listening(settings, pool))
        changes = Changes(listening)
        opened.push_async_callback(changes.close)
        limiter = RateLimiter(shared_counters)
        opened.callback(limiter.close)
        moderation = open_moderation(settings)
        opened.push_async_callback(moderation.close)
        prover = Prover(pool, clock)
        opened.push_async_callback(prover.close)
        keys = KeyReader(pool, clock)
        opened.push_async_callback(keys.close)
        storage = open_storage(settings)
        decoder = Decoder()
        opened.push_async_callback(decoder.close)
        alarms = Alarms(pool, clock, settings.alert_webhook_url)
        opened.push_async_callback(alarms.close)
        providers = open_providers(Around(settings, pool, clock, alarms))
        for provider in providers.values():
            opened.push_async_callback(provider.close)
        yield Runtime(
            settings=settings,
            clock=clock,
            pool=pool,
            listening=listening,
            keys=keys,
            limiter=limiter,
            models=MODELS,
            prices=prices,
            providers=providers,
            storage=storage,
            outbound=outbound,
            intake=Intake(outbound, decoder, own_files=_own_files(settings, storage)),
            deliverer=Deliverer(pool, outbound, clock, rules=rules_of(settings)),
            changes=changes,
            moderation=moderation,
            switches=Switches(pool, clock),
            prover=prover,
            held_up=HeldUp(clock),
        )


def _own_files(settings: Settings, storage: Storage) -> OwnFiles:
    """How a picture at an address of ours is read; the addresses of results leave out their folder."""

    async def read(path: str) -> bytes | None:
        return await storage.read(path if path.startswith("uploads/") else f"results/{path}")

    return OwnFiles(f"{settings.public_url}/files/", read)


def rules_of(settings: Settings) -> Rules:
    """What the operator has decided on webhooks."""
    return Rules(
        retry_seconds=settings.webhook_retry_seconds,
        timeout_seconds=settings.webhook_timeout_seconds,
        accept_any_2xx=settings.webhook_accept_any_2xx,
        pause_hours=settings.webhook_pause_hours,
        keep_days=settings.delivery_retention_days,
        slots=settings.worker_concurrency,
        public_url=settings.public_url,
    )


def _read_prices(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise OperatorError(f"HELIOGRAPH_PRICES_FILE: {path} cannot be read: {error}") from None
