"""The URL that a worker fetches for one picture: http(s) URLs unchanged, paths resolved under the image root.

The root is a URL prefix, or a folder if the caller allows files (the command line does, HTTP never does). A path
must not leave its root. Only the text is checked here; the worker, which has the files, checks what they
really are.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from producer.limits import MAX_URL_CHARS
from producer.row_errors import RowError, shown
from vitrine.core.errors import BadInput
from vitrine.core.schemes import (
    FILE,
    HOST_SCHEMES,
    SCHEMES,
    WEB_SCHEMES,
    Scheme,
    file_url,
    local_path,
    place_of,
    scheme_of,
)
from vitrine.net.url import mend_url, shown_url

_HOST = r"[^\x00-\x20\x7f/?#@\\]+"
_WEB_URL = re.compile(rf"(?:{WEB_SCHEMES})://{_HOST}(?:[/?#][^\x00-\x20\x7f\\]*)?")
_MENDED_URL = re.compile(rf"(?:{HOST_SCHEMES})://{_HOST}(?:[/?#][^\x00-\x20\x7f]*)?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUERY = re.compile(r"[?#]")
_LIKE_HOST = re.compile(
    r"(?:www\.[^/\s]{1,200}|(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,18}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|localhost)(?::[0-9]{1,5})?/",
    re.IGNORECASE,
)
_URLS = [f"{name}://" for name, known in SCHEMES.items() if known.in_catalogs and known.names_host]
A_URL = f"an {', '.join(_URLS[:-1])} or {_URLS[-1]} URL"
"""The URLs that a catalog can name, for messages: "an http:// or https:// URL"."""


@dataclass(frozen=True, slots=True)
class ImageRoot:
    """The base of relative paths: a URL `prefix`, a `folder` (absolute, links resolved), or neither."""

    prefix: str | None = None
    folder: str | None = None
    given: str | None = None  #: The folder as the caller named it, links not resolved.
    places: tuple[str, ...] | None = ()
    """Buckets and hosts that may be named by schemes that clients cannot use otherwise; None for all of them."""
    must_exist: bool = False
    """Whether a path has to exist: a list of URLs has no column name that confirms that a line is a path."""

    def url(self, value: str) -> str:
        """Return the URL to fetch; raise `RowError` (`bad_url`) that says what was expected."""
        if len(value) > MAX_URL_CHARS:
            raise _bad(f"a URL of {len(value)} characters, at most {MAX_URL_CHARS} are taken")
        if _WEB_URL.fullmatch(value):
            return value
        if _CONTROL.search(value):
            raise _bad(f"a control character in {shown(value)}")
        if value.startswith("//"):
            value = f"https:{value}"
        scheme = _SCHEME.match(value)
        url = self._path_url(value) if scheme is None else self._other(scheme[1].lower(), value)
        if len(url) > MAX_URL_CHARS:
            raise _bad(f"a URL of more than {MAX_URL_CHARS} characters")
        return url

    def _other(self, scheme: str, value: str) -> str:
        known = SCHEMES.get(scheme)
        if known is FILE:
            return self._file_url(value)
        if known is None or not known.in_catalogs:
            raise _bad(
                f"expected {A_URL} or a path, found {shown(value)}{_is_host_question(value)}"
            )
        if known.http_port is not None:
            value = _with_slashes(value)
        mended = _mended(value) if known.names_host else value
        if (
            self.places is not None
            and not known.in_requests
            and place_of(mended) not in self.places
        ):
            raise _bad(
                f"{place_of(shown_url(mended))} is not read for catalogs sent over HTTP (VITRINE_REQUEST_PLACES)"
            )
        return mended

    def _file_url(self, value: str) -> str:
        if self.folder is None:
            raise _bad(f"file: URLs are not read here; expected {A_URL}")
        try:
            path = local_path(value)
        except ValueError as error:
            raise _bad(f"{error}; found {shown(value)}") from None
        return self._beneath(path, value)

    def _path_url(self, value: str) -> str:
        if self.prefix is not None:
            if ".." in re.split(r"[/\\]", value):
                raise _bad(f"a path that leaves its root: {shown(value)}")
            return f"{self.prefix}{quote(value.lstrip('/'), safe=_URL_SAFE)}"
        if self.folder is None:
            raise _bad(
                f"expected {A_URL}, found {shown(value)} and no image root{_is_host_question(value)}"
            )
        return self._beneath(self._below(value), value)

    def _below(self, value: str) -> str:
        """Return `/m/b.jpg` as `m/b.jpg` if the folder has an `m`: platforms start paths below their media folder with a slash."""
        first, _, _ = value.lstrip("/").partition("/")
        if (
            not value.startswith("/")
            or not first
            or any(
                value.startswith(f"{root.rstrip('/')}/")
                for root in (self.folder, self.given)
                if root
            )
        ):
            return value
        return (
            value.lstrip("/") if os.path.exists(os.path.join(self.folder or "", first)) else value
        )

    def _beneath(self, path: str, value: str) -> str:
        if "\0" in path:
            raise _bad(f"a control character in {shown(value)}")
        for root in (self.folder or "", self.given or ""):
            whole = os.path.normpath(os.path.join(root, path))
            above = root.rstrip("/") + "/"
            if whole.startswith(above):
                return self._there(os.path.join(self.folder or "", whole[len(above) :]), value)
        raise _bad(f"a path outside the image root {self.given!r}: {shown(value)}")

    def _there(self, path: str, value: str) -> str:
        if self.must_exist and not os.path.isfile(path):
            raise _bad(
                f"expected {A_URL} or the path of a file, found {shown(value)}{_is_host_question(value)}"
            )
        return file_url(path)


_URL_SAFE = "/%?&=+,;:@~!$'()*[]#"


def image_root(
    given: str | None,
    folder: Path | None,
    *,
    allow_files: bool,
    places: tuple[str, ...] | None = (),
) -> ImageRoot:
    """Return the root that `given` names, otherwise the catalog's folder; raise `BadInput` if `given` is neither a URL nor a folder.

    Of buckets and SFTP hosts the catalog can name `places` only; None allows all of them.
    """
    if given is not None and (scheme := scheme_of(given)) is not None and scheme.names_host:
        return ImageRoot(prefix=_prefix(given, scheme, places), places=places)
    if not allow_files:
        if given is not None:
            raise BadInput(f"The image root must be {A_URL}: no files are read here.")
        return ImageRoot(places=places)
    where = Path(given).expanduser() if given is not None else folder
    if where is None:
        return ImageRoot(places=places)
    if not where.is_dir():
        raise BadInput(
            f"The image root {str(where)!r} is not a folder.",
            hint=f"Give a folder or {A_URL}.",
        )
    return ImageRoot(folder=str(where.resolve()), given=os.path.abspath(where), places=places)


def _prefix(given: str, scheme: Scheme, places: tuple[str, ...] | None) -> str:
    try:
        mended = _mended(given)
        if places is not None and not scheme.in_requests and place_of(mended) not in places:
            raise _bad(f"{place_of(shown_url(mended))} is not named in VITRINE_REQUEST_PLACES")
    except RowError as flaw:
        raise BadInput(f"The image root cannot be used: {flaw.message}.") from flaw
    return mended if mended.endswith(("/", "=")) else f"{mended}/"


def _mended(value: str) -> str:
    """Return a URL with its scheme in lower case and its blanks encoded, as browsers request it."""
    scheme, _, rest = value.partition("://")
    if "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        raise _bad("a URL with a user name or password in it, which vitrine does not carry")
    mended = f"{scheme.lower()}://{mend_url(rest)}"
    if not _MENDED_URL.fullmatch(mended):
        raise _bad(f"expected {scheme.partition(':')[0].lower()}://host/path, found {shown(value)}")
    return mended


def looks_like_host(value: str) -> bool:
    """Return whether a name without a scheme starts like a host (`www.shop.example/a.jpg`)."""
    return _LIKE_HOST.match(value) is not None


def _is_host_question(value: str) -> str:
    return "; is https:// missing?" if looks_like_host(value) else ""


def _with_slashes(value: str) -> str:
    """Return an http(s) URL with its backslashes turned into slashes, as browsers do; those of its query stay."""
    if "\\" not in value:
        return value
    query = _QUERY.search(value)
    end = len(value) if query is None else query.start()
    return value[:end].replace("\\", "/") + value[end:]


def _bad(message: str) -> RowError:
    return RowError(message, code="bad_url")
