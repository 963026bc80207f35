"""From which address a request comes, when proxies of the operator stand in between."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from starlette.requests import Request

from heliograph.accounts.account import Key
from heliograph.base.address import Network, is_trusted
from heliograph.base.errors import Forbidden

FORWARDED = "x-forwarded-for"


def caller_address(request: Request, proxies: Sequence[Network]) -> str | None:
    """The address of the client: the peer, or the last one before `proxies`; None: unknown.

    A proxy adds the address it was called from at the end of X-Forwarded-For. What stands before
    the last address that is not a proxy's, the client may have written itself.
    """
    peer = request.client.host if request.client else None
    if peer is None or not is_trusted(peer, proxies):
        return peer
    named = [
        part.strip() for line in request.headers.getlist(FORWARDED) for part in line.split(",")
    ]
    strangers = (address for address in reversed(named) if not is_trusted(address, proxies))
    return next(strangers, named[0] if named else peer)


def check_network(key: Key, address: str | None) -> None:
    """Raise Forbidden when `key` may not be used from `address`."""
    if key.networks is not None and not is_trusted(address or "", _networks(key.networks)):
        raise Forbidden(
            f"The key may not be used from your address, {address or 'which is unknown'}."
            " Use it from one of its networks, or have them changed."
        )


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))
