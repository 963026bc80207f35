"""What the other hosts of a deployment run: `python -m e2e.host_roles ROLE FOLDER ADDRESS`.

ROLE is `database`, `store` or `upstream`. The first line on stdout is JSON with what the service needs to find
it; it ends with its standard input.
"""

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from heliograph.base.embedded.cluster import SUPERUSER
from heliograph.base.postgres import start_embedded
from support import ceph
from support.dashscope_emulator import Emulator, server_of
from support.database import FAST

PORT = 7_000
NETWORK_BITS = 24


@contextlib.contextmanager
def database(folder: Path, address: str) -> Iterator[dict[str, str]]:
    """A PostgreSQL that listens on the network and believes everybody there."""
    network = f"{address}/{NETWORK_BITS}"
    rules = folder / "hba"
    rules.write_text(f"local all all trust\nhost all all {network} trust\n")
    rules.chmod(0o644)
    settings = FAST | {"listen_addresses": address, "hba_file": str(rules)}
    with start_embedded(folder, settings=settings):
        yield {"url": f"postgresql://{SUPERUSER}@{address}/postgres"}


@contextlib.contextmanager
def store(folder: Path, address: str) -> Iterator[dict[str, str]]:
    """Ceph's object gateway, with a bucket."""
    with ceph.running_ceph(folder, address) as cluster:
        bucket = cluster.make_bucket()
        yield cluster.environment | {"bucket": bucket}


@contextlib.contextmanager
def upstream(_: Path, address: str) -> Iterator[dict[str, str]]:
    """The emulator of DashScope."""
    server = server_of(Emulator(seconds=2.0))
    server.config.host, server.config.port = address, PORT
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield {"base_url": f"http://{address}:{PORT}/api/v1"}
    finally:
        server.should_exit = True
        thread.join()


ROLES = {"database": database, "store": store, "upstream": upstream}

if __name__ == "__main__":
    role, place, own_address = sys.argv[1:]
    with ROLES[role](Path(place), own_address) as told:
        print(json.dumps(told), flush=True)
        sys.stdin.read()
