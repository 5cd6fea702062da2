"""The address guard: which network addresses a request may go to.

A pipeline's URL may come out of an event, and a destination's name may point anywhere. The guard is asked for the
address itself, right before a socket for it is made, so that neither the spelling of an address nor a name that changes
between two look-ups gets past it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Final, TypeAlias
from urllib.parse import unquote

import aiohttp
import httpx

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
# IANA's registries iana-ipv4-special-registry and iana-ipv6-special-registry (last changed on 2025-10-09), without the
# blocks that they call globally reachable. `ipaddress` has a table too, but each version of Python another one.
_KINDS: Final = {
    ipaddress.ip_network(block): kind
    for kind, blocks in {
        "unspecified": ("0.0.0.0/32", "::/128"),
        "loopback": ("127.0.0.0/8", "::1/128"),
        "link-local": ("169.254.0.0/16", "fe80::/10"),
        "multicast": ("224.0.0.0/4", "ff00::/8"),  # RFC 5771 and RFC 4291: the registries leave them to others
        "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "fc00::/7"),
        "shared": ("100.64.0.0/10",),  # RFC 6598, carrier-grade NAT
        "reserved": (
            "0.0.0.0/8",  # RFC 791, this network
            "192.0.0.0/24",  # RFC 6890, with the anycast addresses of PCP and TURN, which speak no HTTP
            "192.0.2.0/24",  # RFC 5737, documentation
            "192.88.99.0/24",  # RFC 7526, the relays of 6to4
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",  # RFC 1112, with the broadcast address
            "2001::/23",  # RFC 2928, with Teredo, benchmarking, ORCHID and anycast addresses that speak no HTTP
            "2001:db8::/32",  # RFC 3849, documentation
            "3fff::/20",  # RFC 9637, documentation
        ),
    }.items()
    for block in blocks
}
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")  # RFC 4291, section 2.4
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_LEAD_TO_IPV4: Final = (
    ipaddress.IPv6Network("::ffff:0:0/96"),  # RFC 4291, section 2.5.5.2
    _NAT64,
    ipaddress.IPv6Network("2002::/16"),  # RFC 3056, 6to4
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # RFC 8215, NAT64 inside one network
    ipaddress.IPv6Network("2001::/32"),  # RFC 4380, Teredo
)


class AddressRefused(OSError):  # noqa: N818 - the word is the event, not the fault
    """The guard refuses an address. An OSError, so that aiohttp goes on to the name's next address.

    Its text is always the same: of several errors aiohttp keeps the object only if their texts are equal.
    """

    def __init__(self, address: str, kind: str) -> None:
        super().__init__("the address guard refuses this address")
        self.address = address
        self.kind = f"{'an' if kind == 'unspecified' else 'a'} {kind} address"


class AddressGuard:
    """Refuses loopback, private, link-local, multicast, reserved and other non-public addresses.

    `allow` lists what is let through all the same: networks, addresses and host names. A name stands for whatever
    address it has. An IPv6 address that leads to an IPv4 address is let through where that one is, or by a network that
    lies within the prefix of such addresses; a wider one, such as ::/0, does not speak of them. Raises ValueError for
    an entry that is none of these.
    """

    def __init__(self, allow: Sequence[str] = ()) -> None:
        entries = [_entry(text) for text in allow]
        self.networks: Final = tuple(entry for entry in entries if not isinstance(entry, str))
        self.names: Final = frozenset(entry for entry in entries if isinstance(entry, str))

    def refusal(self, text: str) -> str | None:
        """Say what kind of address makes this one refused ("loopback"); None if it is let through."""
        outer = ipaddress.ip_address(text)
        inner = _embedded(outer)
        if any(_covers(network, address) for network in self.networks for address in (outer, inner)):
            return None
        return _kind(inner)

    def check_host(self, host: str) -> None:
        """Refuse a host that is itself such an address, for requests whose names somebody else looks up.

        It is read as whoever looks it up may read it: `127.1` and `localhost` are loopback addresses. Raises
        `AddressRefused`.
        """
        address = None if host in self.names else _spelt_out(host)
        kind = address and self.refusal(address)
        if address and kind:
            raise AddressRefused(address, kind)

    def open_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Make the socket that is to be connected to this address. Raises `AddressRefused`."""
        family, type_, protocol, _, (address, *_) = info
        kind = self.refusal(str(address))
        if kind is not None:
            raise AddressRefused(str(address), kind)
        return socket.socket(family, type_, protocol)

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a socket that is connected to the first address of a host that takes the connection.

        Raises `AddressRefused` if all of its addresses are refused, and OSError.
        """
        loop = asyncio.get_running_loop()
        failures: list[OSError] = []
        for info in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                return await self._connected(info, known=_ascii(host) in self.names)
            except OSError as error:
                failures.append(error)
        raise next((error for error in failures if not isinstance(error, AddressRefused)), failures[0])

    async def _connected(self, info: aiohttp.AddrInfoType, *, known: bool) -> socket.socket:
        family, type_, protocol, _, address = info
        connection = socket.socket(family, type_, protocol) if known else self.open_socket(info)
        try:
            connection.settimeout(0)
            await asyncio.get_running_loop().sock_connect(connection, address)
        except BaseException:
            connection.close()
            raise
        return connection


def _entry(text: str) -> _Network | str:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    name = _ascii(text)
    if not _HOST_NAME.fullmatch(name) or name.replace(".", "").isdigit():
        raise ValueError(f'{text!r} is not a network ("10.1.0.0/16"), an address or a host name without its port')
    return name


def _ascii(host: str) -> str:
    """Return a host as it stands in a request; empty if it can be none."""
    try:
        return httpx.URL(scheme="http", host=host).raw_host.decode()
    except httpx.InvalidURL:
        return ""


def _spelt_out(host: str) -> str | None:
    """Return the address that a host is without being looked up; None if it is a name."""
    name = unquote(host).rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return "127.0.0.1"
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except (OSError, ValueError):
        pass
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return None


def _covers(network: _Network, address: _Address) -> bool:
    """Tell whether a network that is allowed speaks of this address."""
    if address not in network:
        return False
    prefix = next((prefix for prefix in _LEAD_TO_IPV4 if address in prefix), None)
    return prefix is None or (isinstance(network, ipaddress.IPv6Network) and network.subnet_of(prefix))


def _embedded(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 address leads to, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _kind(address: _Address) -> str | None:
    for block, kind in _KINDS.items():
        if address in block:
            return kind
    unicast = isinstance(address, ipaddress.IPv4Address) or address in _GLOBAL_UNICAST
    return None if unicast else "reserved"
