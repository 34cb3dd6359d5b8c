"""The audit log: who submitted, retried, cancelled or deleted what, and with which outcome.

One JSON object per line, written when the response is known and before it is sent. Refused and failed attempts
are logged too; `status` is null if there was no response::

    {"time":"2026-11-21T15:00:00.123456+00:00","key":"shop","client":"10.0.0.7","action":"submit",
     "object":"3f2a9c04d1be","outcome":"done","status":202,"collection":"summer","images":120}

The lines go to the logger `vitrine.audit`: to standard error, or to a file, which is reopened after a log
rotation. Whole lines are appended, so several API processes can share one file. Commands that use the ledger's
password directly bypass the API and are not logged here.
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
    """The data on one request, collected on its way in; the routes add their details."""

    key: str | None = (
        None  #: The key's name; None on loopback without keys, and for an unknown key.
    )
    object: str | None = None
    details: dict[str, str | int] = field(default_factory=dict)


def entry_of(scope: Scope) -> AuditEntry:
    """Return the entry of a request."""
    entry: AuditEntry = scope.setdefault(_SCOPE_KEY, AuditEntry())
    return entry


async def _of_request(request: Request) -> AuditEntry:
    return entry_of(request.scope)


Noted = Annotated[AuditEntry, Depends(_of_request)]
"""A route's dependency on the audit entry of its request."""


class Audit:
    """ASGI middleware: writes the line of a request that changes something."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log it if it changes something."""
        need = need_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if need is None or need.action is None:
            await self._app(scope, receive, send)
            return
        told = False

        async def watched(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                told = True  # before the response is sent, so that its client finds the line
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


# --- the destination of the lines -----------------------------------------------------------------


class _File(WatchedFileHandler):
    """A handler that appends to a file which only its owner can read; reopens it after it was moved."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


@contextmanager
def written_to(path: Path | None) -> Iterator[None]:
    """Write the lines to this file, or to standard error, while the context is open. Raises `BadInput`."""
    handler = logging.StreamHandler() if path is None else _opened(path)
    handler.setFormatter(logging.Formatter("%(message)s"))
    before = (log.level, log.propagate)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False  # the line is complete: no prefix, no second copy
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
