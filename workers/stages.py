"""The stages that every chunk and every query of one worker share: fetcher, decoders, batcher."""

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
    """What brings bytes; `workers.fetch.Fetcher` in production."""

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:
        """Begin to bring a picture; the future raises `ItemFailure`."""

    def close(self) -> None:
        """Stop."""


@dataclass(frozen=True, slots=True)
class PreparedPicture:
    """A decoded picture, ready for the batcher, or one whose vector is known; its bytes are gone by now."""

    inputs: Inputs  #: Empty where the vector is known.
    content_sha256: str
    etag: str | None
    hold: ByteReservation = field(repr=False, compare=False)
    """Counts the inputs' bytes, and holds further decoding up; released when the batcher has them."""
    key: bytes | None = None  #: What its vector is known by, where vectors are kept.
    vector: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    """The unit vector of an equal picture before it."""


@dataclass(frozen=True, slots=True)
class Stages:
    """One worker's stages. Fetching and decoding run in threads of their own; the device has one."""

    model: EmbeddingModel
    fetcher: PictureSource
    decoders: DecodePool
    batcher: Batcher
    decoder: ImageDecoder
    vector_cache: DeduplicatingCache | None = (
        None  #: None where every picture is embedded, whether seen before or not.
    )

    @property
    def space(self) -> EmbeddingSpace:
        """The embedding space of this worker's vectors."""
        return self.space_of(self.decoder)

    @property
    def grey_space(self) -> EmbeddingSpace:
        """The space of pictures prepared as grey ones."""
        return self.space_of(self.decoder.as_grey())

    def space_of(self, decoder: ImageDecoder) -> EmbeddingSpace:
        """The space of what comes through a decoder."""
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
        """Decode in a decoder's thread when its turn comes; the future raises `ItemFailure`.

        `grey` makes it grey whatever the worker's own policy: its vector is in `grey_space`. `fresh` leaves
        known vectors alone. `part` cuts out what is meant (see `workers.images.transforms`); nobody asks for that part again.
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
        # Whatever the limit says: it decides what is begun, and this is done.
        self.decoders.decoded.take(size, anyway=True)
        return PreparedPicture(
            inputs, digest, fetched.etag, ByteReservation(self.decoders.decoded, size), key
        )

    def submit(self, prepared: PreparedPicture, *, lane: Lane, alone: bool = False) -> Vector:
        """Ask for a picture's unit vector, see `Batcher.submit`; answered at once where it is known."""

        def ask() -> Vector:
            return self.batcher.submit(prepared.inputs, lane=lane, alone=alone)

        if prepared.vector is not None:
            return resolved_future(prepared.vector)
        if self.vector_cache is None or prepared.key is None:
            return ask()
        if lane is Lane.BULK and not alone:
            return self.vector_cache.submit(prepared.key, ask)
        # A question's future is its asker's own, who may cancel it; and a suspect goes alone.
        future = ask()
        self.vector_cache.follow(prepared.key, future)
        return future

    def offer(self, prepared: PreparedPicture, *, lane: Lane) -> Vector | None:
        """As `submit` in bulk, but None where it would block: for threads that others wait for."""

        def ask() -> Vector | None:
            return self.batcher.offer(prepared.inputs, lane=lane)

        if prepared.vector is not None:
            return resolved_future(prepared.vector)
        if self.vector_cache is None or prepared.key is None:
            return ask()
        return self.vector_cache.offer(prepared.key, ask)

    def close(self) -> None:
        """Stop the stages in the order in which a picture passes them."""
        self.fetcher.close()
        self.decoders.close()
        self.batcher.close()
        if self.vector_cache is not None:
            self.vector_cache.close()
