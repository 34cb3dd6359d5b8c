"""The API's parts in memory: they do the workers' part also after a retry, and accept what production code passes."""

from __future__ import annotations

import inspect

from fastapi.testclient import TestClient

from api.app import create_app
from vitrine.messaging.broker import Publisher
from vitrine.testing.memory_services import MemoryPublisher, embed_pending, memory_services
from workers.maintenance.sweeper import Sender

PICTURES = 200
"""Four chunks."""


def test_retried_pictures_are_embedded_whatever_the_numbers_of_their_chunks() -> None:
    services = memory_services()
    urls = [f"https://shop.example/{number}.jpg" for number in range(PICTURES)]
    items = [{"id": str(number), "images": [url]} for number, url in enumerate(urls)]
    with TestClient(create_app(services), "http://127.0.0.1:8080") as client:
        job = client.post("/v1/jobs", json={"collection": "shop", "items": items}).json()["job"]
        assert embed_pending(services, failing=urls[:150]) == 50
        assert embed_pending(services) == 0
        assert client.post(f"/v1/jobs/{job['id']}/retry").json()["images"] == 150
        assert embed_pending(services, failing=urls[:70]) == 80
        assert client.post(f"/v1/jobs/{job['id']}/retry").json()["images"] == 70
        assert embed_pending(services) == 70
        status = client.get(f"/v1/jobs/{job['id']}").json()
    assert (status["state"], status["embedded"], status["failed"]) == ("completed", PICTURES, 0)


def test_messages_are_published_as_the_sweeper_does() -> None:
    sender: Sender = MemoryPublisher()
    sender.publish("job", [3, 4], "builtin", retries=[1, 2])
    assert isinstance(sender, MemoryPublisher)
    sender.publish("job", [5], "builtin")
    assert sender.sent == [("job", number, "builtin") for number in (3, 4, 5)]
    assert sender.retries == [1, 2, 0]
    ours, real = (inspect.signature(kind.publish) for kind in (MemoryPublisher, Publisher))
    assert ours == real
