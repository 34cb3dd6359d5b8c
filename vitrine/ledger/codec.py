"""The encoding of chunks and failures: compact, versioned by position, readable by any worker."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from vitrine.core.types import (
    STAGES,
    Failure,
    FailureReason,
    ImageRef,
    JobSpec,
    RejectedRow,
    StageTotal,
)

_LEVEL = 1
"""This level compresses 64 rows with payloads to about a quarter; higher levels gain little and cost time."""


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
    """Encode a chunk's pictures, uncompressed; the bytes are the same on every machine."""
    return orjson.dumps([_row(image) for image in images])


def pack_rows(rows: bytes) -> bytes:
    """Compress the output of `image_rows` into a chunk's blob."""
    return zlib.compress(rows, _LEVEL)


def pack_images(images: Sequence[ImageRef]) -> bytes:
    """Encode pictures as a chunk's blob."""
    return pack_rows(image_rows(images))


def unpack_images(blob: bytes) -> tuple[ImageRef, ...]:
    """Decode the pictures of a chunk's blob."""
    return tuple(ImageRef(*row) for row in orjson.loads(zlib.decompress(blob)))


def pack_failure(failure: Failure) -> bytes:
    """Encode a failure's record without its reason, which precedes the record in the ledger."""
    record = [*_row(failure.image), failure.detail, failure.attempts, failure.failed_at]
    return orjson.dumps(record)


def unpack_failure(raw: bytes) -> Failure:
    """Decode a failure from `reason record`."""
    reason, _, record = raw.partition(b" ")
    *row, detail, attempts, failed_at = orjson.loads(record)
    return Failure(ImageRef(*row), FailureReason(reason.decode()), detail, attempts, failed_at)


def pack_problem(row: RejectedRow) -> bytes:
    """Encode a rejected row."""
    return orjson.dumps([row.source, row.line, row.field, row.message, row.code])


def unpack_problem(raw: bytes) -> RejectedRow:
    """Decode a rejected row."""
    return RejectedRow(*orjson.loads(raw))


def pack_stages(stages: Mapping[str, StageTotal]) -> str:
    """Encode stages as `fetch 64 1532000 decode …` (stage, pictures, microseconds), which a script adds to a job's counts."""
    return " ".join(
        f"{name} {total.pictures} {round(1e6 * total.seconds)}" for name, total in stages.items()
    )


def unpack_stages(row: Mapping[bytes, bytes]) -> dict[str, StageTotal]:
    """Decode the stages from a job's fields, as the script wrote them."""
    found = {}
    for name in STAGES:
        pictures = int(row.get(b"stage:%b:pictures" % name.encode(), 0))
        if pictures:
            micros = int(row.get(b"stage:%b:micros" % name.encode(), 0))
            found[name] = StageTotal(pictures, micros / 1e6)
    return found


def pack_spec(spec: JobSpec) -> bytes:
    """Encode a job's spec."""
    return orjson.dumps(asdict(spec))


def unpack_spec(raw: bytes) -> JobSpec:
    """Decode a job's spec; fields of later versions are ignored."""
    known = JobSpec.__dataclass_fields__
    return JobSpec(**{key: value for key, value in orjson.loads(raw).items() if key in known})
