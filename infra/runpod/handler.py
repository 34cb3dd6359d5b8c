"""vitrine as a RunPod serverless worker: RunPod's own queue outside, a whole vitrine service inside the container.

    RunPod ──job──▶ handler ──▶ query lane ──▶ the worker with VITRINE_MODEL on this machine's GPU

The inputs are those of the API's RunPod dialect (`api.dialects.runpod.input`): `images` (URLs) and `image` (base64, made
grey). Several jobs are taken at once, so that the worker fills its batches with all of them. Try it without RunPod:

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
from vitrine.core.settings import Settings, load
from vitrine.core.types import model_name
from vitrine.query.client import Query, QueryAnswer, QueryClient
from vitrine.standalone.service import Standalone

JOBS_AT_ONCE = 8
"""Jobs of one worker. A job of one picture fills no batch, and RunPod hands out the next only when there is room."""
CONCURRENCY_VARIABLE = "VITRINE_RUNPOD_JOBS"
JOB_SECONDS = 600.0
"""What a job may take; RunPod's own execution timeout ends it before where that is shorter."""

Job = dict[str, Any]


class EmbeddingClient(Protocol):
    """What embeds questions: `vitrine.query.client.QueryClient`, or the fake one."""

    def embed_many(
        self, model: str, queries: list[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        """An answer for each question."""


def answer(query_client: EmbeddingClient, model: str, given: object) -> Job:
    """A job's output, or its error under `error`, which RunPod takes for a failed job."""
    try:
        asked = questions_of(given)
        queries = [one for one in asked.pictures if isinstance(one, Query)]
        answers = iter(query_client.embed_many(model, queries, timeout=JOB_SECONDS))
        told = [next(answers) if isinstance(one, Query) else one for one in asked.pictures]
        output = output_of(asked, told)
    except VitrineError as error:
        return {"error": str(error)}
    plain: Job = orjson.loads(output_json(output))  # RunPod's own encoder knows no arrays
    return plain


def handler_of(query_client: EmbeddingClient, model: str) -> Callable[[Job], Awaitable[Job]]:
    """What RunPod calls for each job; asynchronous, so that several are under way."""

    async def handler(job: Job) -> Job:
        return await asyncio.to_thread(answer, query_client, model, job.get("input"))

    return handler


def jobs_at_once() -> int:
    """How many jobs are taken at once; raises `BadInput`."""
    value = os.environ.get(CONCURRENCY_VARIABLE, str(JOBS_AT_ONCE))
    if not value.isdecimal() or not 1 <= int(value) <= 64:
        raise BadInput(f"{CONCURRENCY_VARIABLE} is a number from 1 to 64.")
    return int(value)


def serve(settings: Settings) -> None:
    """Start the service, and take jobs until RunPod ends the container."""
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
    """Serve; the exit code."""
    try:
        serve(load(api_port=0))
    except VitrineError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the container's log
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
