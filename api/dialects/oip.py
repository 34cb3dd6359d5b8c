"""The Open Inference Protocol, version 2, as clients of Triton and KServe speak it: health, metadata, inference, statistics.

    body ──▶ one tensor ──▶ a question each ──▶ query lane ──▶ vectors ──▶ EMBEDDING, FP32 [n, dimension]

A model is known by its own name or an alias. Its inputs are alternatives, of which a request gives one. What the protocol
has and this service has not (loading models, shared memory, traces, log settings) is answered with 501 and why.
Paths beneath `/v2/models`, `/v2/health` and `/v2/repository` are this dialect's; RunPod's endpoints have all other names.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from numpy.typing import NDArray

from api import openapi
from api.dialects import oip_bodies
from api.dialects.oip_questions import questions
from api.dialects.oip_schemas import (
    IndexEntry,
    InferIn,
    InferOut,
    ModelOut,
    OutputIn,
    ServerOut,
    StatisticsOut,
    TensorMetadata,
)
from api.dialects.oip_statistics import VERSION, Lap, Statistics
from api.dialects.oip_tensors import Infer, read_request, write_answer
from api.dialects.served import Served, names, served
from api.embedding import embedded
from api.limits import admitted, roomy
from api.parts import Given, Parts
from api.problems import problem
from api.readiness import Readiness
from vitrine import __version__
from vitrine.errors import BadInput, NotFound, NotServed, VitrineError
from vitrine.model_registry import registered
from vitrine.presence import WorkerInfo
from vitrine.query_lane import Answer, QueryVector

router = APIRouter(tags=["Open Inference Protocol"])

EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository", "statistics"]
OUTPUT = "EMBEDDING"
SYNONYMS = frozenset({OUTPUT, "EMBEDDINGS", "IMAGE_EMBEDS", "TEXT_EMBEDS", "POOLER_OUTPUT"})
"""Names under which clients ask for the one output there is, in any case of letters."""
HEADER_LENGTH = "Inference-Header-Content-Length"


async def _statistics(request: Request) -> Statistics:
    found: Statistics = request.app.state.oip_statistics
    return found


def _model(request: Request, parts: Given, model: str) -> Served:
    """The model of the path; 404 also for a version that there is not."""
    version = request.path_params.get("version", VERSION)
    if version != VERSION:
        raise NotFound(f"The model {model[:200]} has no version {version[:40]}, only {VERSION}.")
    return served(parts, model)


Named = Annotated[Served, Depends(_model)]
Counted = Annotated[Statistics, Depends(_statistics)]


# --- health and metadata --------------------------------------------------------------------------


@router.get("/v2/health/live", summary="Is the server alive", response_class=Response)
async def live() -> Response:
    """Looks at nothing else, as `/healthz`."""
    return Response()


@router.get(
    "/v2/health/ready",
    summary="Would an inference work",
    response_class=Response,
    responses=openapi.errors(),
)
async def ready(request: Request) -> Response:
    """As `/readyz`: 503 says what is wrong."""
    readiness: Readiness = request.app.state.readiness
    report = await readiness.report()
    return Response() if report.ready else problem(503, "not_ready", report.wrong)


@router.get("/v2", summary="What the server is", responses=openapi.errors())
def server() -> ServerOut:
    """Name, version, and the protocol's extensions that are served."""
    return ServerOut(name="vitrine", version=__version__, extensions=EXTENSIONS)


@router.post("/v2/repository/index", summary="All models", responses=openapi.errors())
def index(parts: Given) -> list[IndexEntry]:
    """Every name under which a model can be asked now."""
    return [IndexEntry(name=name, version=VERSION) for name in names(parts)]


@router.get("/v2/models/stats", summary="Statistics of all models", responses=openapi.errors())
def all_statistics(parts: Given, statistics: Counted) -> StatisticsOut:
    """Counts of this API process, by the running models' own names."""
    models = sorted({worker.model for worker in parts.lane.workers()})
    return StatisticsOut(model_stats=[statistics.of(model, model) for model in models])


@router.get("/v2/models/{model}", summary="What a model takes", responses=openapi.errors(404))
@router.get("/v2/models/{model}/versions/{version}", include_in_schema=False)
def metadata(named: Named) -> ModelOut:
    """Its inputs, of which a request gives one, and its output."""
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
    card = registered(worker.model)
    if card is not None and (card.side is None or card.family == "descriptor"):
        return found  # it takes its pictures otherwise than as a square of pixels
    side = -1 if card is None or card.side is None else card.side
    pixels = TensorMetadata(name="PIXEL_VALUES", datatype="FP32", shape=[-1, 3, side, side])
    return [pixels, *found]


