"""Query parameters that nobody reads: refused by name, as unknown fields of a body are.

A misspelt `?reasn=timeout` would otherwise list every failure as if it had been asked for.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import APIRoute

from api.requests.bodies import refuse_field


async def refuse_unknown(request: Request) -> None:
    """A route's dependency; raises `RequestValidationError` that names the first parameter it does not have."""
    route: APIRoute = request.scope["route"]
    known = {parameter.alias for parameter in route.dependant.query_params}
    for name in request.query_params:
        if name not in known:
            raise refuse_field(name[:80], "There is no such parameter.")
