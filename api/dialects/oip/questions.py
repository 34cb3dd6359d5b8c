"""The queries of an Open Inference Protocol input: one for each of its pictures or texts.

FP32 holds pixels in the model's format, [n, 3, height, width], or one picture without n. BYTES holds pictures, raw or in
base64, or, depending on the input's name, URLs or texts.
"""

from __future__ import annotations

import base64
import binascii
import re

import numpy as np
from numpy.typing import NDArray

from api.dialects.oip.tensors import MAX_ELEMENTS, Tensor
from vitrine.core.errors import BadInput
from vitrine.core.schemes import ONLY_FETCHED, is_allowed_in_requests, strip_data_url_prefix
from vitrine.query.client import Query, QueryKind

MAX_TEXT_BYTES = 10_000
MAX_URL_BYTES = 8_192

KINDS: dict[str, QueryKind] = {
    "TEXT": "text",
    "TEXTS": "text",
    "URL": "url",
    "URLS": "url",
    "IMAGE_URL": "url",
}
"""Names of BYTES inputs that hold URLs or texts; under any other name they are pictures."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]+={0,2}\s*")


def questions(tensor: Tensor) -> list[Query]:
    """Return the queries, in the tensor's order; raise `BadInput`."""
    if isinstance(tensor.values, list):
        kind = KINDS.get(tensor.name.upper(), "image")
        found = [_of_bytes(tensor.name, kind, value) for value in tensor.values]
    else:
        found = [Query.of_pixels(one) for one in _pictures(tensor.name, tensor.values)]
    if not found:
        raise BadInput(f"{tensor.name} is empty.")
    return found


def _pictures(name: str, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the pixels as float32 [n, 3, height, width]; raise `BadInput` for any other shape."""
    if pixels.ndim == 3:
        pixels = pixels[np.newaxis]
    if pixels.ndim != 4 or pixels.shape[1] != 3 or not pixels.size:
        raise BadInput(
            f"{name} is FP32 {list(pixels.shape)}; expected pixels, [n, 3, height, width]."
        )
    if len(pixels) > MAX_ELEMENTS:
        raise BadInput(f"{name} has {len(pixels)} pictures; {MAX_ELEMENTS} are accepted at once.")
    return pixels


def _of_bytes(name: str, kind: QueryKind, value: bytes) -> Query:
    if not value:
        raise BadInput(f"{name} has an empty element.")
    if kind == "image":
        return Query("image", _plain(value))
    if len(value) > (MAX_TEXT_BYTES if kind == "text" else MAX_URL_BYTES):
        raise BadInput(f"{name} has an element of {len(value)} bytes, which is too long.")
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} has an element that is not UTF-8.") from error
    if kind == "url" and not is_allowed_in_requests(text):
        raise BadInput(f"{ONLY_FETCHED.capitalize()}.")
    return Query(kind, value)


def _plain(value: bytes) -> bytes:
    """Return a picture's bytes, raw or decoded from base64; no picture format consists only of base64 characters."""
    value = strip_data_url_prefix(value)
    if _BASE64.fullmatch(value) is None:
        return value
    try:
        return base64.b64decode(value)
    except binascii.Error:
        return value
