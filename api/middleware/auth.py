"""Authentication: checks every request before its body is read.

With keys: `Authorization: Bearer`; 401 without a known key, 429 above its rate, 403 without the scope.
Without keys the service listens on loopback only, and every local user has access. Other sites' pages in a local
user's browser have not: a page of another site that posts here names itself in `Origin`, and a page whose name was
rebound to 127.0.0.1 sends that name in `Host`. Both get a 403. With keys neither header is checked: a browser never
sends a key by itself.
"""

from __future__ import annotations

from collections.abc import Container
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.middleware.audit import entry_of
from api.middleware.rate_limit import RateLimiter
from api.permissions import OPEN, Need, need_of
from api.problems import of_error
from vitrine.core.api_keys import ApiKey, Keyring
from vitrine.core.errors import Forbidden, RateLimited, Unauthorized, VitrineError
from vitrine.core.loopback import is_loopback

CHALLENGE = 'Bearer realm="vitrine"'
_HOW = "Send it as `Authorization: Bearer KEY`; commands read it from VITRINE_API_KEY."


class Auth:
    """ASGI middleware: passes a request on, or refuses it with 401, 403 or 429.

    `open_paths` are served without any check: the probes, and the page's files.
    """

    def __init__(
        self, app: ASGIApp, keyring: Keyring, rate: RateLimiter, open_paths: Container[str] = OPEN
    ) -> None:
        self._app = app
        self._keyring = keyring
        self._rate = rate
        self._open = open_paths  #: Served without any check: the probes, and the page's own files.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in self._open:
            try:
                self._check(scope)
            except VitrineError as error:
                await _refusal(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if not self._keyring:
            _refuse_foreign(headers)
            return
        key = self._key(headers)
        entry_of(scope).key = key.name
        wait = self._rate.take(key.name)
        if wait:
            raise RateLimited(f"The key {key.name} sends too many requests.", retry_after=wait)
        _require(key, need_of(scope["method"], scope["path"]))

    def _key(self, headers: Headers) -> ApiKey:
        scheme, _, presented = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not presented.strip():
            raise Unauthorized("This needs an API key.", hint=_HOW)
        key = self._keyring.find(presented.strip())
        if key is None:
            raise Unauthorized("The API key is not valid here.")
        return key


def _require(key: ApiKey, need: Need) -> None:
    if not key.allows(need.scope):
        raise Forbidden(
            f"The key {key.name} lacks the scope {need.scope}.",
            hint=f"It has {', '.join(sorted(key.scopes))}; the service's operator can create another.",
        )


def _refuse_foreign(headers: Headers) -> None:
    """Raise `Forbidden` for a request that a browser sends on behalf of another site's page."""
    host = headers.get("host", "")
    if not _is_local(host):
        raise Forbidden(
            "Without API keys, only requests to localhost are accepted.",
            hint="Use http://127.0.0.1 or http://localhost, or set VITRINE_API_KEYS.",
        )
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}".lower():
        raise Forbidden(
            "Cross-site requests are refused unless API keys are set.",
            hint="Set VITRINE_API_KEYS, and send the requests from that site's server.",
        )


def _is_local(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)


def _refusal(error: VitrineError) -> Response:
    answer = of_error(error)
    if isinstance(error, Unauthorized):
        answer.headers["WWW-Authenticate"] = CHALLENGE
    return answer
