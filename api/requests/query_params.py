"""Unknown query parameters are refused by name, like unknown fields of a body.

A misspelt `?reasn=timeout` would otherwise be ignored and list every failure.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import APIRoute

from api.requests.bodies import refuse_field


async def refuse_unknown(request: Request) -> None:
    """Raise `RequestValidationError` for the first query parameter that the route does not have (a dependency)."""
    route: APIRoute = request.scope["route"]
    known = {parameter.alias for parameter in route.dependant.query_params}
    for name in request.query_params:
        if name not in known:
            raise refuse_field(name[:80], "Unknown parameter.")
