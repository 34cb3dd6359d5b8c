"""How chunks and failures are written down: compact, versioned by position, readable by any worker."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from vitrine.contracts import Failure, FailureReason, ImageRef, JobSpec

_LEVEL = 1
"""64 rows with their payloads shrink to about a quarter at this level; higher ones gain little and cost time."""


def _row(image: ImageRef) -> list[Any]:
    return [
        image.ordinal,
        image.item_id,
        image.index,
        image.url,
        dict(image.payload),
        image.rounds,
    ]


def image_rows(images: Sequence[ImageRef]) -> bytes:
    """A chunk's pictures as they are written down, not yet compressed: the same bytes on every machine."""
    return orjson.dumps([_row(image) for image in images])


def pack_rows(rows: bytes) -> bytes:
    """A chunk's blob, from `image_rows`."""
    return zlib.compress(rows, _LEVEL)


def pack_images(images: Sequence[ImageRef]) -> bytes:
    """A chunk's blob."""
    return pack_rows(image_rows(images))


def unpack_images(blob: bytes) -> tuple[ImageRef, ...]:
    """A chunk's pictures."""
    return tuple(ImageRef(*row) for row in orjson.loads(zlib.decompress(blob)))


def pack_failure(failure: Failure) -> bytes:
    """A failure's record, without its reason (which stands before it in the ledger)."""
    record = [*_row(failure.image), failure.detail, failure.attempts, failure.failed_at]
    return orjson.dumps(record)


def unpack_failure(raw: bytes) -> Failure:
    """A failure from `reason record`."""
    reason, _, record = raw.partition(b" ")
    *row, detail, attempts, failed_at = orjson.loads(record)
    return Failure(ImageRef(*row), FailureReason(reason.decode()), detail, attempts, failed_at)


def pack_spec(spec: JobSpec) -> bytes:
    """A job's spec."""
    return orjson.dumps(asdict(spec))


def unpack_spec(raw: bytes) -> JobSpec:
    """A job's spec; fields of later versions are passed over."""
    known = JobSpec.__dataclass_fields__
    return JobSpec(**{key: value for key, value in orjson.loads(raw).items() if key in known})
