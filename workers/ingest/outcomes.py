"""The outcomes of a chunk's pictures so far: embedded, failed, deferred, or none yet."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrine.core.types import Failure, FailureReason, ImageRef, ItemFailure


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """A picture with its unit vector, float32 [dimension], and the data stored with it."""

    image: ImageRef
    vector: NDArray[np.float32]
    content_sha256: str
    etag: str | None


@dataclass(slots=True)
class Outcomes:
    """At most one outcome per picture; a picture in none of the lists stays in the chunk."""

    embedded: list[EmbeddedPicture] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    deferrals: list[tuple[ImageRef, float]] = field(default_factory=list)
    """Deferred pictures with their delay in seconds, counted from the time the chunk is recorded."""

    def fail(self, image: ImageRef, failure: ItemFailure, *, attempts: int = 1) -> None:
        """Record a final failure."""
        self.failures.append(
            Failure(image, failure.reason, failure.detail[:500], attempts, time.time())
        )

    def fail_with(self, image: ImageRef, reason: FailureReason, detail: str) -> None:
        """Record a final failure from its reason and detail."""
        self.fail(image, ItemFailure(reason, detail))

    def defer(self, image: ImageRef, seconds: float) -> None:
        """Record that a picture is deferred, and count the round."""
        self.deferrals.append((replace(image, rounds=image.rounds + 1), seconds))
