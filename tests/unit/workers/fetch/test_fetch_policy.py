from __future__ import annotations

from ipaddress import ip_address

import pytest

from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch.allow_list import AllowList
from workers.fetch.policy import FetchPolicy
from workers.fetch.url import parse_url


def test_the_policy_says_what_the_settings_say() -> None:
    settings = Settings(
        fetch_timeout=3,
        fetch_connect_timeout=2,
        fetch_max_bytes=5,
        fetch_max_redirects=1,
        fetch_concurrency=9,
        fetch_allow=("Shop.Internal", "10.0.0.0/8"),
        fetch_files=True,
    )
    policy = FetchPolicy.from_settings(settings)
    assert (policy.timeout, policy.connect_timeout, policy.max_bytes) == (3, 2, 5)
    assert (policy.max_redirects, policy.concurrency, policy.per_host) == (1, 9, 4)
    assert policy.files
    assert policy.allow.names("shop.internal", 80)
    assert policy.allow.covers(ip_address("10.9.8.7"))


def test_a_picture_has_ten_seconds_unless_told_otherwise() -> None:
    assert FetchPolicy.from_settings(Settings()).timeout == 10


@pytest.mark.parametrize(
    "entry",
    [
        "", "http://a.example", "a.example/path", "a b", "10.0.0.0/33", "10.0.0.1/8", "a.example:0", "a.example:",
        "a.example:99999", "a.example:8o", "*.a.example", "user@a.example", "127.1", "[::1", "::1::2", "a.example:" + "9" * 5000,
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_read_is_named(entry: str) -> None:
    with pytest.raises(BadInput) as caught:
        AllowList.parse(["good.example", entry])
    assert "VITRINE_FETCH_ALLOW" in caught.value.message
    assert repr(entry) in caught.value.message
    assert caught.value.hint


def test_a_host_entry_is_for_every_port_and_a_port_entry_for_one() -> None:
    allow = AllowList.parse(["a.example", "b.example:8080", "[::1]:9", "fd00::1"])
    assert allow.names("a.example", 80)
    assert allow.names("a.example", 9999)
    assert allow.names("b.example", 8080)
    assert not allow.names("b.example", 8081)
    assert allow.names("::1", 9)
    assert not allow.names("::1", 10)
    assert allow.names("fd00::1", 80)


def test_a_port_is_opened_by_naming_it_and_not_by_naming_the_host() -> None:
    policy = FetchPolicy(allow=AllowList.parse(["a.example", "b.example:81"]))
    policy.check(parse_url("http://b.example:81/"))
    with pytest.raises(ItemFailure):
        policy.check(parse_url("http://a.example:81/"))


def test_a_bare_address_lets_no_name_through_that_resolves_to_it() -> None:
    policy = FetchPolicy(allow=AllowList.parse(["10.0.0.5"]))
    inside = ip_address("10.0.0.5")
    assert policy.admits(parse_url("http://10.0.0.5/"), inside)
    assert not policy.admits(parse_url("http://rebind.example/"), inside)


def test_a_network_lets_names_through_that_resolve_into_it() -> None:
    policy = FetchPolicy(allow=AllowList.parse(["10.0.0.0/24", "fd00::/8"]))
    target = parse_url("http://shop.example/")
    assert policy.admits(target, ip_address("10.0.0.5"))
    assert policy.admits(target, ip_address("fd12::1"))
    assert not policy.admits(target, ip_address("10.0.1.5"))
    assert not policy.admits(target, ip_address("::ffff:10.0.0.5"))


def test_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(ItemFailure) as caught:
        FetchPolicy().check(parse_url("http://169.254.169.254/"))
    assert caught.value.reason is FailureReason.FORBIDDEN_ADDRESS
    assert "169" not in caught.value.detail


def test_limits_of_nothing_are_refused() -> None:
    with pytest.raises(BadInput):
        FetchPolicy(concurrency=0)
