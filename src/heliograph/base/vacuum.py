"""Dead rows of the tables whose rows live for seconds: removed before they are in the way.

PostgreSQL looks what to vacuum once a minute. At 250 tasks a second the queue has 30,000 dead rows by
then, and a look for jobs takes ten times as long as after a vacuum, which takes some milliseconds.
"""

from heliograph.base.database import Pool, borrow

#: Every task has a row in each of them for a moment.
SHORT_LIVED = ("pgqueuer", "engine_calls")

#: Fewer are left to PostgreSQL.
MOST_DEAD = 500

#: So is a table that has grown beyond 64 MB: something keeps its dead rows from being removed, such as a
#: transaction that has been open for long, and to look through them every few seconds would cost more.
MOST_PAGES = 8192


async def remove_dead_rows(pool: Pool) -> list[str]:
    """Vacuum those of the tables that have many dead rows and are ours; gives their names.

    Nobody waits for it: the tables can be read and written meanwhile, and it waits for no lock. Raises
    Busy when the database is away.
    """
    async with borrow(pool) as connection:
        rows = await connection.fetch(
            """
            SELECT pg_class.relname FROM pg_stat_user_tables JOIN pg_class ON pg_class.oid = relid
            WHERE schemaname = current_schema AND pg_stat_user_tables.relname = ANY($1)
                AND n_dead_tup > $2 AND relpages <= $3
                AND pg_has_role(relowner, 'USAGE')
            """,
            SHORT_LIVED,
            MOST_DEAD,
            MOST_PAGES,
        )
        tables = [row["relname"] for row in rows]
        for table in tables:
            # to give pages back would take a lock that all others wait for
            await connection.execute(f"VACUUM (SKIP_LOCKED, TRUNCATE false) {table}")
    return tables
