"""A real server that speaks S3: Ceph's object gateway, on a cluster of one machine that lives in memory.

Debian's packages radosgw, ceph-mon and ceph-osd; `make test-s3` installs them.
"""

import contextlib
import datetime
import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import S3Store

PROGRAMS = ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "monmaptool")
INSTALLED = all(map(shutil.which, PROGRAMS))
START_SECONDS = 60

ACCESS_KEY = "AKIDHELIOGRAPHTEST"
SECRET_KEY = "a-secret-that-no-log-may-show"

CONFIGURATION = """
[global]
fsid = {cluster}
mon_host = [v2:127.0.0.1:{port}/0]
public_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
paxos_propose_interval = 0.05
mon_allow_pool_size_one = true
mon_data = {folder}/mon
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_pool_default_size = 1
osd_pool_default_pg_num = 1
osd_crush_chooseleaf_type = 0
run_dir = {folder}
log_file = {folder}/$name.$pid.log
admin_socket =
"""


@dataclass
class Ceph:
    """A running cluster; `gateway` is the process that speaks S3 at `url`."""

    folder: Path
    port: int
    url: str
    daemons: list[subprocess.Popen[bytes]]
    gateway: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What the storage reads to find it and be let in."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
        }

    def make_bucket(self) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        address = obstore.sign(self.store(name), "PUT", "", datetime.timedelta(seconds=60))
        with urllib.request.urlopen(urllib.request.Request(address, method="PUT")) as answer:
            assert answer.status == 200
        return name

    def store(self, bucket: str) -> S3Store:
        """The bucket as a test sees it, past our own code."""
        return S3Store(
            bucket,
            endpoint=self.url,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
        )

    def names_in(self, bucket: str) -> list[str]:
        return sorted(found["path"] for found in self.store(bucket).list().collect())

    def limit(self, bucket: str, size_bytes: int) -> None:
        """Let the bucket hold no more than so much."""
        self.admin(
            "quota", "set", "--quota-scope=bucket", "--bucket", bucket, f"--max-size={size_bytes}B"
        )
        self.admin("quota", "enable", "--quota-scope=bucket", "--bucket", bucket)

    def admin(self, *arguments: str) -> None:
        self._run("radosgw-admin", *arguments)

    def start_gateway(self) -> None:
        frontend = f"beast endpoint={self.url.removeprefix('http://')}"
        self.gateway = self._start(
            "radosgw", "-f", "-n", "client.admin", "--rgw_frontends", frontend,
            "--ms_mon_client_mode", "crc",  # it prefers another, which needs keys
            "--rgw_bucket_quota_ttl", "0",
        )  # fmt: skip
        address, _, port = self.url.removeprefix("http://").rpartition(":")
        _wait_for(int(port), self.gateway, address)

    def stop_gateway(self) -> None:
        assert self.gateway is not None
        # killed, it would be waited for by its successor
        self.gateway.terminate()
        self.gateway.wait(START_SECONDS)

    def _run(self, *command: str) -> bytes:
        environment = os.environ | {"CEPH_CONF": str(self.folder / "ceph.conf")}
        done = subprocess.run(
            command, env=environment, capture_output=True, check=False, timeout=START_SECONDS
        )
        assert done.returncode == 0, (command, done.stderr.decode())
        return done.stdout

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {"CEPH_CONF": str(self.folder / "ceph.conf")}
        output = (self.folder / f"{command[0]}.out").open("ab")
        with output:
            daemon = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        self.daemons.append(daemon)
        return daemon


@contextlib.contextmanager
def running_ceph(folder: Path, address: str = "127.0.0.1") -> Iterator[Ceph]:
    """A new cluster with a user, up for the length of the block; its gateway listens on `address`."""
    ceph = Ceph(folder, _free_port(), f"http://{address}:{_free_port()}", [])
    try:
        _found(ceph, str(uuid.uuid4()))
        yield ceph
    finally:
        for daemon in reversed(ceph.daemons):
            daemon.kill()
            daemon.wait()


def _found(ceph: Ceph, cluster: str) -> None:
    folder = ceph.folder
    (folder / "osd").mkdir()
    text = CONFIGURATION.format(cluster=cluster, port=ceph.port, folder=folder)
    (folder / "ceph.conf").write_text(text)
    address = f"[v2:127.0.0.1:{ceph.port}]"
    ceph._run("monmaptool", "--create", "--fsid", cluster, "--addv", "a", address, f"{folder}/map")
    ceph._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", f"{folder}/map")
    _wait_for(ceph.port, ceph._start("ceph-mon", "-f", "-i", "a"))
    disk = str(uuid.uuid4())
    ceph._run("ceph", "osd", "new", disk)
    ceph._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
    ceph._start("ceph-osd", "-f", "-i", "0")
    ceph.admin(
        "user", "create", "--uid=test", "--display-name=test",
        f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}",
    )  # fmt: skip
    ceph.start_gateway()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, daemon: subprocess.Popen[bytes], address: str = "127.0.0.1") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and daemon.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((address, port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"{daemon.args} did not start")
