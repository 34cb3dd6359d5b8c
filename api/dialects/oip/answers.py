"""A response of the Open Inference Protocol: vectors under the outputs' names, in the JSON or as binary data after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header with the length of the JSON, if binary tensors follow it."""


@dataclass(frozen=True, slots=True)
class EncodedAnswer:
    """A response's body, and the length of its JSON if binary tensors follow it."""

    body: bytes
    header_length: int | None


def write_answer(
    head: dict[str, Any], vectors: NDArray[np.float32], outputs: Sequence[tuple[str, bool]]
) -> EncodedAnswer:
    """Encode a response with `vectors`, float32 [n, dimension], under each output's name, in binary if its flag is set."""
    told: list[dict[str, Any]] = []
    behind: list[bytes] = []
    for name, binary in outputs:
        output: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": list(vectors.shape)}
        if binary:
            raw = vectors.astype("<f4", copy=False).tobytes()
            output["parameters"] = {"binary_data_size": len(raw)}
            behind.append(raw)
        else:
            output["data"] = np.ascontiguousarray(vectors).reshape(-1)
        told.append(output)
    json = orjson.dumps(head | {"outputs": told}, option=orjson.OPT_SERIALIZE_NUMPY)
    return EncodedAnswer(b"".join([json, *behind]), len(json) if behind else None)
