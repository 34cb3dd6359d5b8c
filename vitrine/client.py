"""The API client of the commands: search, embed and score, with every failure raised as a `VitrineError`."""

from __future__ import annotations

import os
from typing import Any

import orjson
import requests
from pydantic import SecretStr
from requests.auth import AuthBase

from vitrine.core.errors import (
    BadInput,
    Conflict,
    Forbidden,
    LedgerUnavailable,
    ModelUnavailable,
    NotFound,
    QueueFull,
    RateLimited,
    SpaceMismatch,
    StoreRejected,
    StoreUnavailable,
    Unauthorized,
    Unavailable,
    VitrineError,
)
from vitrine.telemetry import redact_url

CONNECT_SECONDS = 5.0
_SLACK = 10.0
"""Seconds beyond the query timeout: for the upload, the store, a busy machine."""

_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")

_BY_CODE: dict[str, type[VitrineError]] = {
    kind.code: kind
    for kind in (
        BadInput, Conflict, Forbidden, LedgerUnavailable, ModelUnavailable, NotFound, SpaceMismatch,
        StoreRejected, StoreUnavailable, Unauthorized, Unavailable,
    )
}  # fmt: skip


class _BearerAuth(AuthBase):
    """Send the key. An `auth` object of requests, because ~/.netrc overrides a header set by hand."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key.get_secret_value().strip()
        if not (self._key.isascii() and self._key.isprintable()) or " " in self._key:
            raise BadInput(
                "VITRINE_API_KEY is not a valid key.",
                hint="`vitrine keys new NAME --scope read` prints one.",
            )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class ApiClient:
    """A client for one API; a context manager."""

    def __init__(self, url: str, key: SecretStr | None = None, *, timeout: float) -> None:
        """Use the API at `url` with the key; raises `BadInput` for a key that is not valid in a header."""
        self._url = url.rstrip("/")
        self._timeouts = (CONNECT_SECONDS, timeout + _SLACK)
        self._session = requests.Session()
        # A proxy from the environment cannot reach this machine's loopback.
        self._session.trust_env = not self._url.startswith(_LOOPBACK)
        self._session.auth = None if key is None else _BearerAuth(key)

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def search(self, body: dict[str, Any], *, picture: str | None = None) -> dict[str, Any]:
        """Return the API's response; `picture` is a path to upload with the body. Raises a `VitrineError`."""
        if picture is None:
            return self._post("/v1/search", "hits", json=body)
        fields = {
            name: value if isinstance(value, str) else orjson.dumps(value).decode()
            for name, value in body.items()
        }
        # The file's name is not sent: a path reveals more about this machine than the API needs.
        files = {"image": ("image", _read(picture))}
        return self._post("/v1/search", "hits", data=fields, files=files)

    def embed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the vectors of pictures and texts, with the failures. Raises a `VitrineError`."""
        return self._post("/v1/embed", "results", json=body)

    def score(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the scores of pairs. Raises a `VitrineError`."""
        return self._post("/v1/score", "results", json=body)

    def _post(self, path: str, expected: str, **content: Any) -> dict[str, Any]:
        try:
            answer = self._session.post(
                self._url + path, timeout=self._timeouts, allow_redirects=False, **content
            )
        except requests.RequestException as error:
            raise self._unreached(error) from error
        if answer.status_code != 200:
            raise _error_of(answer)
        return self._json(answer, expected)

    def _json(self, answer: requests.Response, expected: str) -> dict[str, Any]:
        body = _object(answer.content)
        if body is None or expected not in body:
            raise Unavailable(
                f"The server at {redact_url(self._url)} is not vitrine's API.",
                hint="Check --api or VITRINE_API_URL.",
            )
        return body

    def _unreached(self, error: requests.RequestException) -> VitrineError:
        url = redact_url(self._url)
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return BadInput(f"{url} is not the address of an API.", hint="Give http://host:port.")
        if isinstance(error, requests.exceptions.MissingSchema):
            return BadInput(f"{url} is not the address of an API.", hint="Give http://host:port.")
        if isinstance(error, requests.exceptions.ReadTimeout):
            return Unavailable(f"The API at {url} did not respond within {self._timeouts[1]:g} s.")
        return Unavailable(
            f"No API is running at {url}.",
            hint="Start one (vitrine standalone, or vitrine api), or name it with --api.",
        )


def _error_of(answer: requests.Response) -> VitrineError:
    """Convert a problem+json response to its error class; for any other response, the error names the status."""
    body = _object(answer.content) or {}
    code = body.get("code")
    if not isinstance(code, str):
        return Unavailable(f"The API answered {answer.status_code} {answer.reason}.")
    message, hint = str(body.get("detail", "")), body.get("hint")
    if code in {QueueFull.code, RateLimited.code}:
        kind = RateLimited if code == RateLimited.code else QueueFull
        wait = answer.headers.get("Retry-After", "")
        return kind(message, retry_after=float(wait) if wait.isdecimal() else 1.0, hint=hint)
    fallback = BadInput if answer.status_code < 500 else Unavailable
    return _BY_CODE.get(code, fallback)(message, hint=hint)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _read(path: str) -> bytes:
    try:
        with open(os.path.expanduser(path), "rb") as file:
            return file.read()
    except OSError as error:
        raise BadInput(f"The picture {path!r} cannot be read: {error.strerror}.") from error
