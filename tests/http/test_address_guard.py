from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.http.address_guard import AddressGuard, AddressRefused

_NAT64 = int(ipaddress.IPv6Address("64:ff9b::"))
_MAPPED = int(ipaddress.IPv6Address("::ffff:0:0"))
_6TO4 = int(ipaddress.IPv6Address("2002::"))


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.3.4", "loopback"),
        ("::1", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("fd00::1", "private"),
        ("198.18.0.1", "private"),
        ("100.64.0.1", "shared"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("255.255.255.255", "reserved"),
        ("192.0.0.192", "reserved"),
        ("192.0.0.9", "reserved"),
        ("0.1.2.3", "reserved"),
        ("192.0.2.1", "reserved"),
        ("192.88.99.1", "reserved"),
        ("198.51.100.1", "reserved"),
        ("203.0.113.1", "reserved"),
        ("240.0.0.1", "reserved"),
        ("100::1", "reserved"),
        ("2001::1", "reserved"),
        ("2001:2::1", "reserved"),
        ("2001:db8::1", "reserved"),
        ("3fff::1", "reserved"),
        ("5f00::1", "reserved"),
        ("fec0::1", "reserved"),
        ("64:ff9b:1::1", "reserved"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::10.0.0.1", "private"),
        ("2002:7f00:1::", "loopback"),
    ],
)
def test_an_address_that_is_not_public_is_refused_and_its_kind_is_said(address: str, kind: str) -> None:
    assert AddressGuard().refusal(address) == kind


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "87.250.250.242",
        "192.31.196.1",
        "192.52.193.1",
        "192.175.48.1",
        "2a02:6b8::2:242",
        "2620:4f:8000::1",
        "64:ff9b::808:808",
    ],
)
def test_a_public_address_is_let_through(address: str) -> None:
    assert AddressGuard().refusal(address) is None


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_gets_the_same_answer_however_ipv6_wraps_it(number: int) -> None:
    guard = AddressGuard()
    expected = guard.refusal(str(ipaddress.IPv4Address(number)))
    for wrapped in (_MAPPED | number, _NAT64 | number, _6TO4 | number << 80):
        assert guard.refusal(str(ipaddress.IPv6Address(wrapped))) == expected


@given(st.ip_addresses())
def test_what_the_standard_library_does_not_call_public_is_refused(address: ipaddress.IPv4Address) -> None:
    embedded = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if not address.is_global and not embedded:
        assert AddressGuard().refusal(str(address)) or int(address) >> 32 == _NAT64 >> 32


def test_a_network_that_is_allowed_is_let_through_and_its_neighbour_is_not() -> None:
    guard = AddressGuard(["10.1.0.0/16", "::1", "192.168.1.7"])
    assert [guard.refusal(text) for text in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "192.168.1.7")] == [None] * 4
    assert [guard.refusal(text) for text in ("10.2.0.1", "192.168.1.8")] == ["private", "private"]


_WRAPPED = ("::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::1", "64:ff9b:1::10.1.2.3", "2001::10.1.2.3")


@pytest.mark.parametrize("wide", ["::/0", "::/1", "2000::/3", "64::/16", "::/64"])
@pytest.mark.parametrize("address", _WRAPPED)
def test_a_wide_ipv6_network_does_not_let_an_ipv4_address_inside_it_through(wide: str, address: str) -> None:
    assert AddressGuard([wide]).refusal(address) in {"private", "reserved"}


def test_a_wide_ipv6_network_lets_through_what_leads_to_no_ipv4_address() -> None:
    guard = AddressGuard(["::/0"])
    assert [guard.refusal(text) for text in ("::1", "fd00::1", "fe80::1%eth0", "2a02:6b8::2:242")] == [None] * 4
    assert guard.refusal("127.0.0.1") == "loopback"


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("::ffff:0:0/96", "::ffff:10.1.2.3"),
        ("64:ff9b::/96", "64:ff9b::10.1.2.3"),
        ("64:ff9b::a01:0/112", "64:ff9b::10.1.2.3"),
        ("2002:a01::/32", "2002:a01:203::1"),
        ("64:ff9b:1::/48", "64:ff9b:1::10.1.2.3"),
        ("2001::/32", "2001::10.1.2.3"),
        ("10.1.0.0/16", "64:ff9b::10.1.2.3"),
    ],
)
def test_who_lists_the_wrapped_addresses_themselves_has_allowed_them(allowed: str, address: str) -> None:
    guard = AddressGuard([allowed])
    assert guard.refusal(address) is None
    assert guard.refusal("::ffff:192.168.0.1") == (None if allowed.startswith("::ffff") else "private")


def test_host_names_are_kept_apart_in_the_form_in_which_they_are_asked_for() -> None:
    assert AddressGuard(["CRM.local", "почта.рф"]).names == {"crm.local", "xn--80a1acny.xn--p1ai"}


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "*.local", "http://crm.local", "crm.local:80", "", "1.2.3", "a b"])
def test_an_entry_that_means_nothing_is_an_error_that_quotes_it(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a network") as caught:
        AddressGuard([entry])
    assert repr(entry) in str(caught.value)


def test_no_socket_is_made_for_an_address_that_is_refused() -> None:
    with pytest.raises(AddressRefused) as caught:
        AddressGuard().open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80)))
    assert (caught.value.address, caught.value.kind) == ("127.0.0.1", "a loopback address")


def test_a_socket_is_made_for_an_address_that_is_allowed() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))
    with AddressGuard(["127.0.0.1"]).open_socket(info) as made:
        assert made.family == socket.AF_INET
