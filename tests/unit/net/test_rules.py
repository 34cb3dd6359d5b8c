from __future__ import annotations

from ipaddress import ip_address

import pytest

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.allow_list import AllowList
from vitrine.net.rules import AddressRules, RedirectTrail, redirect_target
from vitrine.net.url import parse_url


def test_a_port_is_opened_by_naming_it_and_not_by_naming_the_host() -> None:
    policy = AddressRules(allow=AllowList.parse(["a.example", "b.example:81"]))
    policy.check(parse_url("http://b.example:81/"))
    with pytest.raises(ItemFailure):
        policy.check(parse_url("http://a.example:81/"))


def test_a_bare_address_lets_no_name_through_that_resolves_to_it() -> None:
    policy = AddressRules(allow=AllowList.parse(["10.0.0.5"]))
    inside = ip_address("10.0.0.5")
    assert policy.admits(parse_url("http://10.0.0.5/"), inside)
    assert not policy.admits(parse_url("http://rebind.example/"), inside)


def test_a_network_lets_names_through_that_resolve_into_it() -> None:
    policy = AddressRules(allow=AllowList.parse(["10.0.0.0/24", "fd00::/8"]))
    target = parse_url("http://shop.example/")
    assert policy.admits(target, ip_address("10.0.0.5"))
    assert policy.admits(target, ip_address("fd12::1"))
    assert not policy.admits(target, ip_address("10.0.1.5"))
    assert not policy.admits(target, ip_address("::ffff:10.0.0.5"))


def test_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(ItemFailure) as caught:
        AddressRules().check(parse_url("http://169.254.169.254/"))
    assert caught.value.reason is FailureReason.FORBIDDEN_ADDRESS
    assert "169" not in caught.value.detail


@pytest.mark.parametrize("port", [1, 22, 25, 79, 81, 445, 1023])
def test_ports_of_other_protocols_are_refused(port: int) -> None:
    with pytest.raises(ItemFailure) as caught:
        AddressRules().check(parse_url(f"http://example.com:{port}/"))
    assert caught.value.reason is FailureReason.BAD_URL


@pytest.mark.parametrize("port", [80, 443, 1024, 8080, 65535])
def test_ports_of_picture_servers_are_allowed(port: int) -> None:
    AddressRules().check(parse_url(f"http://example.com:{port}/"))


def test_a_redirect_leaves_https_for_nothing_else() -> None:
    base = parse_url("https://a.example/x")
    assert redirect_target(base, "//b.example/y").url == "https://b.example/y"
    with pytest.raises(ItemFailure, match="from https to http"):
        redirect_target(base, "http://a.example/x")


def test_redirects_are_counted_and_never_go_in_a_circle() -> None:
    trail = RedirectTrail(parse_url("http://a.example/"), 2)
    trail.add(parse_url("http://a.example/1"))
    with pytest.raises(ItemFailure, match="circle"):
        trail.add(parse_url("http://a.example/"))
    trail.add(parse_url("http://a.example/2"))
    with pytest.raises(ItemFailure, match="more than 2 redirects"):
        trail.add(parse_url("http://a.example/3"))
