"""Every URL scheme that vitrine knows: the one table that says who may use it, and for what.

URLs come from catalogs (pictures), from users and clients (a picture to search by), or give a catalog's location. Readers
are registered by scheme name: for pictures in `workers.fetch.readers`, for catalogs in `producer.source`. A new source
needs a row here, a reader, and the reader's registration. Redirects are followed only to schemes with an `http_port`.
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
    names_host: bool  #: Whether `//host` follows it; access is then checked by that host.
    in_catalogs: bool  #: Whether catalogs may use it for pictures.
    in_requests: bool  #: Whether any client may use it for a picture, which a worker then reads.
    http_port: int | None = (
        None  #: Default port of a scheme fetched over HTTP; None for all others.
    )


HTTP = Scheme("http", names_host=True, in_catalogs=True, in_requests=True, http_port=80)
HTTPS = Scheme("https", names_host=True, in_catalogs=True, in_requests=True, http_port=443)
FILE = Scheme("file", names_host=False, in_catalogs=True, in_requests=False)
"""Read only if files are allowed, and only below the catalog's folder."""

S3 = Scheme("s3", names_host=True, in_catalogs=True, in_requests=False)
GS = Scheme("gs", names_host=True, in_catalogs=True, in_requests=False)
AZ = Scheme("az", names_host=True, in_catalogs=True, in_requests=False)
"""Object stores: after `//` comes a bucket, or Azure's container; its host and account are the operator's configuration."""
SFTP = Scheme("sftp", names_host=True, in_catalogs=True, in_requests=False)
STORES = (S3, GS, AZ)

SCHEMES = {scheme.name: scheme for scheme in (HTTP, HTTPS, FILE, *STORES, SFTP)}
URL_START = f"(?:{'|'.join(name for name, scheme in SCHEMES.items() if scheme.in_catalogs)})://"
"""A regular expression for the start of a URL that a catalog may contain, for use with `re.IGNORECASE`."""
HOST_SCHEMES = "|".join(name for name, scheme in SCHEMES.items() if scheme.names_host)
"""A regular expression for the names of schemes that have a host."""
WEB_SCHEMES = "|".join(name for name, scheme in SCHEMES.items() if scheme.http_port is not None)
"""The same for schemes that are fetched over HTTP."""
_NAMES = [f"{name}://" for name, scheme in SCHEMES.items() if scheme.in_requests]
ONLY_FETCHED = f"only {', '.join(_NAMES[:-1])} and {_NAMES[-1]} URLs are fetched"
"""Message for a picture's URL in a request that `is_allowed_in_requests` refuses."""
_PLACE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/@?#]*@)?([^/?#]*)")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")


def scheme_of(text: str) -> Scheme | None:
    """Return the scheme of a text, ignoring case; None for a path or an unknown scheme."""
    begins = _SCHEME.match(text)
    found = SCHEMES.get(begins[1].lower()) if begins else None
    if begins is None or found is None or (found.names_host and not begins[2]):
        return None
    return found


def is_allowed_in_requests(text: str) -> bool:
    """Whether a client may use this URL for a picture."""
    scheme = scheme_of(text)
    return scheme is not None and scheme.in_requests


def place_of(url: str) -> str:
    """The bucket or host of a URL, as settings name it: `s3://bucket`, `sftp://host`; empty if there is none."""
    found = _PLACE.match(url)
    return f"{found[1].lower()}://{found[2]}" if found and found[2] else ""


def is_web_address(text: str) -> bool:
    """Whether a browser can open the URL, which it cannot if only one of our readers can."""
    scheme = scheme_of(text)
    return scheme is not None and scheme.http_port is not None


def is_http_url_without_credentials(text: str) -> bool:
    """Whether the text is an http(s) URL with a host and without credentials."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and parts.username is None
        and parts.password is None
    )


def local_path(url: str) -> str:
    """Return the absolute path of a `file:` URL; raises `ValueError` saying what is wrong with it.

    Bytes that are not UTF-8 are returned as surrogate escapes, as Python's file functions expect.
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
        raise ValueError("a file URL must not contain control characters")
    return path


def file_url(path: str) -> str:
    """Return the `file:` URL of an absolute path."""
    return "file://" + quote_from_bytes(os.fsencode(path), safe="/")


def strip_data_url_prefix(text: AnyStr) -> AnyStr:
    """Return base64 without the `data:image/…;base64,` that browsers prepend."""
    if isinstance(text, str):
        return text.partition(",")[2] if text.startswith("data:") else text
    return text.partition(b",")[2] if text.startswith(b"data:") else text
