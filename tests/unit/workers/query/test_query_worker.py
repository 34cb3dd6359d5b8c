"""The worker's end of the query lane: real Redis and stages, a fake model and a fake source of pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

from vitrine.core.errors import BadInput, VitrineError
from vitrine.core.redis_client import as_bytes
from vitrine.query.call import EXPIRY_MARGIN
from vitrine.query.protocol import (
    Query,
    QueryAnswer,
    QueryVector,
    UnusablePicture,
    decode_answer,
    encode_query,
    reply_key,
    request_key,
)
from vitrine.testing.worker_fakes import FakeModel, FakePictureSource, seeded_vector
from workers.batching import Batcher
from workers.fetch.result import FetchedPicture
from workers.image_decoder import ImageDecoder
from workers.images.decode_pool import DecodePool
from workers.query.worker import QueryWorker
from workers.stages import Stages

RED, GREY_OF_RED = (255, 0, 0), (76, 76, 76)
HERE = "https://shop.example/here.png"


def png(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(file, "PNG")
    return file.getvalue()


def red_beside_blue() -> bytes:
    """Return a picture whose left half is red and whose right half is blue."""
    picture = Image.new("RGB", (32, 16), (0, 0, 255))
    picture.paste(RED, (0, 0, 16, 16))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def pixels(colour: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return the fake model's inputs for a flat picture."""
    return np.broadcast_to(np.array(colour, np.float32)[:, None, None], (3, 8, 8))


def expected(data: bytes) -> NDArray[np.float32]:
    vector = seeded_vector(data)
    return vector / np.linalg.norm(vector)


class Desk:
    """A query worker, with the parts that tests inspect."""

    def __init__(self, redis: Redis, source: FakePictureSource) -> None:
        self.redis = redis
        self.model = FakeModel()
        self.batcher = Batcher(self.model, size=16, wait=0.001)
        decoder = ImageDecoder(max_pixels=1_000_000)
        self.stages = Stages(
            self.model, source, DecodePool(2, budget=1 << 28), self.batcher, decoder
        )
        self.worker = QueryWorker(redis, self.stages)

    def ask(self, *queries: Query, patience: float = 60.0) -> dict[str, int]:
        """Answer a group of questions; return the counts of the outcomes."""
        names = [f"call.{number}" for number in range(len(queries))]
        for name, query in zip(names, queries, strict=True):
            left = int(1000 * (patience + EXPIRY_MARGIN))
            self.redis.set(request_key(name), encode_query(query), px=left)
        return self.worker.answer(",".join(names))

    def answers(self) -> list[QueryAnswer]:
        """Return the answers so far, in the order of their questions."""
        found = [
            decode_answer(as_bytes(raw)) for raw in self.redis.lrange(reply_key("call.0"), 0, -1)
        ]
        return [answer for _, answer in sorted(found, key=lambda one: one[0])]

    def answer(self, query: Query) -> QueryAnswer:
        """Return the answer to one question."""
        self.ask(query)
        (answer,) = self.answers()
        return answer


class SlowSource(FakePictureSource):
    """A host that does not respond."""

    def __init__(self) -> None:
        super().__init__({})
        self.fetches: list[Future[FetchedPicture]] = []

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:
        self.fetches.append(Future())
        return self.fetches[-1]


@pytest.fixture
def source() -> FakePictureSource:
    return FakePictureSource({HERE: png(RED)})


@pytest.fixture
def desk(private_redis: str, source: FakePictureSource) -> Iterator[Desk]:
    with Redis.from_url(private_redis) as redis:
        made = Desk(redis, source)
        made.batcher.start()
        yield made
        made.stages.close()
        redis.delete(reply_key("call.0"))


def vector_of(answer: QueryAnswer) -> NDArray[np.float32]:
    assert isinstance(answer, QueryVector), answer
    return answer.vector


@pytest.mark.parametrize(
    ("query", "seed"),
    [
        (Query("image", png(RED)), pixels(RED).tobytes()),
        (Query("url", HERE.encode()), pixels(RED).tobytes()),
        (Query("text", b"a red dress"), b"a red dress"),
        (Query.of_pixels(pixels(RED)), pixels(RED).tobytes()),
        (Query("image", png(RED), grey=True), pixels(GREY_OF_RED).tobytes()),
        (Query("url", HERE.encode(), grey=True), pixels(GREY_OF_RED).tobytes()),
        (Query("image", red_beside_blue(), part=(0, 0, 0.5, 1)), pixels(RED).tobytes()),
    ],
    ids=["image", "url", "text", "pixels", "grey image", "grey url", "part of an image"],
)
def test_each_kind_of_question_gets_its_unit_vector(desk: Desk, query: Query, seed: bytes) -> None:
    answer = desk.answer(query)
    np.testing.assert_allclose(vector_of(answer), expected(seed), atol=1e-6)
    assert isinstance(answer, QueryVector)
    assert answer.space == (desk.stages.grey_space if query.grey else desk.stages.space)


