"""Which addresses may be probed: asked on the resolved address, right before it is connected to."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What a probe must never reach, whatever the settings say.
NEVER: tuple[tuple[str, tuple[Network, ...]], ...] = tuple(
    (what, tuple(ip_network(network) for network in networks))
    for what, networks in (
        # Cloud metadata outside the link-local networks: AWS, Google, Alibaba, Azure, Oracle.
        (
            "a cloud metadata address",
            ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        ),
        ("a link-local address", ("169.254.0.0/16", "fe80::/10")),
        ("a multicast address", ("224.0.0.0/4", "ff00::/8")),
        ("an unspecified address", ("0.0.0.0/8", "::/128")),
        ("a broadcast or reserved address", ("240.0.0.0/4",)),
    )
)
LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
# The blocks of IPv6 that IANA has given to a registry of addresses, as of 2025. Python counts the
# rest as public too, 3fff::/20 for documents included; what is given out later needs PROBE_ALLOW.
ALLOCATED = tuple(
    IPv6Network(block)
    for block in (
        *("2001::/16", "2003::/18", "2400::/11", "2600::/12", "2610::/23", "2620::/23"),
        *("2630::/12", "2800::/12", "2a00::/11", "2c00::/12"),
    )
)
ISATAP = (0x5EFE, 0x200_5EFE)  # what stands before the IPv4 address at the end
IPV4_AT_THE_END = (
    IPv6Network("::ffff:0:0/96"),  # mapped
    IPv6Network("::ffff:0:0:0/96"),  # translated
    IPv6Network("::/96"),  # compatible, of old
    IPv6Network("64:ff9b::/96"),  # NAT64
    LOCAL_NAT64,
)


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What probes of this engine are held to; one is made when it starts."""

    allow: tuple[Network, ...] = ()  # networks of our own that may be probed
    deny: tuple[Network, ...] = ()  # networks that may not; stronger than allow
    timeout: float = 10  # seconds for one attempt of a monitor that sets none


def limits(allow: Iterable[Network], deny: Iterable[Network]) -> Limits:
    """The limits that the settings PROBE_ALLOW and PROBE_DENY make."""
    return Limits(allow=tuple(allow), deny=tuple(deny))


@lru_cache(maxsize=16384)
def refusal(address: str, limits: Limits) -> str:
    """Why this resolved address is not probed; "" when it may be. Each is thought about once.

    address                             not allowed  in allow  in deny, or in both
    link-local, metadata, multicast ..  refused      refused   refused
    loopback, private, reserved         refused      probed    refused
    public                              probed       probed    refused

    An IPv6 address that wraps an IPv4 address counts as that one. ISATAP's is a tunnel of its
    own network: besides, PROBE_ALLOW has to name the IPv6 network.
    """
    ip = ip_address(address.partition("%")[0])
    meant = _meant(ip)
    for what, networks in NEVER:
        if _within(_embedded(ip), networks) or _within(ip, networks):
            return f"{address} is not probed: it is {what}"
    if _within(ip, limits.deny) or _within(meant, limits.deny):
        return f"{address} is not probed: PROBE_DENY names its network"
    is_open = not _is_isatap(ip) or _within(ip, limits.allow)
    if is_open and (_is_public(meant) or _within(meant, limits.allow)):
        return ""
    return f"{address} is not probed: it is not a public address, and PROBE_ALLOW does not name it"


def _within(ip: Address, networks: Iterable[Network]) -> bool:
    return any(ip in network for network in networks)


def _is_public(ip: Address) -> bool:
    return ip.is_global and (isinstance(ip, IPv4Address) or _within(ip, ALLOCATED))


def _meant(ip: Address) -> Address:
    """The address that the packets go to: that of a local translator is known to it alone."""
    return ip if ip in LOCAL_NAT64 else _embedded(ip)


def _embedded(ip: Address) -> Address:
    """The IPv4 address that an IPv6 address only wraps; else the address itself."""
    if isinstance(ip, IPv4Address) or ip.is_loopback or ip.is_unspecified:
        return ip
    if _within(ip, IPV4_AT_THE_END) or _is_isatap(ip):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.sixtofour or ip


def _is_isatap(ip: Address) -> bool:
    """Whether its IPv4 address is the end of a tunnel, in whatever network (RFC 5214)."""
    return isinstance(ip, IPv6Address) and (int(ip) >> 32) & 0xFFFF_FFFF in ISATAP
