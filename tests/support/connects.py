"""Every connect of this process, seen by an audit hook of the interpreter; none leaves the machine."""

import errno
import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_watching: list[list[str]] = []


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if not _watching or event != "socket.connect":
        return
    address = arguments[1]
    # A path belongs to a socket of this machine; only addresses are of interest.
    if not isinstance(address, tuple):
        return
    _watching[-1].append(str(address[0]))
    if not ipaddress.ip_address(str(address[0])).is_loopback:
        raise OSError(errno.ENETUNREACH, "no packet leaves a test")


sys.addaudithook(_hear)


@contextmanager
def watched_connects() -> Iterator[list[str]]:
    """The addresses connected to, in order; connects to other machines fail."""
    seen: list[str] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)
