"""Every URL scheme that vitrine knows: the one table that says who may use it, and for what.

A scheme is named by catalogs (pictures), by people and clients (a picture to search by), or as the place of a catalog. Who
reads it is registered by name: pictures in `workers.fetch.readers`, catalogs in `producer.remote.openers` and `producer.source`. A new
source is a row here, its reader, and the reader's registration. Redirects lead to those with an `http_port` only.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import AnyStr
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme."""

    name: str
    names_host: bool  #: Whether `//host` follows it, and who asks is judged by that host.
    in_catalogs: bool  #: Whether a catalog may name pictures by it.
    in_requests: (
        bool  #: Whether a client may name a picture by it, which a worker then reads for anybody.
    )
    http_port: int | None = (
        None  #: The default port of one that is fetched over HTTP; None for all others.
    )


HTTP = Scheme("http", names_host=True, in_catalogs=True, in_requests=True, http_port=80)
HTTPS = Scheme("https", names_host=True, in_catalogs=True, in_requests=True, http_port=443)
FILE = Scheme("file", names_host=False, in_catalogs=True, in_requests=False)
"""Read only where files are allowed, and only beneath the catalog's own folder."""

S3 = Scheme("s3", names_host=True, in_catalogs=True, in_requests=False)
GS = Scheme("gs", names_host=True, in_catalogs=True, in_requests=False)
AZ = Scheme("az", names_host=True, in_catalogs=True, in_requests=False)
"""Object stores: after `//` comes a bucket, or Azure's container; its host and account are the operator's configuration."""
SFTP = Scheme("sftp", names_host=True, in_catalogs=True, in_requests=False)
STORES = (S3, GS, AZ)

SCHEMES = {scheme.name: scheme for scheme in (HTTP, HTTPS, FILE, *STORES, SFTP)}
URL_START = f"(?:{'|'.join(name for name, scheme in SCHEMES.items() if scheme.in_catalogs)})://"
"""A regular expression for how a URL begins that a catalog may name, for use with `re.IGNORECASE`."""
HOST_SCHEMES = "|".join(name for name, scheme in SCHEMES.items() if scheme.names_host)
"""The same for the names of those that have a host."""
WEB_SCHEMES = "|".join(name for name, scheme in SCHEMES.items() if scheme.http_port is not None)
"""The same for those that are fetched over HTTP."""
_NAMES = [f"{name}://" for name, scheme in SCHEMES.items() if scheme.in_requests]
ONLY_FETCHED = f"only {', '.join(_NAMES[:-1])} and {_NAMES[-1]} URLs are fetched"
"""What is said of a picture's URL in a request that `is_allowed_in_requests` refuses."""
_PLACE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/@?#]*@)?([^/?#]*)")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")


def scheme_of(text: str) -> Scheme | None:
    """The scheme that a text begins with, in letters of either case; None for a path and for schemes unknown here."""
    begins = _SCHEME.match(text)
    found = SCHEMES.get(begins[1].lower()) if begins else None
    if begins is None or found is None or (found.names_host and not begins[2]):
        return None
    return found


def is_allowed_in_requests(text: str) -> bool:
    """Whether a client may name a picture by this URL."""
    scheme = scheme_of(text)
    return scheme is not None and scheme.in_requests


def place_of(url: str) -> str:
    """The bucket or host of a URL, as settings name it: `s3://bucket`, `sftp://host`; empty if there is none."""
    found = _PLACE.match(url)
    return f"{found[1].lower()}://{found[2]}" if found and found[2] else ""


def is_web_address(text: str) -> bool:
    """Whether a browser can show what the URL names: not what only a reader of ours reaches."""
    scheme = scheme_of(text)
    return scheme is not None and scheme.http_port is not None


def local_path(url: str) -> str:
    """The absolute path that a `file:` URL names; raises `ValueError` saying what is wrong with it.

    Bytes that are no UTF-8 come as Python's file functions take them (surrogate escapes).
    """
    try:
        parts = urlsplit(url)
        path = os.fsdecode(unquote_to_bytes(parts.path))
    except ValueError:
        raise ValueError("the file URL cannot be read") from None
    if parts.netloc.lower() not in ("", "localhost") or not path.startswith("/"):
        raise ValueError("a file URL is file:///absolute/path")
    if parts.query or parts.fragment:
        raise ValueError("a file URL has no query; write ? and # in a name as %3F and %23")
    if "\0" in path:
        raise ValueError("a file URL without control characters is expected")
    return path


def file_url(path: str) -> str:
    """The `file:` URL of an absolute path."""
    return "file://" + quote_from_bytes(os.fsencode(path), safe="/")


def strip_data_url_prefix(text: AnyStr) -> AnyStr:
    """Base64 without the `data:image/…;base64,` that browsers put before it."""
    if isinstance(text, str):
        return text.partition(",")[2] if text.startswith("data:") else text
    return text.partition(b",")[2] if text.startswith(b"data:") else text
