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
from vitrine.net.url import mend_url

_WEB_URL = re.compile(rf"(?:{WEB_SCHEMES})://[^\x00-\x20\x7f/?#@\\]+(?:[/?#][^\x00-\x20\x7f]*)?")
_PLAIN_URL = re.compile(rf"(?:{HOST_SCHEMES})://[^\x00-\x20\x7f/?#@\\]+(?:[/?#][^\x00-\x20\x7f]*)?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


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
            raise _bad(f"expected an http(s) URL or a path, found {shown(value)}")
        mended = _mended(value) if known.names_host else value
        if (
            self.places is not None
            and not known.in_requests
            and place_of(mended) not in self.places
        ):
            raise _bad(
                f"{place_of(mended)} is not read for catalogs sent over HTTP (VITRINE_REQUEST_PLACES)"
            )
        return mended

    def _file_url(self, value: str) -> str:
        if self.folder is None:
            raise _bad("file: URLs are not read here; expected an http(s) URL")
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
            raise _bad(f"expected an http(s) URL, found {shown(value)} and no image root")
        return self._beneath(value, value)

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
            raise _bad(f"expected an http(s) URL or the path of a file, found {shown(value)}")
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
            raise BadInput("The image root must be an http(s) URL: no files are read here.")
        return ImageRoot(places=places)
    where = Path(given).expanduser() if given is not None else folder
    if where is None:
        return ImageRoot(places=places)
    if not where.is_dir():
        raise BadInput(
            f"The image root {str(where)!r} is not a folder.",
            hint="Give a folder or an http(s) URL.",
        )
    return ImageRoot(folder=str(where.resolve()), given=os.path.abspath(where), places=places)


def _prefix(given: str, scheme: Scheme, places: tuple[str, ...] | None) -> str:
    try:
        mended = _mended(given)
        if places is not None and not scheme.in_requests and place_of(mended) not in places:
            raise _bad(f"{place_of(mended)} is not named in VITRINE_REQUEST_PLACES")
    except RowError as flaw:
        raise BadInput(f"The image root cannot be used: {flaw.message}.") from flaw
    return mended if mended.endswith(("/", "=")) else f"{mended}/"


def _mended(value: str) -> str:
    """Return a URL with its scheme in lower case and its blanks encoded, as browsers request it."""
    scheme, _, rest = value.partition("://")
    if "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        raise _bad("a URL with a user name or password in it, which vitrine does not carry")
    mended = f"{scheme.lower()}://{mend_url(rest)}"
    if not _PLAIN_URL.fullmatch(mended):
        raise _bad(f"expected http(s)://host/path, found {shown(value)}")
    return mended


def _bad(message: str) -> RowError:
    return RowError(message, code="bad_url")