def test_a_group_is_answered_one_by_one_and_each_for_itself(desk: Desk) -> None:
    gone = Query("url", b"https://shop.example/gone.png")
    told = desk.ask(Query("image", png(RED)), Query("image", b"<html>"), gone, Query("text", b"x"))
    assert told == {"answered": 2, "refused": 2, "dropped": 0}
    picture, page, missing, words = desk.answers()
    assert isinstance(picture, QueryVector)
    assert isinstance(words, QueryVector)
    assert isinstance(page, UnusablePicture)
    assert isinstance(missing, UnusablePicture)
    assert (page.reason, missing.reason) == ("not_an_image", "not_found")


def refusal(answer: QueryAnswer) -> VitrineError:
    assert isinstance(answer, BadInput), answer
    return answer


def test_pixels_of_another_shape_are_refused_with_the_right_one(desk: Desk) -> None:
    answer = desk.answer(Query.of_pixels(np.zeros((3, 4, 4), np.float32)))
    assert "[3, 8, 8], not [3, 4, 4]" in refusal(answer).message


def test_a_model_that_takes_its_pictures_otherwise_takes_no_ready_pixels(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    patches = {"pixel_values": np.zeros((9, 12)), "spatial_shapes": np.zeros(2)}
    monkeypatch.setattr(desk.model, "preprocess", lambda picture: patches)
    answer = desk.answer(Query.of_pixels(np.zeros((3, 8, 8), np.float32)))
    assert "does not accept pixels" in refusal(answer).message


def test_words_for_a_model_without_them_are_refused(desk: Desk) -> None:
    desk.model.supports_text = False
    assert "no text tower" in refusal(desk.answer(Query("text", b"red"))).message


def test_ready_pixels_and_a_picture_s_bytes_go_in_batches_of_their_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_bytes = {"pixel_values": np.full((3, 8, 8), 7, np.uint8)}
    monkeypatch.setattr(desk.model, "preprocess", lambda picture: as_bytes)
    told = desk.ask(Query("image", png(RED)), Query.of_pixels(pixels(RED)))
    assert told["answered"] == 2
    assert desk.model.batches == [1, 1]


def test_what_expired_or_was_taken_back_is_dropped(desk: Desk) -> None:
    assert desk.worker.answer("call.7,call.8") == {"answered": 0, "refused": 0, "dropped": 2}
    assert desk.answers() == []


def test_a_question_whose_asker_has_gone_is_not_decoded(private_redis: str) -> None:
    source = SlowSource()
    with Redis.from_url(private_redis) as redis:
        desk = Desk(redis, source)
        patience = 0.05
        told = desk.ask(Query("url", HERE.encode()), patience=patience)
        while not source.fetches:  # This machine had not begun in time.
            patience *= 2
            told = desk.ask(Query("url", HERE.encode()), patience=patience)
        desk.stages.close()
    assert told == {"answered": 0, "refused": 0, "dropped": 1}
    assert [fetch.cancelled() for fetch in source.fetches] == [True]


def test_a_question_whose_asker_has_gone_is_not_embedded(
    private_redis: str, source: FakePictureSource
) -> None:
    with Redis.from_url(private_redis) as redis:
        desk = Desk(redis, source)
        # The batcher is not started, so the picture waits until its client has gone.
        told = desk.ask(Query("image", png(RED)), patience=0.3)
        desk.batcher.start()
        desk.stages.close()
    assert told == {"answered": 0, "refused": 0, "dropped": 1}
    assert desk.model.batches == []


def test_a_worker_that_stops_says_that_it_could_not_answer(desk: Desk) -> None:
    desk.stages.close()
    assert desk.ask(Query("text", b"red")) == {"answered": 0, "refused": 1, "dropped": 0}
    (answer,) = desk.answers()
    assert isinstance(answer, VitrineError)
    assert "could not answer" in answer.message
