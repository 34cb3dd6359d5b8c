from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrine.net.address import is_public, parse_address


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.255",
        "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
        "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8",
        "100::1", "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::1",
        "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
        "fe80::1", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_special_addresses_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1", "8.8.8.8", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
        "172.15.255.255", "172.32.0.1", "192.167.255.255", "192.169.0.1", "223.255.255.255",
        "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "64:ff9b::8.8.8.8",
    ],
)  # fmt: skip
def test_ordinary_hosts_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_as_special(address: IPv4Address | IPv6Address) -> None:
    special = (
        address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    )
    assert not (is_public(address) and (special or address.is_unspecified))


@given(st.ip_addresses(v=4))
def test_nat64_is_as_public_as_the_address_inside(address: IPv4Address) -> None:
    embedded = IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))
    assert is_public(embedded) == is_public(address)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_never_public(address: IPv4Address) -> None:
    assert not is_public(IPv6Address(f"::ffff:{address}"))


def test_a_zone_id_is_no_address() -> None:
    assert parse_address("fe80::1%eth0") is None
    assert parse_address("2606:4700::1%1") is None
