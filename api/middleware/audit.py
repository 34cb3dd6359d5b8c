"""The audit log: who submitted, retried, cancelled or deleted what, and what came of it.

One JSON object a line, written when the answer is known and before it is sent; refused and failed attempts
too, `status` being null where there was no answer::

    {"time":"2026-11-21T15:00:00.123456+00:00","key":"shop","client":"10.0.0.7","action":"submit",
     "object":"3f2a9c04d1be","outcome":"done","status":202,"collection":"summer","images":120}

It goes to the logger `vitrine.audit`: to standard error, or appended to a file that is opened anew when
somebody rotates it away. Appending whole lines lets several API processes share one. What the commands do
with the ledger's own password they do without the API, and without a line here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Annotated

import orjson
from fastapi import Depends, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.permissions import Need, need_of
from vitrine.core.errors import BadInput

log = logging.getLogger("vitrine.audit")

_SCOPE_KEY = "vitrine.audit"


@dataclass(slots=True)
class AuditEntry:
    """What is learnt of one request on its way in; the routes add what only they know."""

    key: str | None = (
        None  #: The key's name; None on loopback without keys, and where none was known.
    )
    object: str | None = None
    details: dict[str, str | int] = field(default_factory=dict)


def entry_of(scope: Scope) -> AuditEntry:
    """The entry of a request."""
    entry: AuditEntry = scope.setdefault(_SCOPE_KEY, AuditEntry())
    return entry


async def _of_request(request: Request) -> AuditEntry:
    return entry_of(request.scope)


Noted = Annotated[AuditEntry, Depends(_of_request)]
"""How a route asks for the entry of its request."""


class Audit:
    """ASGI middleware: writes the line of a request that changes something."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and tell of it."""
        need = need_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if need is None or need.action is None:
            await self._app(scope, receive, send)
            return
        told = False

        async def watched(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                told = True  # before the answer goes out: who has it finds its line
                log.info("%s", _line(need, scope, message["status"]))
            await send(message)

        entry_of(scope)
        try:
            await self._app(scope, receive, watched)
        finally:
            if not told:
                log.info("%s", _line(need, scope, None))


def _line(need: Need, scope: Scope, status: int | None) -> str:
    entry = entry_of(scope)
    client = scope.get("client")
    told = {
        "time": datetime.now(UTC).isoformat(timespec="microseconds"),
        "key": entry.key,
        "client": client[0] if client else None,
        "action": need.action,
        "object": entry.object or need.job or scope["path"],
        "outcome": _outcome(status),
        "status": status,
    }
    return orjson.dumps({**entry.details, **told}).decode()


def _outcome(status: int | None) -> str:
    if status is None or status >= 500:
        return "failed"
    return "done" if status < 400 else "refused"


# --- where the lines go ---------------------------------------------------------------------------


class _File(WatchedFileHandler):
    """Appends to a file that only its user reads; opened anew where it was moved away."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


@contextmanager
def written_to(path: Path | None) -> Iterator[None]:
    """Write the lines to this file, or to standard error, while inside. Raises `BadInput`."""
    handler = logging.StreamHandler() if path is None else _opened(path)
    handler.setFormatter(logging.Formatter("%(message)s"))
    before = (log.level, log.propagate)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False  # the line is whole as it is: no prefix, and not twice
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
        log.level, log.propagate = before


def _opened(path: Path) -> logging.Handler:
    try:
        return _File(path)
    except OSError as error:
        raise BadInput(f"VITRINE_AUDIT_LOG: {path} cannot be written: {error.strerror}.") from error
