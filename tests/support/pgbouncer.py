"""A real PgBouncer in transaction mode before the PostgreSQL of the tests.

Debian's package pgbouncer; `make test-pgbouncer` installs it.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.service import free_port, wait_for

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

#: Few on purpose: fewer than one process of the service would open by itself.
SERVER_CONNECTIONS = 6

CONFIGURATION = """
[databases]
* = host={sockets} port=5432 user={user}
[pgbouncer]
pool_mode = transaction
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = {user}
default_pool_size = {connections}
max_client_conn = 400
logfile = {folder}/pgbouncer.log
"""


@dataclass(frozen=True)
class PgBouncer:
    """A running one. `url` leads through it to the database that `direct_url` names."""

    url: str
    direct_url: str
    log: Path

    @property
    def settings(self) -> dict[str, str]:
        """What an installation behind it needs to know."""
        return {
            "HELIOGRAPH_DATABASE_URL": self.url,
            "HELIOGRAPH_DATABASE_DIRECT_URL": self.direct_url,
        }


@contextlib.contextmanager
def running_pgbouncer(direct_url: str, folder: Path) -> Iterator[PgBouncer]:
    """One for the length of the block. It runs as who owns the socket of PostgreSQL, root or not."""
    assert PROGRAM is not None
    parts = urllib.parse.urlsplit(direct_url)
    sockets = Path(urllib.parse.parse_qs(parts.query)["host"][0])
    owner = sockets.stat().st_uid
    own_folder = folder / "pgbouncer"
    own_folder.mkdir()
    port = free_port()
    text = CONFIGURATION.format(
        sockets=sockets,
        user=parts.username,
        port=port,
        folder=own_folder,
        connections=SERVER_CONNECTIONS,
    )
    (own_folder / "pgbouncer.ini").write_text(text)
    os.chown(own_folder, owner, -1)
    folder.chmod(0o711)
    as_owner = ["-u", pwd.getpwuid(owner).pw_name] if owner != os.geteuid() else []
    process = subprocess.Popen(
        [PROGRAM, "-q", *as_owner, own_folder / "pgbouncer.ini"], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: _answers(port), "PgBouncer")
        url = f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}"
        yield PgBouncer(url, direct_url, own_folder / "pgbouncer.log")
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
