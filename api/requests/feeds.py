"""Dependencies that limit how many requests read a feed from a URL at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

from api.middleware.body_limit import Admission
from api.requests import bodies


async def form_slot(
    request: Request, body: Annotated[FormData, Depends(bodies.form_only)]
) -> AsyncIterator[None]:
    """Count a form with a `url` as a feed in progress; raise `QueueFull` at the limit."""
    with _slot(request, body):
        yield


async def body_slot(
    request: Request, body: Annotated[bodies.Body, Depends(bodies.json_or_form)]
) -> AsyncIterator[None]:
    """The same for a route that also takes JSON."""
    with _slot(request, body):
        yield


def _slot(request: Request, body: bodies.Body) -> Admission | nullcontext[None]:
    feeds: Admission = request.app.state.feeds
    return feeds if isinstance(body, FormData) and body.get("url") else nullcontext()
