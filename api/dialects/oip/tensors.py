"""Reading of Open Inference Protocol tensors from a request's bytes.

    JSON alone                                         the data is in the JSON, flat or nested
    JSON ++ tensor ++ tensor …                         the header `Inference-Header-Content-Length` is the JSON's length,
                                                       `binary_data_size` a tensor's; numbers are little-endian, each
                                                       element of BYTES is a length of four bytes, then its bytes
    picture's bytes alone                              that header is 0: one BYTES tensor of shape [1]

No length in a request is trusted: each is checked against the actual bytes before they are used.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.dialects.oip.schemas import InferIn, OutputIn, TensorIn
from api.requests import bodies
from vitrine.core.errors import BadInput

RAW_INPUT = "IMAGE"
"""The name of the input in a request without JSON."""
MAX_ELEMENTS = 256
"""Pictures or texts per request: as many as one call of the query lane has in flight."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input: FP32 as float32 in its shape, BYTES as a flat list in row-major order."""

    name: str
    values: NDArray[np.float32] | list[bytes]


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A parsed request."""

    id: str | None
    tensor: Tensor
    outputs: tuple[OutputIn, ...]
    binary: bool  #: Whether outputs are binary by default.
    timeout: float | None  #: Seconds; None if the client set none.


def read_request(body: bytes, header_length: str | None) -> InferRequest:
    """Parse a body as a request; raise `BadInput` or a validation error that names the field."""
    if header_length is None:
        return _read(bodies.from_json(InferIn, body), b"")
    if not header_length.isdecimal() or int(header_length) > len(body):
        raise BadInput(
            "Inference-Header-Content-Length is not a length of this body.",
            hint="It is the number of bytes of the JSON before the tensors.",
        )
    size = int(header_length)
    if size == 0:
        return InferRequest(None, Tensor(RAW_INPUT, [body]), (), binary=False, timeout=None)
    return _read(bodies.from_json(InferIn, body[:size]), body[size:])


def _read(asked: InferIn, rest: bytes) -> InferRequest:
    if len(asked.inputs) != 1:
        raise BadInput(
            f"The request has {len(asked.inputs)} inputs: {', '.join(one.name for one in asked.inputs)}.",
            hint="Give exactly one; the model's metadata names them.",
        )
    given = asked.inputs[0]
    _refuse_parameters({**asked.parameters, **given.parameters})
    binary = bool(asked.parameters.get("binary_data_output", False))
    return InferRequest(
        asked.id, _tensor(given, rest), tuple(asked.outputs), binary, _timeout(asked)
    )


def _timeout(asked: InferIn) -> float | None:
    """Return the timeout in seconds; the protocol's extension uses microseconds, and 0 means none."""
    micros = asked.parameters.get("timeout")
    return float(micros) / 1e6 if isinstance(micros, int) and micros > 0 else None


_LACKING = {
    "shared_memory_region": "shared memory, which only processes on one host have",
    "sequence_id": "sequences: every picture is independent",
    "classification": "classification, since an embedding has no classes",
}


def _refuse_parameters(parameters: dict[str, Any]) -> None:
    for name, what in _LACKING.items():
        if parameters.get(name):
            raise BadInput(f"The parameter {name} asks for {what}: that is not served here.")


# --- reading a tensor -----------------------------------------------------------------------------


def _tensor(given: TensorIn, rest: bytes) -> Tensor:
    size = given.parameters.get("binary_data_size")
    count = _count(given)
    if size is None:
        if rest:
            raise BadInput(f"{len(rest)} bytes after the JSON do not belong to any tensor.")
        return Tensor(given.name, _from_data(given, count))
    if given.data is not None or size != len(rest) or isinstance(size, bool):
        raise BadInput(
            f"{given.name}: binary_data_size is {size}, and {len(rest)} bytes stand after the JSON.",
            hint="Put a tensor's data into the JSON or after it; all of it must belong to the tensor.",
        )
    return Tensor(given.name, _from_bytes(given, count, rest))


def _count(given: TensorIn) -> int:
    if any(length < 0 for length in given.shape):
        raise BadInput(f"{given.name}: the shape {given.shape} has a negative length.")
    return math.prod(given.shape)


def _from_data(given: TensorIn, count: int) -> NDArray[np.float32] | list[bytes]:
    if given.data is None:
        raise BadInput(f"{given.name} has no data.")
    if given.datatype == "BYTES":
        texts = list(islice(_flat(given), MAX_ELEMENTS + 1))
        _require_count(given, len(texts), count)
        return [text.encode() for text in texts]
    _require_floats(given)
    try:
        numbers = np.array(given.data)
    except ValueError as error:
        raise BadInput(f"{given.name}: the data's rows differ in length.") from error
    if numbers.dtype.kind not in "fiu":
        raise BadInput(f"{given.name}: the data are not all numbers.")
    _require_count(given, numbers.size, count)
    with np.errstate(
        over="ignore"
    ):  # a value too large for float32 becomes infinite, which is refused
        return _finite(given, numbers.astype(np.float32).reshape(given.shape))


def _flat(given: TensorIn) -> Iterator[str]:
    """Yield the strings of nested lists in row-major order; not recursive, because the client chooses the depth."""
    stack: list[Any] = [given.data]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, str):
            yield value
        else:
            raise BadInput(f"{given.name}: BYTES in JSON are strings.")


def _from_bytes(given: TensorIn, count: int, raw: bytes) -> NDArray[np.float32] | list[bytes]:
    if given.datatype == "BYTES":
        elements = list(islice(_elements(given, raw), MAX_ELEMENTS + 1))
        _require_count(given, len(elements), count)
        return elements
    _require_floats(given)
    if len(raw) != 4 * count:
        raise BadInput(f"{given.name}: {given.shape} of FP32 is {4 * count} bytes, not {len(raw)}.")
    return _finite(given, np.frombuffer(raw, dtype="<f4").reshape(given.shape))


def _elements(given: TensorIn, raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        end = at + 4
        if end <= len(raw):
            end += struct.unpack_from("<I", raw, at)[0]
        if end > len(raw) or end < at + 4:
            raise BadInput(f"{given.name}: an element ends after the data.")
        yield raw[at + 4 : end]
        at = end


def _require_floats(given: TensorIn) -> None:
    if given.datatype != "FP32":
        raise BadInput(
            f"{given.name}: the datatype {given.datatype} is not taken.",
            hint="Send FP32 pixels, or pictures as BYTES.",
        )


def _require_count(given: TensorIn, found: int, count: int) -> None:
    if given.datatype == "BYTES" and found > MAX_ELEMENTS:
        raise BadInput(f"{given.name} has more than the {MAX_ELEMENTS} elements accepted at once.")
    if found != count:
        raise BadInput(f"{given.name}: the shape {given.shape} is of {count} values, not {found}.")


def _finite(given: TensorIn, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(numbers).all():
        raise BadInput(f"{given.name} has values that are not finite.")
    return numbers
