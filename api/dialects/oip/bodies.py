"""The bytes of an inference request, decompressed if the client compressed them.

A body that decompresses beyond the body limit is refused as too large: a few bytes can decompress to gigabytes.
"""

from __future__ import annotations

import zlib
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from api.middleware.body_limit import JSON_BODY, BodyTooLarge
from vitrine.core.errors import BadInput

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
"""Makes zlib detect the format, gzip or zlib, by its header. HTTP calls the zlib format `deflate`."""


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
    return bytes(body)


Body = Annotated[bytes, Depends(_read)]
"""A route's dependency on the raw bytes of the body; `api.middleware.body_limit` limits them."""


def decoded_body(body: bytes, encoding: str | None) -> bytes:
    """Decode the body by its Content-Encoding.

    Raises `BodyTooLarge`, `BadInput` for bytes that do not have this encoding, 415 for any other encoding.
    """
    name = (encoding or "identity").strip().lower()
    if name == "identity":
        return body
    if name not in {"gzip", "deflate"}:
        raise HTTPException(415, "Content-Encoding may be gzip, deflate or identity.")
    inflating = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = inflating.decompress(body, JSON_BODY + 1)
    except zlib.error as error:
        raise BadInput(f"The body is not {name}, as its Content-Encoding says.") from error
    if len(plain) > JSON_BODY:
        raise BodyTooLarge(JSON_BODY)
    if not inflating.eof:
        raise BadInput(f"The {name} body ends too early.")
    return plain
