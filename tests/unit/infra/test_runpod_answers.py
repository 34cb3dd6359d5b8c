"""The RunPod handler alone: from a job's input to the response for RunPod."""

from __future__ import annotations

import asyncio
import base64

import numpy as np
import pytest

from infra.runpod import handler
from vitrine.core.errors import BadInput
from vitrine.core.types import FailureReason
from vitrine.query.client import Query, UnusablePicture
from vitrine.store import EmbeddingSpace
from vitrine.testing.fake_query_client import FakeQueryClient, fake_vector, fake_worker

SPACE = EmbeddingSpace("clip", "r1", "rgb-1", 8)
URL, GONE = "https://h/a.jpg", "https://h/gone.jpg"


@pytest.fixture
def query_client() -> FakeQueryClient:
    gone = UnusablePicture(FailureReason.NOT_FOUND, "answered 404")
    return FakeQueryClient(fake_worker(SPACE), known={GONE.encode(): gone})


def test_the_output_is_of_plain_numbers_in_the_order_of_the_urls(
    query_client: FakeQueryClient,
) -> None:
    told = handler.answer(query_client, "clip", {"images": ["no url", URL, GONE]})
    (found,) = told["embeddings"]
    assert found["image_url"] == URL
    assert isinstance(found["vector"], list)
    np.testing.assert_allclose(found["vector"], fake_vector(URL.encode(), 8), atol=1e-7)
    assert [one["url"] for one in told["warnings"]["failed_urls"]] == ["no url", GONE]


def test_a_picture_is_asked_for_in_grey(query_client: FakeQueryClient) -> None:
    told = handler.answer(query_client, "clip", {"image": base64.b64encode(b"picture").decode()})
    assert len(told["embedding"]) == 8
    assert query_client.asked == [("clip", Query("image", b"picture", grey=True))]


@pytest.mark.parametrize("given", [None, [], {"images": []}, {"image": "!"}], ids=range(4))
def test_a_bad_input_is_an_error_in_words(query_client: FakeQueryClient, given: object) -> None:
    assert handler.answer(query_client, "clip", given).keys() == {"error"}


def test_a_missing_worker_is_an_error_in_words(query_client: FakeQueryClient) -> None:
    assert "No worker" in handler.answer(query_client, "dino", {"images": [URL]})["error"]


def test_several_jobs_are_under_way_at_once(query_client: FakeQueryClient) -> None:
    handle = handler.handler_of(query_client, "clip")

    async def both() -> list[handler.Job]:
        return await asyncio.gather(*(handle({"input": {"images": [URL]}}) for _ in range(2)))

    assert [len(told["embeddings"]) for told in asyncio.run(both())] == [1, 1]


def test_how_many_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert handler.jobs_at_once() == handler.JOBS_AT_ONCE
    monkeypatch.setenv(handler.CONCURRENCY_VARIABLE, "3")
    assert handler.jobs_at_once() == 3
    for bad in ("0", "65", "many", ""):
        monkeypatch.setenv(handler.CONCURRENCY_VARIABLE, bad)
        with pytest.raises(BadInput, match="VITRINE_RUNPOD_JOBS"):
            handler.jobs_at_once()
