"""A whole Internet in one network namespace, in which every address answers and every packet is counted.

`run(folder)` starts this file as a program of its own in a new namespace (it needs root, or a system that
lets users make one), where all addresses are this machine's. A guard that lets a private address through
would really reach a server there. No packet can leave the namespace.
"""

import asyncio
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import aiohttp

from heliograph.base.outbound import Outbound
from support.hostile_urls import (
    PORTS,
    PUBLIC,
    hostile_urls,
    legitimate_urls,
    redirects,
    zone,
)
from support.outbound_trial import Verdict, both_ways, fetch
from support.own_dns import OwnDns

TESTS = Path(__file__).parents[1]
ROUTES = (
    "ip link set lo up",
    "ip route add local 0.0.0.0/0 dev lo",
    "ip -6 route add local ::/0 dev lo",
)
TURNS = 4
#: What a client without a guard is asked to do, to see that the counting counts.
CONTROLS = (
    "http://169.254.169.254/",
    "http://10.0.0.1/",
    "http://metadata.google.internal/",
    "http://[::ffff:10.0.0.1]/",
)
EVERYTHING, OUTGOING = 3, 4
TCP, UDP, DNS_PORT = 6, 17, 53


def run(folder: Path) -> dict[str, object] | None:
    """What happened to every URL, and to which addresses packets went; None where it is not allowed."""
    enter = ["unshare", "--net", "--mount"] + (["--map-root-user"] if os.geteuid() else [])
    if subprocess.run([*enter, "ip", "link"], capture_output=True, check=False).returncode:
        return None
    make_certificate(folder)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\nsearch search.example\n")
    environ = os.environ | {"PYTHONPATH": str(TESTS), "SSL_CERT_FILE": str(folder / "own.pem")}
    done = subprocess.run(
        [*enter, sys.executable, "-m", "support.own_internet", folder],
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "result.json").read_text())


def make_certificate(folder: Path) -> None:
    """One that vouches for itself and for every public host of the trial."""
    names = [f"IP:{one}" for one in PUBLIC]
    names += [f"DNS:{name}.example" for name in ("good", "four", "six")]
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=own"
    command += f" -addext subjectAltName={','.join(names)}"
    command += f" -keyout {folder}/own.key -out {folder}/own.pem"
    subprocess.run(command.split(), check=True, capture_output=True)


class Packets:
    """Counts by destination what would open a conversation: TCP SYNs, and all that is not TCP or DNS."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERYTHING))
        self.socket.bind(("lo", EVERYTHING))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        while True:
            packet, (_, _, direction, *_) = self.socket.recvfrom(65_536)
            if direction != OUTGOING:
                continue
            destination, protocol, payload = read_packet(packet)
            if opens(protocol, payload):
                self.counted[destination] += 1


def read_packet(packet: bytes) -> tuple[str, int, bytes]:
    if packet[0] >> 4 == 4:
        destination = socket.inet_ntop(socket.AF_INET, packet[16:20])
        return destination, packet[9], packet[(packet[0] & 15) * 4 :]
    return socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[6], packet[40:]


def opens(protocol: int, payload: bytes) -> bool:
    if protocol == TCP:
        return payload[13] & 0x12 == 0x02
    return protocol != UDP or DNS_PORT not in struct.unpack_from(">HH", payload)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`/to/STATUS?URL` redirects to URL; everything else is `here`."""
    try:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
    except (asyncio.IncompleteReadError, IndexError, ConnectionError):
        path = ""
    status, location = "200", ""
    route, question, target = path.removeprefix("/to/").partition("?")
    if path.startswith("/to/") and question:
        status = route
        location = f"Location: {unquote(target)}\r\n"
    writer.write(
        f"HTTP/1.1 {status} Said\r\n{location}Content-Length: 4\r\nConnection: close\r\n\r\nhere".encode()
    )
    writer.close()


async def open_servers(folder: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    for port in PORTS:
        tls = context if port in (443, 8443) else None
        await asyncio.start_server(serve, ["0.0.0.0", "::"], port, ssl=tls)
    for port in (22, 25, 2375, 5432, 6379, 9200):
        await asyncio.start_server(serve, ["0.0.0.0", "::"], port)


async def unguarded() -> int:
    """How many of the controls a client without a guard reaches."""
    reached = 0
    async with aiohttp.ClientSession() as session:
        for url in CONTROLS:
            async with session.get(url) as response:
                reached += await response.read() == b"here"
    return reached


async def move() -> list[list[Verdict]]:
    """Each name is public at its first look-up; for the clients that come later it is private."""
    turns = []
    for _ in range(TURNS):
        async with Outbound(allow_http_callbacks=True) as outbound:
            names = [name for name in zone() if name.startswith("moving")]
            turns.append([await fetch(outbound, f"http://{name}/ok") for name in names])
    return turns


async def all_ways(outbound: Outbound, urls: Iterable[str]) -> list[Verdict]:
    return [verdict for url in urls for verdict in await both_ways(outbound, url)]


async def trial(folder: Path) -> None:
    await open_servers(folder)
    packets = Packets()
    async with Outbound(allow_http_callbacks=True) as outbound:
        result: dict[str, object] = {
            "legitimate": await all_ways(outbound, legitimate_urls()),
            "hostile": await all_ways(outbound, hostile_urls()),
            "redirects": await all_ways(outbound, redirects()),
        }
    result["moving"] = await move()
    result["packets"] = dict(packets.counted)
    result["unguarded"] = await unguarded()
    result["unguarded_packets"] = dict(packets.counted)
    (folder / "result.json").write_text(json.dumps(result))


def main() -> None:
    folder = Path(sys.argv[1])
    for command in ROUTES:
        subprocess.run(command.split(), check=True)
    subprocess.run(["mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf"], check=True)
    OwnDns(zone())
    asyncio.run(trial(folder))


if __name__ == "__main__":
    main()
