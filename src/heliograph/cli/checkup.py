"""What `heliograph doctor` looks at: each check says what it found and, if need be, the remedy."""

import asyncio
import datetime
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from heliograph.base.clock import Clock
from heliograph.base.database import connect, read_server, without_password
from heliograph.base.errors import Busy, OperatorError
from heliograph.base.migrate import latest_revision, read_revision
from heliograph.base.settings import Settings, load_settings
from heliograph.cli.check import Check
from heliograph.cli.check_trouble import check_trouble
from heliograph.cli.check_work import check_work
from heliograph.cli.service import log_only_trouble
from heliograph.providers.alarms.store import read_alarms
from heliograph.providers.health.store import read_health
from heliograph.providers.provider import Finding
from heliograph.runtime import Runtime, open_runtime, prepare_database

LEAST_FREE_BYTES = 2_000_000_000
MOST_SKEW_SECONDS = 2.0
PROBE_SECONDS = 30.0

#: Alarms that are older than this are history.
ALARM_HOURS = 24


async def check_all() -> list[Check]:
    """Every check, in an order in which a failure explains the next; the first broken base ends it."""
    checks = [Check("python", sys.version_info >= (3, 11), sys.version.split()[0])]
    try:
        settings = load_settings(os.environ)
        log_only_trouble(settings)
        checks.append(Check("settings", True, f"data in {settings.data_dir}"))
        checks.append(_check_disk(settings.data_dir))
        for look in (_check_database, _check_rooms):
            async for check in look(settings):
                checks.append(check)  # noqa: PERF401 - what was found before a failure is kept
    except (OperatorError, Busy) as error:
        checks.append(Check("installation", False, str(error)))
    return checks


def _check_disk(data_dir: Path) -> Check:
    existing = next(
        folder for folder in (data_dir, *data_dir.parents) if os.access(folder, os.F_OK)
    )
    free = shutil.disk_usage(existing).free
    enough = free >= LEAST_FREE_BYTES
    remedy = None if enough else "Free some space: pictures and the database live there."
    return Check("disk", enough, f"{free / 1e9:.1f} GB free for {data_dir}", remedy)


async def _check_database(settings: Settings) -> AsyncIterator[Check]:
    with prepare_database(settings) as url:
        connection = await connect(settings.database_direct_url or url)
        try:
            version, theirs = await read_server(connection)
            kind = "embedded" if settings.database_url is None else without_password(url)
            yield Check("database", True, f"PostgreSQL {version}, {kind}")
            skew = abs((theirs - Clock().now()).total_seconds())
            remedy = None if skew < MOST_SKEW_SECONDS else "Set both clocks by NTP."
            yield Check(
                "clock", skew < MOST_SKEW_SECONDS, f"{skew:.3f} s off the database's", remedy
            )
            revision, latest = await read_revision(connection), latest_revision()
            remedy = None if revision == latest else "Run: heliograph migrate"
            yield Check("schema", revision == latest, f"revision {revision}", remedy)
        finally:
            await connection.close()


async def _check_provider(runtime: Runtime, name: str) -> AsyncIterator[Check]:
    """Try it for real, and tell what it has been in trouble with."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            findings = await runtime.providers[name].probe()
    except TimeoutError:
        findings = [Finding(False, "does not answer", "Check its address and the network.")]
    for finding in findings:
        yield Check(f"provider {name}", finding.ok, finding.found, finding.remedy)
    health = (await read_health(runtime.pool, [name])).get(name)
    if health is not None and health.is_open(Clock().now()):
        found = f"left alone until {health.open_until:%H:%M:%S} UTC after: {health.error}"
        yield Check(f"provider {name}", False, found, "It is asked again by itself.")
    since = Clock().now() - datetime.timedelta(hours=ALARM_HOURS)
    for alarm in await read_alarms(runtime.pool):
        if alarm["provider"] == name and alarm["last_at"] > since:
            found = f"alarm {alarm['code']}, last at {alarm['last_at']:%Y-%m-%d %H:%M:%S} UTC"
            yield Check(f"provider {name}", False, found, alarm["remedy"])


async def _check_rooms(settings: Settings) -> AsyncIterator[Check]:
    async with open_runtime(settings) as runtime:
        probe = f"probe/{os.getpid()}-{Clock().now().timestamp()}"
        await runtime.storage.write(probe, b"heliograph doctor")
        await runtime.storage.delete(probe)
        yield Check("storage", True, "a file was written and deleted")
        for look in (check_work, check_trouble):
            async for check in look(runtime):
                yield check
        for name in settings.providers:
            async for check in _check_provider(runtime, name):
                yield check
