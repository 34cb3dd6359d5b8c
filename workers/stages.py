"""The stages that all chunks and queries of a worker share: fetcher, decoders, batcher."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vitrine.store.base import EmbeddingSpace
from workers.batching import Batcher, Lane
from workers.byte_budget import ByteReservation
from workers.fetch.result import FetchedPicture
from workers.image_decoder import ImageDecoder
from workers.images.decode_cost import decode_cost
from workers.images.decode_pool import DecodePool
from workers.models.base import EmbeddingModel, Inputs
from workers.vector_cache.deduplicating import (
    DeduplicatingCache,
    Vector,
    resolved_future,
    vector_key,
)


class PictureSource(Protocol):
    """Fetches pictures; `workers.fetch.Fetcher` in production."""

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:
        """Start to fetch a picture; the future raises `ItemFailure`."""

    def close(self) -> None:
        """Stop."""


@dataclass(frozen=True, slots=True)
class PreparedPicture:
    """A decoded picture that is ready for the batcher, or one whose vector is known; its encoded bytes are released."""

    inputs: Inputs  #: Empty if the vector is known.
    content_sha256: str
    etag: str | None
    hold: ByteReservation = field(repr=False, compare=False)
    """Counts the inputs' bytes against the limit for decoded pictures; released when the batcher has them."""
    key: bytes | None = None  #: The key of its vector in the cache; None without a cache.
    vector: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    """The cached unit vector of an identical picture."""


@dataclass(frozen=True, slots=True)
class Stages:
    """One worker's stages. Fetching, decoding and the device each have their own threads."""

    model: EmbeddingModel
    fetcher: PictureSource
    decoders: DecodePool
    batcher: Batcher
    decoder: ImageDecoder
    vector_cache: DeduplicatingCache | None = (
        None  #: None if every picture is embedded, even if it was seen before.
    )

    @property
    def space(self) -> EmbeddingSpace:
        """The embedding space of this worker's vectors."""
        return self.space_of(self.decoder)

    @property
    def grey_space(self) -> EmbeddingSpace:
        """The embedding space of pictures that were converted to grey."""
        return self.space_of(self.decoder.as_grey())

    def space_of(self, decoder: ImageDecoder) -> EmbeddingSpace:
        """Return the embedding space of pictures from a given decoder."""
        return EmbeddingSpace(
            self.model.name, self.model.revision, decoder.policy, self.model.dimension
        )

    def prepare(
        self,
        fetched: FetchedPicture,
        *,
        lane: Lane,
        grey: bool = False,
        fresh: bool = False,
        part: tuple[float, ...] = (),
    ) -> Future[PreparedPicture]:
        """Decode and preprocess a picture in a decoder thread; the future raises `ItemFailure`.

        `grey` converts it to grey whatever the worker's policy, so its vector is in `grey_space`. `fresh` bypasses
        the vector cache. `part` crops the picture (see `workers.images.transforms`); crops are not cached, because
        they are hardly ever requested again.
        """
        reuse = None if fresh or part else self.vector_cache
        decoder = self.decoder.as_grey() if grey else self.decoder
        decoder = decoder.of_part(part) if part else decoder
        taken = decode_cost(
            fetched.data, fast=decoder.leaves_jpegs_alone, max_pixels=decoder.max_pixels
        )
        return self.decoders.submit(
            lambda: self._prepare(fetched, decoder, reuse), taken, lane=lane
        )

    def _prepare(
        self,
        fetched: FetchedPicture,
        decoder: ImageDecoder,
        vector_cache: DeduplicatingCache | None,
    ) -> PreparedPicture:
        digest = hashlib.sha256(fetched.data).hexdigest()
        key = None
        if vector_cache is not None:
            key = vector_key(self.space_of(decoder), digest)
            vector = vector_cache.find(key)
            if vector is not None:
                nothing = ByteReservation(self.decoders.decoded, 0)
                return PreparedPicture({}, digest, fetched.etag, nothing, key, vector)
        inputs = self.model.preprocess(decoder(fetched.data))
        size = sum(array.nbytes for array in inputs.values())
        # Take the bytes even above the limit: it limits what may start, and this picture is already decoded.
        self.decoders.decoded.take(size, anyway=True)
        return PreparedPicture(
            inputs, digest, fetched.etag, ByteReservation(self.decoders.decoded, size), key
        )

    def submit(self, prepared: PreparedPicture, *, lane: Lane, alone: bool = False) -> Vector:
        """Request a picture's unit vector, see `Batcher.submit`; the future is already resolved if the vector is known."""

        def ask() -> Vector:
            return self.batcher.submit(prepared.inputs, lane=lane, alone=alone)

        if prepared.vector is not None:
            return resolved_future(prepared.vector)
        if self.vector_cache is None or prepared.key is None:
            return ask()
        if lane is Lane.BULK and not alone:
            return self.vector_cache.submit(prepared.key, ask)
        # A query needs its own future, because its client may cancel it; a suspect is embedded alone.
        future = ask()
        self.vector_cache.follow(prepared.key, future)
        return future

    def offer(self, prepared: PreparedPicture, *, lane: Lane) -> Vector | None:
        """Like `submit` for bulk, but return None if it would block; for threads that must not wait."""

        def ask() -> Vector | None:
            return self.batcher.offer(prepared.inputs, lane=lane)

        if prepared.vector is not None:
            return resolved_future(prepared.vector)
        if self.vector_cache is None or prepared.key is None:
            return ask()
        return self.vector_cache.offer(prepared.key, ask)

    def close(self) -> None:
        """Stop the stages in the order in which a picture passes through them."""
        self.fetcher.close()
        self.decoders.close()
        self.batcher.close()
        if self.vector_cache is not None:
            self.vector_cache.close()
