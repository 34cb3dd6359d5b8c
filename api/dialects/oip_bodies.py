"""The bytes of an inference request, unpacked where the client packed them.

A body that unpacks to more than a body may be is refused as too large: a few bytes can unpack to gigabytes.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from api.limits import JSON_BODY, Admission, BodyTooLarge
from vitrine.errors import BadInput
from vitrine.settings import MEBIBYTE

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
"""For zlib: look at the head, and take either. Clients call the second one `deflate`."""


LARGE_BODY = 8 * MEBIBYTE
"""Bytes past which a body is large, or one whose length is not told: four raw pictures of 384 x 384 are not."""
LARGE_AT_ONCE = 8
"""Numbers in JSON take four times their text in memory: so many of 32 MiB are a gigabyte."""


async def roomy(request: Request) -> AsyncIterator[None]:
    """A route's dependency: of large bodies only so many are taken in at once; raises `Full`."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) <= LARGE_BODY:
        yield
        return
    places: Admission = request.app.state.large_bodies
    with places:
        yield


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
    return bytes(body)


Body = Annotated[bytes, Depends(_read)]
"""How a route asks for the bytes as they came; `api.limits` bounds them."""


def unpacked(body: bytes, encoding: str | None) -> bytes:
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