@router.get(
    "/v2/models/{model}/config", summary="A model's configuration", responses=openapi.errors(404)
)
@router.get("/v2/models/{model}/versions/{version}/config", include_in_schema=False)
def configuration(named: Named) -> dict[str, Any]:
    """As Triton tells it, with the model's revision and image policy as parameters."""
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
    summary="Has a model workers",
    response_class=Response,
    responses=openapi.errors(404),
)
@router.get(
    "/v2/models/{model}/versions/{version}/ready",
    include_in_schema=False,
    response_class=Response,
)
def model_ready(named: Named) -> Response:
    """503 where the model is known and no worker runs."""
    named.worker()
    return Response()


@router.get(
    "/v2/models/{model}/stats", summary="A model's statistics", responses=openapi.errors(404)
)
@router.get("/v2/models/{model}/versions/{version}/stats", include_in_schema=False)
def model_statistics(named: Named, statistics: Counted) -> StatisticsOut:
    """Counts of this API process."""
    return StatisticsOut(model_stats=[statistics.of(named.model, named.name)])


# --- inference ------------------------------------------------------------------------------------

_BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_EXAMPLE = {"inputs": [{"name": "TEXT", "shape": [1], "datatype": "BYTES", "data": ["red shoes"]}]}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/InferIn"},
                "example": _EXAMPLE,
            },
            **_BINARY,
        },
    }
}


@router.post(
    "/v2/models/{model}/infer",
    summary="Embed pixels, pictures or texts",
    responses=openapi.errors(404, 408, 409, 413, 415, 429)
    | {200: {"model": InferOut, "content": _BINARY}},
    openapi_extra=_BODY,
    dependencies=[Depends(admitted), Depends(roomy)],
)
@router.post(
    "/v2/models/{model}/versions/{version}/infer",
    include_in_schema=False,
    dependencies=[Depends(admitted), Depends(roomy)],
)
def infer(
    request: Request, parts: Given, named: Named, statistics: Counted, body: oip_bodies.Body
) -> Response:
    """One input, of one kind; a unit vector for each of its pictures or texts, in their order.

    The request succeeds or fails as a whole, as the protocol has it: an error names the first picture that has no
    vector. `/v1/embed` tells of each.
    """
    with statistics.request(named.model) as lap:
        plain = oip_bodies.unpacked(body, request.headers.get("content-encoding"))
        asked = read_request(plain, request.headers.get(HEADER_LENGTH))
        outputs = [_output(asked, one) for one in asked.outputs] or [(OUTPUT, asked.binary)]
        vectors = _vectors(parts, named, asked, lap)
        head = {"model_name": named.name, "model_version": VERSION}
        written = write_answer(_with_id(head, asked.id), vectors, outputs)
        lap.mark("compute_output")
    if written.header_length is None:
        return Response(written.body, media_type="application/json")
    return Response(
        written.body,
        media_type="application/octet-stream",
        headers={HEADER_LENGTH: str(written.header_length)},
    )


def _with_id(head: dict[str, Any], request_id: str | None) -> dict[str, Any]:
    return head if request_id is None else head | {"id": request_id}


def _output(asked: Infer, wanted: OutputIn) -> tuple[str, bool]:
    if wanted.name.upper() not in SYNONYMS:
        raise BadInput(f"There is no output {wanted.name}.", hint=f"The output is {OUTPUT}.")
    if wanted.parameters.get("classification"):
        raise BadInput("An embedding has no classes; leave out classification.")
    return wanted.name, bool(wanted.parameters.get("binary_data", asked.binary))


def _vectors(parts: Parts, named: Served, asked: Infer, lap: Lap) -> NDArray[np.float32]:
    """The unit vectors, float32 [n, dimension]; raises the first question's error."""
    queries = questions(asked.tensor)
    lap.mark("compute_input")
    limit = parts.settings.query_timeout
    timeout = limit if asked.timeout is None else min(limit, asked.timeout)
    answers = embedded(parts, named, queries, timeout=timeout).answers
    lap.mark("compute_infer")
    lap.embedded = len(queries)
    return np.stack([_vector(number, answer) for number, answer in enumerate(answers)])


def _vector(number: int, answer: Answer) -> NDArray[np.float32]:
    if isinstance(answer, QueryVector):
        return answer.vector
    if isinstance(answer, BadInput):
        raise BadInput(f"Element {number}: {answer.message}", hint=answer.hint)
    raise answer


# --- what the protocol has and this service has not -----------------------------------------------

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


def _refuse(sentence: str) -> Any:
    def refuse() -> None:
        error: VitrineError = NotServed(sentence, hint=_INSTEAD)
        raise error

    return refuse


for _methods, _path, _sentence in _NOT_SERVED:
    router.add_api_route(_path, _refuse(_sentence), methods=list(_methods), include_in_schema=False)

BODIES = (InferIn,)
"""Shapes that only bodies refer to."""
