"""Features of the Open Inference Protocol that this service lacks: each route returns 501 with an alternative."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from vitrine.core.errors import NotServed

router = APIRouter(tags=["Open Inference Protocol"])

_NOT_SERVED = (
    (("GET", "POST"), "/v2/systemsharedmemory/{rest:path}", "Shared memory is not served."),
    (("GET", "POST"), "/v2/cudasharedmemory/{rest:path}", "Shared memory is not served."),
    (("GET", "POST"), "/v2/trace/setting", "Traces are not set over HTTP."),
    (("GET", "POST"), "/v2/models/{model}/trace/setting", "Traces are not set over HTTP."),
    (("GET", "POST"), "/v2/logging", "Logging is not set over HTTP."),
    (("POST",), "/v2/repository/models/{model}/load", "Models are not loaded over HTTP."),
    (("POST",), "/v2/repository/models/{model}/unload", "Models are not unloaded over HTTP."),
)
_INSTEAD = (
    "A worker runs one model: vitrine worker --model MODEL; settings are VITRINE_… variables."
)


def _refuse(sentence: str) -> Callable[[], None]:
    def refuse() -> None:
        raise NotServed(sentence, hint=_INSTEAD)

    return refuse


for _methods, _path, _sentence in _NOT_SERVED:
    router.add_api_route(_path, _refuse(_sentence), methods=list(_methods), include_in_schema=False)
