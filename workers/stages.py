"""The stages that every chunk and every query of one worker share: fetcher, decoders, batcher."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from vitrine.vectors.base import Space
from workers.batching import Batcher
from workers.decode import IMAGE_POLICY, decode
from workers.fetch.fetched import Fetched
from workers.models.base import EmbeddingModel, Inputs


class PictureSource(Protocol):
    """What brings bytes; `workers.fetch.Fetcher` in production."""

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[Fetched]:
        """Begin to bring a picture; the future raises `ItemFailure`."""

    def close(self) -> None:
        """Stop."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A decoded picture, ready for the batcher; its bytes are gone by now."""

    inputs: Inputs
    content_sha256: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Stages:
    """One worker's stages. Fetching and decoding run in threads of their own; the device has one."""

    model: EmbeddingModel
    fetcher: PictureSource
    decoders: ThreadPoolExecutor
    batcher: Batcher
    max_pixels: int

    @property
    def space(self) -> Space:
        """The embedding space of this worker's vectors."""
        return Space(self.model.name, self.model.revision, IMAGE_POLICY, self.model.dimension)

    def prepare(self, fetched: Fetched) -> Future[Prepared]:
        """Decode in a decoder's thread; the future raises `ItemFailure`."""
        return self.decoders.submit(self.prepare_now, fetched)

    def prepare_now(self, fetched: Fetched) -> Prepared:
        """Decode here; raises `ItemFailure`."""
        image = decode(fetched.data, max_pixels=self.max_pixels)
        digest = hashlib.sha256(fetched.data).hexdigest()
        return Prepared(self.model.preprocess(image), digest, fetched.etag)

    def close(self) -> None:
        """Stop the stages in the order in which a picture passes them."""
        self.fetcher.close()
        self.decoders.shutdown(wait=True, cancel_futures=True)
        self.batcher.close()


def make_decoders(threads: int) -> ThreadPoolExecutor:
    """Decoders for `threads` cores; 0 means all of them. Decoding lets go of the GIL, so threads scale."""
    return ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="decode")
