"""Where a customer's URL may lead: pure rules about text and addresses, no look-ups.

A name can be judged only once it is resolved, so these rules are the first of two lines: `base.outbound`
checks again the very address it connects to.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from yarl import URL

from heliograph.base.errors import OperatorError, OutboundRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL_CHARACTERS = 2048
MAX_HOST_CHARACTERS = 253
PORTS = frozenset({80, 443, 8080, 8443})

# The IANA special-purpose registries, and Azure's metadata service (168.63.129.16), which sits on an
# address that is public everywhere else.
_NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "168.63.129.16/32",
        ),
    )
)
# Only global unicast is let through: IPv4 inside IPv6 (NAT64, SIIT, compatible) lies outside of it.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48"),
    )
)
# The middle of an ISATAP address, which any prefix may have: the machine at its end is the IPv4 address
# that follows, and a host with such a tunnel would send the packet straight there.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
_LOOPBACK_4 = ipaddress.IPv4Address("127.0.0.1")
_LOOPBACK_6 = ipaddress.IPv6Network("::1/128")

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_PORT = re.compile(r"[0-9]{1,5}")
_NUMBER_LIKE = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Control, format and private characters, lone surrogates, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


@dataclass(frozen=True)
class Policy:
    """What a URL may be: the schemes and ports for public hosts, and the networks exempt from all of it."""

    schemes: frozenset[str]
    ports: frozenset[int] = PORTS
    trusted: tuple[Network, ...] = ()

    def is_ordinary(self, url: URL) -> bool:
        """Whether scheme and port are allowed for every host; if not, only trusted networks may answer."""
        return url.scheme in self.schemes and url.port in self.ports


def picture_policy(trusted_networks: Iterable[str] = ()) -> Policy:
    """Where reference pictures may come from."""
    return Policy(frozenset({"http", "https"}), trusted=read_networks(trusted_networks))


def callback_policy(trusted_networks: Iterable[str] = (), *, allow_http: bool = False) -> Policy:
    """Where notices may be sent."""
    schemes = {"http", "https"} if allow_http else {"https"}
    return Policy(frozenset(schemes), trusted=read_networks(trusted_networks))


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """CIDR texts as networks; `127.0.0.1` stands for `127.0.0.1/32`. Raises OperatorError for any other text.

    Whoever trusts 127.0.0.1 trusts ::1 too, for `localhost` has both addresses on most machines.
    """
    networks: list[Network] = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text.strip()))
        except ValueError as error:
            raise OperatorError(
                f"HELIOGRAPH_TRUSTED_NETWORKS: {text!r} is no CIDR: {error}"
            ) from None
    if any(_LOOPBACK_4 in network for network in networks):
        networks.append(_LOOPBACK_6)
    return tuple(networks)


def is_public(address: str | Address) -> bool:
    """Whether `address` is a unicast address of the public Internet. False for what is no address."""
    judged = _unwrap(address)
    if isinstance(judged, ipaddress.IPv4Address):
        return not any(judged in network for network in _NOT_PUBLIC_4)
    if isinstance(judged, ipaddress.IPv6Address):
        return _is_public_6(judged)
    return False


def _is_public_6(address: ipaddress.IPv6Address) -> bool:
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_trusted(address: str | Address, trusted: Iterable[Network]) -> bool:
    """Whether `address` lies in one of the operator's networks."""
    judged = _unwrap(address)
    return judged is not None and any(judged in network for network in trusted)


def _unwrap(address: str | Address) -> Address | None:
    """The address to judge: IPv4-mapped as IPv4; None for a zone (`%`) and for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    return None if parsed.scope_id is not None else parsed.ipv4_mapped or parsed


def check_url(text: str, policy: Policy) -> URL:
    """The URL in `text`, without its fragment, if `policy` allows it. Raises OutboundRefused.

    A name is judged by its spelling only. When its scheme or port is not an ordinary one, it passes only
    if there are trusted networks, and whoever connects must then accept addresses of those alone.
    """
    _check_text(text)
    try:
        url = URL(text).with_fragment(None)
        # a name in Punycode is read when it is asked for, and may be none
        port, _ = url.port, url.host
    except ValueError:
        raise OutboundRefused("The URL is malformed.") from None
    if url.scheme not in {"http", "https"} or not url.raw_host or not port:
        raise OutboundRefused(f"The URL must be {_schemes(policy)} and name a host.")
    authority = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]
    if "@" in authority:
        raise OutboundRefused("The URL must not carry a user name or password.")
    if "[" in authority and ":" not in url.raw_host:
        raise OutboundRefused("The URL's brackets hold no IPv6 address.")
    # Whoever reads it after us may take digits of other scripts for something else, or for nothing.
    if url.explicit_port is not None and not _PORT.fullmatch(authority.rpartition(":")[2]):
        raise OutboundRefused("The URL's port is not a plain number.")
    if not _check_host(url.raw_host, policy):
        _check_ordinary(url, policy)
    return url


def _check_text(text: str) -> None:
    if len(text) > MAX_URL_CHARACTERS:
        raise OutboundRefused(
            f"The URL has {len(text)} characters; at most {MAX_URL_CHARACTERS} are allowed."
        )
    if text != text.strip():
        raise OutboundRefused("The URL has white space around it.")
    if "\\" in text or any(unicodedata.category(character) in _UNSEEN for character in text):
        raise OutboundRefused("The URL contains a backslash or an invisible character.")


def _check_host(host: str, policy: Policy) -> bool:
    """Whether the host is known already to be in a trusted network. Raises OutboundRefused."""
    name = host.removesuffix(".")
    if ":" in host or _is_dotted_quad(host):
        return _check_literal(host, policy)
    labels = name.split(".")
    if labels[-1] == "localhost":
        return _check_literal(str(_LOOPBACK_4), policy, shown=host)
    if len(name) > MAX_HOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise OutboundRefused("The URL's host is not a valid host name.")
    if _NUMBER_LIKE.fullmatch(labels[-1]):
        raise OutboundRefused(
            f"The host {host} is a number in disguise; write a name or a plain address."
        )
    return False


def _is_dotted_quad(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _check_literal(address: str, policy: Policy, *, shown: str | None = None) -> bool:
    if is_trusted(address, policy.trusted):
        return True
    if not is_public(address):
        raise not_public(shown or address)
    return False


def not_public(host: str) -> OutboundRefused:
    """The one sentence for every host that must not be reached, so that nothing can be learnt from it."""
    return OutboundRefused(f"The host {host} is not a public address.")


def _check_ordinary(url: URL, policy: Policy) -> None:
    is_name = ":" not in (url.raw_host or "") and not _is_dotted_quad(url.raw_host or "")
    if policy.is_ordinary(url) or (is_name and policy.trusted):
        return
    if url.scheme not in policy.schemes:
        raise OutboundRefused(f"The URL must be {_schemes(policy)}.")
    ports = ", ".join(str(port) for port in sorted(policy.ports))
    raise OutboundRefused(f"The URL's port {url.port} is not allowed; use one of {ports}.")


def _schemes(policy: Policy) -> str:
    return " or ".join(f"{scheme}://" for scheme in sorted(policy.schemes))
