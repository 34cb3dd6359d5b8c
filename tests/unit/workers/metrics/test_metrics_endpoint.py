"""The HTTP port of a worker's metrics, on real loopback sockets."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.parser import text_string_to_metric_families

from tests.patience import PATIENCE
from vitrine.core.errors import Unavailable
from workers.metrics import endpoint as module
from workers.metrics.endpoint import Endpoint


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def endpoint(registry: CollectorRegistry) -> Iterator[Endpoint]:
    asked = Gauge("asked", "How often it was asked.", registry=registry)
    with closing(Endpoint(registry, "127.0.0.1", 0, asked.inc)) as made:
        made.start()
        yield made


def get(endpoint: Endpoint, method: str = "GET") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(endpoint.address, timeout=PATIENCE)
    with closing(connection):
        connection.request(method, "/metrics")
        answer = connection.getresponse()
        answer.body = answer.read().decode()  # type: ignore[attr-defined]
        return answer


def asked(endpoint: Endpoint) -> float:
    answer = get(endpoint)
    assert answer.status == 200
    text: str = answer.body  # type: ignore[attr-defined]
    [family] = text_string_to_metric_families(text)
    return family.samples[0].value


def test_what_goes_up_and_down_is_looked_at_before_each_answer(endpoint: Endpoint) -> None:
    assert [asked(endpoint), asked(endpoint)] == [1, 2]


def test_nothing_can_be_sent_to_it(endpoint: Endpoint) -> None:
    assert get(endpoint, "POST").status == 405


def test_a_port_that_is_taken_is_told_with_what_to_do(
    endpoint: Endpoint, registry: CollectorRegistry
) -> None:
    port = int(endpoint.address.rpartition(":")[2])
    with pytest.raises(Unavailable, match="VITRINE_METRICS_PORT"):
        Endpoint(registry, "127.0.0.1", port, lambda: None)


def test_on_every_address_it_is_announced_by_this_machines_name(
    registry: CollectorRegistry,
) -> None:
    with closing(Endpoint(registry, "0.0.0.0", 0, lambda: None)) as made:
        assert made.address.rpartition(":")[0] == socket.gethostname()


def test_a_client_that_says_nothing_is_left(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._Handler, "timeout", 0.05)
    with closing(Endpoint(registry, "127.0.0.1", 0, lambda: None)) as made:
        made.start()
        host, _, port = made.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as silent:
            assert silent.recv(1) == b""
