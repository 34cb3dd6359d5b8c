"""A model and a picture source for unit tests: deterministic, instant, and failing on demand."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch.result import FetchedPicture
from workers.image import Picture, as_image
from workers.models.base import Inputs

DIMENSION = 8


class FakeModel:
    """Gives each distinct picture its own vector, derived from its pixels.

    A picture of one flat colour can be made to misbehave: `bad` maps an RGB colour to an exception to raise when it
    is in a batch, or to an array to return in place of its vector.
    """

    name = "fake"
    revision = "fake-1"
    device = "cpu"
    dimension = DIMENSION
    supports_text = True

    def __init__(
        self, bad: Mapping[tuple[int, int, int], BaseException | NDArray[np.float32]] | None = None
    ) -> None:
        self._bad = dict(bad or {})
        self.batches: list[int] = []  #: Sizes of the batches embedded so far.

    def preprocess(self, picture: Picture) -> Inputs:
        """Return the pixels, float32 [3, 8, 8]."""
        pixels = np.asarray(as_image(picture).resize((8, 8)), dtype=np.float32)
        return {"pixel_values": pixels.transpose(2, 0, 1)}

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Return a vector for each picture, or raise the exception that `bad` has for one of them."""
        self.batches.append(len(batch))
        return np.stack([self._vector(inputs["pixel_values"]) for inputs in batch])

    def _vector(self, pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        colour = tuple(int(channel) for channel in pixels[:, 0, 0])
        verdict = self._bad.get((colour[0], colour[1], colour[2]))
        if isinstance(verdict, BaseException):
            raise verdict
        return seeded_vector(pixels.tobytes()) if verdict is None else verdict

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector for each text."""
        return np.stack([seeded_vector(text.encode()) for text in texts])


def seeded_vector(data: bytes) -> NDArray[np.float32]:
    """Return a vector, float32 [8], that depends only on the bytes."""
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "little")
    return np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)


class FakePictureSource:
    """Pictures from a dictionary: a URL's bytes, its failure, or a list of these for successive attempts."""

    def __init__(
        self, pictures: Mapping[str, bytes | ItemFailure | Sequence[bytes | ItemFailure]]
    ) -> None:
        self._pictures = dict(pictures)
        self._lock = threading.Lock()
        self.asked: list[str] = []  #: URLs in the order of the requests.

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:
        """Return a future that is already done."""
        del file_root
        future: Future[FetchedPicture] = Future()
        with self._lock:
            answer = self._answer(url, self.asked.count(url))
            self.asked.append(url)
        if isinstance(answer, ItemFailure):
            future.set_exception(answer)
        else:
            future.set_result(FetchedPicture(data=answer, url=url, status=200))
        return future

    def _answer(self, url: str, times: int) -> bytes | ItemFailure:
        found = self._pictures.get(url, ItemFailure(FailureReason.NOT_FOUND, "answered 404"))
        if isinstance(found, bytes | ItemFailure):
            return found
        return found[min(times, len(found) - 1)]

    def close(self) -> None:
        """Do nothing, because nothing is running."""
