"""vitrine as a RunPod serverless worker: RunPod's queue outside, a complete vitrine service inside the container.

    RunPod ──job──▶ handler ──▶ query lane ──▶ the worker with VITRINE_MODEL on this machine's GPU

The inputs are those of the API's RunPod dialect (`api.dialects.runpod.input`): `images` (URLs) and `image` (base64,
converted to grey). It takes several jobs at a time, so that the worker's batches are full. Try it without RunPod:

    python infra/runpod/handler.py --test_input '{"input": {"images": ["https://…/a.jpg"]}}'
    python infra/runpod/handler.py --rp_serve_api
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson

from api.dialects.runpod.input import output_json, output_of, questions_of
from vitrine.core.errors import BadInput, VitrineError
from vitrine.core.load_settings import load
from vitrine.core.settings import Settings
from vitrine.core.types import model_name
from vitrine.query.client import Query, QueryAnswer, QueryClient
from vitrine.standalone.service import Standalone

JOBS_AT_ONCE = 8
"""Concurrent jobs. A job with one picture does not fill a batch, and RunPod sends the next only if a job slot is free."""
CONCURRENCY_VARIABLE = "VITRINE_RUNPOD_JOBS"
JOB_SECONDS = 600.0
"""Maximum time per job; RunPod's own execution timeout applies if it is shorter."""

Job = dict[str, Any]


class EmbeddingClient(Protocol):
    """Embeds queries; `vitrine.query.client.QueryClient`, or a fake in tests."""

    def embed_many(
        self, model: str, queries: list[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        """Return one answer per query."""


def answer(query_client: EmbeddingClient, model: str, given: object) -> Job:
    """Return a job's output, or its error under `error`, which RunPod treats as a failed job."""
    try:
        asked = questions_of(given)
        queries = [one for one in asked.pictures if isinstance(one, Query)]
        answers = iter(query_client.embed_many(model, queries, timeout=JOB_SECONDS))
        told = [next(answers) if isinstance(one, Query) else one for one in asked.pictures]
        output = output_of(asked, told)
    except VitrineError as error:
        return {"error": str(error)}
    plain: Job = orjson.loads(output_json(output))  # RunPod's encoder does not support arrays
    return plain


def handler_of(query_client: EmbeddingClient, model: str) -> Callable[[Job], Awaitable[Job]]:
    """Create the function that RunPod calls for each job; it is asynchronous, so several jobs can run."""

    async def handler(job: Job) -> Job:
        return await asyncio.to_thread(answer, query_client, model, job.get("input"))

    return handler


def jobs_at_once() -> int:
    """Return the number of concurrent jobs; raises `BadInput` if the variable is invalid."""
    value = os.environ.get(CONCURRENCY_VARIABLE, str(JOBS_AT_ONCE))
    if not value.isdecimal() or not 1 <= int(value) <= 64:
        raise BadInput(f"{CONCURRENCY_VARIABLE} is a number from 1 to 64.")
    return int(value)


def serve(settings: Settings) -> None:
    """Start the service and process jobs until RunPod ends the container."""
    import runpod  # noqa: PLC0415 - reads the command line and its own settings when it is imported

    at_once = jobs_at_once()
    with Standalone(settings, say=lambda line: print(line, file=sys.stderr)) as service:  # noqa: T201 - the container's log
        lane = QueryClient.open(service.settings)
        try:
            runpod.serverless.start(
                {
                    "handler": handler_of(lane, model_name(settings.model)),
                    "concurrency_modifier": lambda _: at_once,
                }
            )
        finally:
            lane.close()


def main() -> int:
    """Serve and return the exit code."""
    try:
        serve(load(api_port=0))
    except VitrineError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the container's log
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
