from __future__ import annotations

from ipaddress import ip_address

import pytest

from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from workers.fetch.policy import FetchPolicy


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


def test_limits_of_nothing_are_refused() -> None:
    with pytest.raises(BadInput):
        FetchPolicy(concurrency=0)
