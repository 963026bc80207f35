"""What `heliograph doctor` says of what stands still and of what is slow."""

from heliograph.cli.check_trouble import OVERDUE_SECONDS, check_trouble

COUNTED = """
CREATE VIEW pg_stat_statements AS
SELECT oid AS dbid, 'SELECT  slow FROM tasks' AS query, 30::bigint AS calls, 250.0::float8 AS mean_exec_time
FROM pg_database WHERE datname = current_database()
"""


async def found(spine, **patience):
    return {check.what: check async for check in check_trouble(spine.runtime, **patience)}


async def test_where_all_goes_well_nothing_stands_still(spine):
    await spine.submit(await spine.key(), num_images=1)
    checks = await found(spine)
    assert all(check.ok for check in checks.values())
    assert checks["overdue"].found == "nothing"


async def test_tasks_that_nobody_has_looked_at_in_time_are_named(spine):
    key = await spine.key()
    late, later = [await spine.submit(key, num_images=1) for _ in range(2)]
    spine.clock.advance(OVERDUE_SECONDS + 62)
    await spine.runtime.pool.execute(
        "UPDATE tasks SET due_at = due_at + interval '1 second' WHERE task_id = $1", later
    )
    check = (await found(spine))["overdue"]
    assert not check.ok
    assert check.found.startswith(f"2 tasks, the first, {late.hex}, since ")
    assert "heliograph task show" in check.remedy


async def test_a_transaction_that_was_left_open_is_named_with_its_process(spine):
    async with spine.runtime.pool.acquire() as other:
        await other.execute("BEGIN")
        process_id = await other.fetchval("SELECT pg_backend_pid()")
        assert (await found(spine))["statements"].ok
        check = (await found(spine, running_seconds=0.0))["statements"]
        await other.execute("ROLLBACK")
    assert not check.ok
    assert f"process {process_id} for 0 s in a transaction that does nothing" in check.found
    assert "pg_terminate_backend" in check.remedy


async def test_slow_statements_are_named_where_the_server_counts_them(spine):
    assert "not installed" in (await found(spine))["slow statements"].found
    await spine.runtime.pool.execute(COUNTED)
    check = (await found(spine))["slow statements"]
    assert not check.ok
    assert check.found == "250 ms x 30: SELECT slow FROM tasks"
