"""Metadata of the Open Inference Protocol: health, the server, its models and their statistics.

A model is known by its canonical name or an alias, and has one version. Its inputs are alternatives: a request gives one.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from api import openapi
from api.dependencies import RequestServices
from api.dialects.oip.schemas import IndexEntry, ModelOut, ServerOut, StatisticsOut, TensorMetadata
from api.dialects.oip.statistics import VERSION, Statistics
from api.problems import problem
from api.readiness import Readiness
from api.requests.model_names import ServedModel, find_model, running_names
from vitrine import __version__
from vitrine.core.errors import NotFound
from vitrine.core.model_registry import find_model_card
from vitrine.messaging.worker_registry import WorkerInfo

router = APIRouter(tags=["Open Inference Protocol"])

EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository", "statistics"]
OUTPUT = "EMBEDDING"


async def _statistics(request: Request) -> Statistics:
    found: Statistics = request.app.state.oip_statistics
    return found


def _model(request: Request, parts: RequestServices, model: str) -> ServedModel:
    """Return the model of the path; 404 for an unknown model or version."""
    version = request.path_params.get("version", VERSION)
    if version != VERSION:
        raise NotFound(f"The model {model[:200]} has no version {version[:40]}, only {VERSION}.")
    return find_model(parts, model)


Named = Annotated[ServedModel, Depends(_model)]
"""A route's dependency on the model of its path."""
Counted = Annotated[Statistics, Depends(_statistics)]
"""A route's dependency on the statistics."""


@router.get("/v2/health/live", summary="Liveness", response_class=Response)
async def live() -> Response:
    """Return 200 while the process runs, like `/healthz`."""
    return Response()


@router.get(
    "/v2/health/ready",
    summary="Readiness",
    response_class=Response,
    responses=openapi.error_responses(),
)
async def ready(request: Request) -> Response:
    """Return whether an inference would work, like `/readyz`; 503 says what is wrong."""
    readiness: Readiness = request.app.state.readiness
    report = await readiness.report()
    return Response() if report.ready else problem(503, "not_ready", report.wrong)


@router.get("/v2", summary="Server metadata", responses=openapi.error_responses())
def server() -> ServerOut:
    """Return the name, the version, and the supported protocol extensions."""
    return ServerOut(name="vitrine", version=__version__, extensions=EXTENSIONS)


@router.post("/v2/repository/index", summary="All models", responses=openapi.error_responses())
def index(parts: RequestServices) -> list[IndexEntry]:
    """List all names of the running models, aliases included."""
    return [IndexEntry(name=name, version=VERSION) for name in running_names(parts)]


@router.get(
    "/v2/models/stats", summary="Statistics of all models", responses=openapi.error_responses()
)
def all_statistics(parts: RequestServices, statistics: Counted) -> StatisticsOut:
    """Return the counts of this API process, by the running models' canonical names."""
    models = sorted({worker.model for worker in parts.query_client.workers()})
    return StatisticsOut(model_stats=[statistics.of(model, model) for model in models])


@router.get("/v2/models/{model}", summary="Model metadata", responses=openapi.error_responses(404))
@router.get("/v2/models/{model}/versions/{version}", include_in_schema=False)
def metadata(named: Named) -> ModelOut:
    """Return the model's inputs, of which a request gives one, and its output."""
    worker = named.worker()
    return ModelOut(
        name=named.name,
        versions=[VERSION],
        platform="vitrine",
        inputs=_inputs(worker),
        outputs=[TensorMetadata(name=OUTPUT, datatype="FP32", shape=[-1, worker.dimension])],
    )


def _inputs(worker: WorkerInfo) -> list[TensorMetadata]:
    names = ["IMAGE", "IMAGE_URL", "TEXT"] if worker.supports_text else ["IMAGE", "IMAGE_URL"]
    found = [TensorMetadata(name=name, datatype="BYTES", shape=[-1]) for name in names]
    card = find_model_card(worker.model)
    if card is not None and (card.side is None or card.family == "descriptor"):
        return found  # its input is not a fixed square of pixels
    side = -1 if card is None or card.side is None else card.side
    pixels = TensorMetadata(name="PIXEL_VALUES", datatype="FP32", shape=[-1, 3, side, side])
    return [pixels, *found]


@router.get(
    "/v2/models/{model}/config",
    summary="A model's configuration",
    responses=openapi.error_responses(404),
)
@router.get("/v2/models/{model}/versions/{version}/config", include_in_schema=False)
def configuration(named: Named) -> dict[str, Any]:
    """Return the configuration in Triton's format, with the model's revision and image policy as parameters."""
    worker = named.worker()
    told = {"model": worker.model, "revision": worker.revision, "policy": worker.policy}
    return {
        "name": named.name,
        "platform": "vitrine",
        "max_batch_size": 0,
        "input": [_configured(one) | {"optional": True} for one in _inputs(worker)],
        "output": [{"name": OUTPUT, "data_type": "TYPE_FP32", "dims": [-1, worker.dimension]}],
        "parameters": {name: {"string_value": value} for name, value in told.items()},
    }


def _configured(tensor: TensorMetadata) -> dict[str, Any]:
    kind = {"FP32": "TYPE_FP32", "BYTES": "TYPE_STRING"}[tensor.datatype]
    return {"name": tensor.name, "data_type": kind, "dims": tensor.shape}


@router.get(
    "/v2/models/{model}/ready",
    summary="Model readiness",
    response_class=Response,
    responses=openapi.error_responses(404),
)
@router.get(
    "/v2/models/{model}/versions/{version}/ready",
    include_in_schema=False,
    response_class=Response,
)
def model_ready(named: Named) -> Response:
    """Return 200 if the model has a worker; 503 if it is known but has none."""
    named.worker()
    return Response()


@router.get(
    "/v2/models/{model}/stats",
    summary="A model's statistics",
    responses=openapi.error_responses(404),
)
@router.get("/v2/models/{model}/versions/{version}/stats", include_in_schema=False)
def model_statistics(named: Named, statistics: Counted) -> StatisticsOut:
    """Return the model's counts in this API process."""
    return StatisticsOut(model_stats=[statistics.of(named.model, named.name)])
