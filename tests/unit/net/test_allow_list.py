from __future__ import annotations

import pytest

from vitrine.core.errors import BadInput
from vitrine.net.allow_list import AllowList


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
