"""Embedding pictures and text through the query lane."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vitrine.core.errors import BadInput, ModelUnavailable, SpaceMismatch
from vitrine.evaluation.embedding import embed_pictures, embed_texts
from vitrine.evaluation.sample import LabelledPicture
from vitrine.messaging.worker_registry import WorkerInfo
from vitrine.query.client import Query, QueryAnswer, QueryVector
from vitrine.store.base import EmbeddingSpace
from vitrine.testing.fake_query_client import FakeQueryClient, fake_vector, fake_worker

SPACE = EmbeddingSpace("made", "r1", "rgb-1", 16)
LIMIT = 1000


@pytest.fixture
def pictures(tmp_path: Path) -> list[LabelledPicture]:
    """Two files, one with a strange name, a file with too many bytes, a missing file, and a URL."""
    files = {"a.jpg": b"a", "b #%c.jpg": b"b", "long.jpg": b"c" * (LIMIT + 1)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    sources = [(tmp_path / name).as_uri() for name in (*files, "gone.jpg")]
    sources.append("http://shop.example/d.jpg")
    return [LabelledPicture(source.rsplit("/", 1)[1], "x", source, source) for source in sources]


def test_files_go_by_their_bytes_and_others_by_their_url(pictures: list[LabelledPicture]) -> None:
    lane = FakeQueryClient(fake_worker(SPACE))
    told: list[int] = []
    found = embed_pictures(lane, "made", pictures, max_bytes=LIMIT, on_progress=told.append)
    assert found.pictures == (pictures[0], pictures[1], pictures[4])
    assert found.space == SPACE
    expected = [fake_vector(data, 16) for data in (b"a", b"b", b"http://shop.example/d.jpg")]
    np.testing.assert_array_equal(found.vectors, np.stack(expected))
    assert sorted(query.kind for _, query in lane.asked) == ["image", "image", "url"]
    assert sum(told) == 5


def test_each_failure_is_its_pictures_own(pictures: list[LabelledPicture]) -> None:
    found = embed_pictures(FakeQueryClient(fake_worker(SPACE)), "made", pictures, max_bytes=LIMIT)
    assert [picture.key for picture, _ in found.failures] == ["long.jpg", "gone.jpg"]
    assert "more than 1000 bytes" in found.failures[0][1]
    assert "No such file" in found.failures[1][1]


def test_where_nothing_is_embedded_there_is_no_space(pictures: list[LabelledPicture]) -> None:
    found = embed_pictures(
        FakeQueryClient(fake_worker(SPACE)), "made", pictures[3:4], max_bytes=LIMIT
    )
    assert (found.space, found.pictures, found.vectors.shape) == (None, (), (0, 0))


def test_a_worker_that_goes_away_ends_it(pictures: list[LabelledPicture]) -> None:
    with pytest.raises(ModelUnavailable):
        embed_pictures(FakeQueryClient(), "made", pictures, max_bytes=LIMIT)
    silent = FakeQueryClient(
        fake_worker(SPACE), known={b"b": ModelUnavailable("None answered in time.")}
    )
    with pytest.raises(ModelUnavailable, match="in time"):
        embed_pictures(silent, "made", pictures, max_bytes=LIMIT)


def test_what_the_worker_says_of_a_picture_is_that_pictures_failure(
    pictures: list[LabelledPicture],
) -> None:
    lane = FakeQueryClient(fake_worker(SPACE), known={b"b": BadInput("It is no picture.")})
    found = embed_pictures(lane, "made", pictures[:2], max_bytes=LIMIT)
    assert found.failures == ((pictures[1], "It is no picture."),)


def test_workers_that_embed_differently_are_refused(pictures: list[LabelledPicture]) -> None:
    class TwoWorkers(FakeQueryClient):
        def _answer(self, worker: WorkerInfo, query: Query) -> QueryAnswer:
            found = super()._answer(worker, query)
            assert isinstance(found, QueryVector)
            other = replace(SPACE, revision="r2")
            return QueryVector(found.vector, other) if query.kind == "url" else found

    lane = TwoWorkers(fake_worker(SPACE))
    with pytest.raises(SpaceMismatch, match="r1 and r2"):
        embed_pictures(lane, "made", pictures, max_bytes=LIMIT)


def test_texts_come_back_in_their_order() -> None:
    lane = FakeQueryClient(fake_worker(SPACE, supports_text=True))
    texts = [f"text {n}" for n in range(150)]
    found = embed_texts(lane, "made", texts)
    np.testing.assert_array_equal(found, np.stack([fake_vector(t.encode(), 16) for t in texts]))


def test_a_model_without_words_refuses_them() -> None:
    with pytest.raises(BadInput, match="pictures only, not text"):
        embed_texts(FakeQueryClient(fake_worker(SPACE)), "made", ["red"])
