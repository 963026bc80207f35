"""The limit for the database part: the statements of one submit through pgbench, one per transaction."""

import datetime
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import asyncpg

from heliograph.base.embedded.cluster import programs
from heliograph.runtime import Runtime
from heliograph.tasks.submit import NewTask, submit_tasks

CLIENTS = 32

#: So that the ids of one run are above those of the last, and all within 48 bits.
EPOCH_SECONDS = 1_750_000_000
IDS_PER_SECOND = 1_000_000

TASK_ID = "('00000000-0000-7000-8000-' || lpad(to_hex(:id::bigint), 12, '0'))::uuid"
ACCOUNT = "'acc_bench' || lpad(:client_id::integer::text, 3, '0')"


async def record_submit(runtime: Runtime, task: NewTask) -> str:
    """Make one submit and give its statements as a pgbench script, for a new task each time.

    The ids grow with time, as ours do: random ones would touch every page of the indexes, and whatever
    is measured next would pay for writing these whole after a checkpoint.
    """
    said: list[asyncpg.connection.LoggedQuery] = []
    connections = [await runtime.pool.acquire() for _ in range(runtime.pool.get_max_size())]
    for connection in connections:
        connection.add_query_logger(said.append)
        await runtime.pool.release(connection)
    (accepted,) = await submit_tasks(runtime, [task])
    statements = [_statement(one, accepted.task_id, task.key.account_id) for one in said]
    next_id = ["\\set number :number + 1", f"\\set id :first + :number * {CLIENTS} + :client_id"]
    return "\n".join([*next_id, *statements, ""])


def measure(url: str, script: Path, *, seconds: int) -> float:
    """Transactions per second of pgbench with as many clients as the load on the API has."""
    command = [
        programs() / "pgbench",
        "-n",
        "-M",
        "prepared",
        f"-c{CLIENTS}",
        "-j1",
        f"-T{seconds}",
        "-Dnumber=0",
        f"-Dfirst={int((time.time() - EPOCH_SECONDS) * IDS_PER_SECOND)}",
    ]
    done = subprocess.run(
        [*map(str, command), "-f", str(script), url], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"pgbench failed: {done.stderr[-2000:]}")
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])


def _statement(logged: asyncpg.connection.LoggedQuery, task_id: str, account_id: str) -> str:
    text = re.sub(r"--[^\n]*", "", logged.query)
    # from the last to the first, so that $1 does not match within $15
    for number in range(len(logged.args), 0, -1):
        value = _literal(logged.args[number - 1], task_id, account_id)
        text = text.replace(f"${number}", value)
    return " ".join(text.split()).rstrip(";") + ";"


def _literal(value: object, task_id: str, account_id: str) -> str:
    match value:
        case list() | tuple():
            return f"ARRAY[{', '.join(_literal(one, task_id, account_id) for one in value)}]"
        case None:
            return "NULL"
        case datetime.datetime():
            return "now()"
        case datetime.timedelta():
            return "interval '0'"
        case bool() | str() | bytes() | uuid.UUID():
            return _text(value, task_id, account_id)
    return str(value)


def _text(value: object, task_id: str, account_id: str) -> str:
    text = value.decode() if isinstance(value, bytes) else str(value)
    if text == account_id:
        return ACCOUNT
    if text.replace("-", "") == task_id:
        return f"convert_to(({TASK_ID})::text, 'UTF8')" if isinstance(value, bytes) else TASK_ID
    if text.startswith("[{"):
        return _rows(text, str(uuid.UUID(task_id)), account_id)
    return _quoted(text)


def _rows(text: str, task_id: str, account_id: str) -> str:
    """Rows that are handed over as JSON: the ids in them differ from transaction to transaction."""
    rows = _quoted(re.sub(r'"\d{4}-\d\d-\d\dT[^"]*"', '"now"', text))
    return f"replace(replace({rows}, '{task_id}', ({TASK_ID})::text), '{account_id}', {ACCOUNT})"


def _quoted(text: str) -> str:
    # pgbench takes a colon with a letter or digit behind it for a variable, even within quotes
    return "'" + text.replace("'", "''").replace(":", ": ") + "'"
