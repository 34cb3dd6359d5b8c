"""The bytes of an inference request, unpacked where the client packed them.

A body that unpacks to more than a body may be is refused as too large: a few bytes can unpack to gigabytes.
"""

from __future__ import annotations

import zlib
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from api.middleware.body_limit import JSON_BODY, BodyTooLarge
from vitrine.core.errors import BadInput

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
"""For zlib: look at the head, and take either. Clients call the second one `deflate`."""


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
    return bytes(body)


Body = Annotated[bytes, Depends(_read)]
"""How a route asks for the bytes as they came; `api.middleware.body_limit` bounds them."""


def decoded_body(body: bytes, encoding: str | None) -> bytes:
    """The body as its Content-Encoding says.

    Raises `BodyTooLarge`, `BadInput` for bytes that are not so encoded, 415 for another encoding.
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
