"""An account's notices, written and read as the rest of the service does."""

import base64
import datetime
import uuid
from dataclasses import dataclass

import asyncpg

from heliograph.base.clock import Clock
from heliograph.base.database import borrow, transaction
from heliograph.webhooks import store
from heliograph.webhooks.deliveries.resend import resend
from heliograph.webhooks.deliveries.store import Delivery, read_delivery
from heliograph.webhooks.notice import Notice

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY = b'{"code":200,"message":"success","data":{"state":"success"}}'


@dataclass(frozen=True)
class QueuedJob:
    """A job as it lies in the queue; `after_seconds` is how long it was put off."""

    entrypoint: str
    subject: str
    after_seconds: float


class Desk:
    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self.pool = pool
        self._clock = clock

    async def open_account(self, account_id: str = "acc_1", secret: str = SECRET) -> None:
        await self.pool.execute(
            "INSERT INTO accounts (account_id, name, webhook_secret, created_at, max_live_tasks)"
            " VALUES ($1, $1, $2, $3, 100)",
            account_id,
            secret,
            self._clock.now(),
        )

    def new(self, url: str, body: bytes = BODY, account_id: str = "acc_1") -> Notice:
        return Notice(uuid.uuid4(), uuid.uuid4(), account_id, url, body, self._clock.now())

    async def add(self, url: str, body: bytes = BODY, account_id: str = "acc_1") -> uuid.UUID:
        notice = self.new(url, body, account_id)
        async with transaction(self.pool) as conn:
            await store.add_notice(conn, notice)
        return notice.notice_id

    async def read(self, notice_id: uuid.UUID) -> Delivery:
        async with borrow(self.pool) as conn:
            delivery = await read_delivery(conn, notice_id)
        assert delivery is not None
        return delivery

    async def resend(self, notice_id: uuid.UUID, account_id: str | None = None) -> Delivery:
        async with transaction(self.pool) as conn:
            return await resend(conn, notice_id, now=self._clock.now(), account_id=account_id)

    async def overdue(self, limit: int = 100) -> list[uuid.UUID]:
        before = self._clock.now() + datetime.timedelta(microseconds=1)
        async with borrow(self.pool) as conn:
            return await store.overdue(conn, before=before, limit=limit)

    async def jobs(self) -> list[QueuedJob]:
        rows = await self.pool.fetch(
            "SELECT entrypoint, payload, execute_after - created AS delay FROM pgqueuer ORDER BY id"
        )
        return [
            QueuedJob(row["entrypoint"], row["payload"].decode(), row["delay"].total_seconds())
            for row in rows
        ]

    async def clear_jobs(self) -> None:
        await self.pool.execute("DELETE FROM pgqueuer")
