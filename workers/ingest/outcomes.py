"""What became of a chunk's pictures so far: embedded, failed, put off, or nothing yet."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrine.core.types import Failure, FailureReason, ImageRef, ItemFailure


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """A picture with its unit vector, float32 [dimension], and what is stored with it."""

    image: ImageRef
    vector: NDArray[np.float32]
    content_sha256: str
    etag: str | None


@dataclass(slots=True)
class Outcomes:
    """One outcome a picture; a picture that is in none of the lists keeps its place in the chunk."""

    embedded: list[EmbeddedPicture] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    deferrals: list[tuple[ImageRef, float]] = field(default_factory=list)
    """Pictures with the seconds that they are put off by, from when the chunk is finished."""

    def fail(self, image: ImageRef, failure: ItemFailure, *, attempts: int = 1) -> None:
        """Record a final failure."""
        self.failures.append(
            Failure(image, failure.reason, failure.detail[:500], attempts, time.time())
        )

    def fail_with(self, image: ImageRef, reason: FailureReason, detail: str) -> None:
        """Record a final failure by its parts."""
        self.fail(image, ItemFailure(reason, detail))

    def defer(self, image: ImageRef, seconds: float) -> None:
        """Record that a picture is tried again later, one round further."""
        self.deferrals.append((replace(image, rounds=image.rounds + 1), seconds))
