"""The floor for durable queues in PostgreSQL: a PgQueuer worker whose jobs do nothing."""

import asyncio
import os
from datetime import timedelta

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.models import Job


async def main() -> None:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=4, max_size=4) as pool:
        app = PgQueuer.from_asyncpg_pool(pool)

        @app.entrypoint("nothing")
        async def nothing(_job: Job) -> None:
            """Done already."""

        await app.run(dequeue_timeout=timedelta(seconds=5), batch_size=10)


if __name__ == "__main__":
    asyncio.run(main())
