"""The API's parts in memory: they do the workers' part also after a retry."""

from __future__ import annotations

from fastapi.testclient import TestClient

from api.app import create_app
from vitrine.testing.memory_services import embed_pending, memory_services

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
