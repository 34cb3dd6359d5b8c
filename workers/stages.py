"""The stages that every chunk and every query of one worker share: fetcher, decoders, batcher."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from vitrine.vectors.base import Space
from workers.batching import Batcher, Lane
from workers.burden import burden
from workers.decoders import Decoders
from workers.fetch.fetched import Fetched
from workers.held import Hold
from workers.models.base import EmbeddingModel, Inputs
from workers.picture_decoder import PictureDecoder


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
    hold: Hold = field(repr=False, compare=False)
    """Counts the inputs' bytes, and holds further decoding up; released when the batcher has them."""


@dataclass(frozen=True, slots=True)
class Stages:
    """One worker's stages. Fetching and decoding run in threads of their own; the device has one."""

    model: EmbeddingModel
    fetcher: PictureSource
    decoders: Decoders
    batcher: Batcher
    decoder: PictureDecoder

    @property
    def space(self) -> Space:
        """The embedding space of this worker's vectors."""
        return Space(
            self.model.name, self.model.revision, self.decoder.policy, self.model.dimension
        )

    def prepare(self, fetched: Fetched, *, lane: Lane) -> Future[Prepared]:
        """Decode in a decoder's thread when its turn comes; the future raises `ItemFailure`."""
        taken = burden(fetched.data, fast=self.decoder.fast, max_pixels=self.decoder.max_pixels)
        return self.decoders.submit(lambda: self._prepare(fetched), taken, lane=lane)

    def _prepare(self, fetched: Fetched) -> Prepared:
        picture = self.decoder(fetched.data)
        digest = hashlib.sha256(fetched.data).hexdigest()
        inputs = self.model.preprocess(picture)
        size = sum(array.nbytes for array in inputs.values())
        # Whatever the limit says: it decides what is begun, and this is done.
        self.decoders.decoded.take(size, anyway=True)
        return Prepared(inputs, digest, fetched.etag, Hold(self.decoders.decoded, size))

    def close(self) -> None:
        """Stop the stages in the order in which a picture passes them."""
        self.fetcher.close()
        self.decoders.close()
        self.batcher.close()
