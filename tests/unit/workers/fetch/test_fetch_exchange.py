from __future__ import annotations

import pycurl
import pytest

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.url import parse_url
from workers.byte_budget import ByteBudget
from workers.fetch import FetchPolicy
from workers.fetch.exchange import MAX_IGNORED, BodyVerdict, Exchange
from workers.fetch.memory_budget import MemoryBudget


def exchange(max_bytes: int = 100) -> Exchange:
    budget: MemoryBudget[Exchange] = MemoryBudget(ByteBudget(1000))
    made = Exchange(parse_url("http://a.example/"), FetchPolicy(max_bytes=max_bytes), budget)
    budget.enter(made)
    return made


def reason(made: Exchange, code: int) -> FailureReason:
    with pytest.raises(ItemFailure) as caught:
        made.result(code, "said curl")
    return caught.value.reason


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["10.0.0.1"], FailureReason.FORBIDDEN_ADDRESS),
        (["10.0.0.1", "::1"], FailureReason.FORBIDDEN_ADDRESS),
        (["10.0.0.1", "8.8.8.8"], FailureReason.CONNECTION_FAILED),
        (["8.8.8.8"], FailureReason.CONNECTION_FAILED),
        (["fe80::1%eth0"], FailureReason.FORBIDDEN_ADDRESS),
        (["nonsense"], FailureReason.FORBIDDEN_ADDRESS),
    ],
)
def test_a_failed_connection_is_forbidden_where_every_address_was_refused(
    addresses: list[str], expected: FailureReason
) -> None:
    made = exchange()
    assert [made.admit(address) for address in addresses] == [
        address == "8.8.8.8" for address in addresses
    ]
    assert reason(made, pycurl.E_COULDNT_CONNECT) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (pycurl.E_OPERATION_TIMEDOUT, FailureReason.TIMEOUT),
        (pycurl.E_COULDNT_RESOLVE_HOST, FailureReason.CONNECTION_FAILED),
        (pycurl.E_RECV_ERROR, FailureReason.CONNECTION_FAILED),
        (pycurl.E_SSL_CONNECT_ERROR, FailureReason.CONNECTION_FAILED),
        (pycurl.E_PEER_FAILED_VERIFICATION, FailureReason.HTTP_ERROR),
        (0, FailureReason.CONNECTION_FAILED),
    ],
)
def test_each_error_of_curl_has_its_reason(code: int, expected: FailureReason) -> None:
    assert reason(exchange(), code) is expected


def test_a_body_may_be_as_long_as_the_limit_and_no_longer() -> None:
    made = exchange(max_bytes=100)
    for line in (b"HTTP/1.1 200 OK\r\n", b"\r\n"):
        assert made.head(line)
    assert made.body(bytes(60)) is BodyVerdict.GO_ON
    assert made.body(bytes(40)) is BodyVerdict.GO_ON
    assert made.body(bytes(1)) is BodyVerdict.STOP
    assert reason(made, pycurl.E_WRITE_ERROR) is FailureReason.TOO_LARGE


def test_a_long_error_page_is_not_read_to_its_end() -> None:
    made = exchange()
    for line in (b"HTTP/1.1 404 X\r\n", b"\r\n"):
        assert made.head(line)
    assert made.body(bytes(MAX_IGNORED)) is BodyVerdict.GO_ON
    assert made.body(b"x") is BodyVerdict.STOP
    assert reason(made, pycurl.E_WRITE_ERROR) is FailureReason.NOT_FOUND
