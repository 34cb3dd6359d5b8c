"""What stays in a chunk after a finish, and until when: one rule for both ledgers."""

from __future__ import annotations

from collections.abc import Sequence

from vitrine.core.types import Failure, ImageRef
from vitrine.ledger.base import Deferral, Lease


def remaining_images(
    lease: Lease,
    *,
    embedded: Sequence[int],
    failures: Sequence[Failure],
    putoffs: Sequence[Deferral],
) -> tuple[tuple[ImageRef, ...], float | None]:
    """The pictures without an outcome, and when they are due (unix seconds; None for at once).

    Those put off are kept as their putoff has them, one round further. The latest of their times holds for
    all: a host's Retry-After is kept, and a chunk goes out once.
    """
    settled = {*embedded, *(failure.image.ordinal for failure in failures)}
    later = {putoff.image.ordinal: putoff.image for putoff in putoffs}
    images = tuple(
        later.get(image.ordinal, image)
        for image in lease.chunk.images
        if image.ordinal not in settled
    )
    return images, max((putoff.due for putoff in putoffs), default=None)
