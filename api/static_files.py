"""The page at `/`: its files, read once when the app is created, and sent with a policy that blocks foreign content.

The files hold no data, so they are sent to any client, with or without a key: the page itself prompts for the
key. Only pictures are loaded from other hosts, because a catalog's pictures are on the shop's servers.
There is no build step: the browser gets the files of `api/web` as ES modules, except `formats.js`, which is
generated from the table of catalog formats.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from producer.formats import ACCEPTED_SUFFIXES, FILE_FORMATS, FORMATS, PACKED, WHOLE_MARKS
from producer.presets import PRESETS

FOLDER = Path(__file__).with_name("web")
PREFIX = "/page/"
INDEX = "index.html"
FORMATS_MODULE = "formats.js"

MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Files with any other suffix are not part of the page."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        # The catalog's pictures, on any host of the shop; `blob:` and `data:` are for pictures that the user dropped.
        "img-src 'self' data: blob: http: https:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # Text never becomes markup: the browser refuses innerHTML and the like.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # revalidated on every load (304), so that a page never mixes two versions
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page, ready to send."""

    body: bytes
    media_type: str
    etag: str


def read_files(folder: Path = FOLDER) -> dict[str, PageFile]:
    """Return the page's files by their path in the folder, such as `styles/base.css`, and the generated one."""
    found = {
        path.relative_to(folder).as_posix(): _read(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in MEDIA_TYPES and path.is_file()
    }
    return {**found, FORMATS_MODULE: _page_file(_formats_module(), ".js")}


def _read(path: Path) -> PageFile:
    return _page_file(path.read_bytes(), path.suffix)


def _page_file(body: bytes, suffix: str) -> PageFile:
    digest = hashlib.sha256(body).hexdigest()[:32]
    return PageFile(body, MEDIA_TYPES[suffix], f'"{digest}"')


def _formats_module() -> bytes:
    """Return an ES module with the catalog formats, so that the page needs no list of its own."""
    *others, last = (FORMATS[name].title for name in FILE_FORMATS)
    exports = {
        "ACCEPT": ",".join([*ACCEPTED_SUFFIXES, *PACKED]),
        "FORMATS": f"{', '.join(others)} or {last}",
        "PACKED": PACKED,
        "PRESETS": {name: preset.title for name, preset in PRESETS.items()},
        "WHOLE_MARKS": WHOLE_MARKS,
    }
    lines = (f"export const {name} = {json.dumps(value)};" for name, value in exports.items())
    return "\n".join([*lines, ""]).encode()


def open_paths(files: Mapping[str, PageFile]) -> frozenset[str]:
    """Return the exact paths that are sent without a key; they are not patterns, so no variant spelling opens another path."""
    return frozenset({"/", *(PREFIX + name for name in files)})


def router(files: Mapping[str, PageFile]) -> APIRouter:
    """Return the routes of these files; they are not part of the OpenAPI document."""
    made = APIRouter(include_in_schema=False)

    async def index(request: Request) -> Response:
        return _answer(request, files[INDEX])

    async def file(request: Request, name: str) -> Response:
        if name not in files:
            raise HTTPException(404)
        return _answer(request, files[name])

    made.add_api_route("/", index, methods=["GET", "HEAD"])
    made.add_api_route(PREFIX + "{name:path}", file, methods=["GET", "HEAD"])
    return made


def _answer(request: Request, file: PageFile) -> Response:
    headers = {**HEADERS, "ETag": file.etag}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)
