"""`/v1/jobs/{job}/events`: the progress of a job, as server-sent events.

::

    event: progress      at the beginning and after every change: `api.schemas.progress.ProgressOut`
    event: problem       the ledger is unreachable; the stream stays open and sends `progress` once it is back
    : still here         after every 15 s without a change, so that proxies keep the connection open

The stream ends with the job. Each event holds the complete state, so missed events do not matter.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from api import openapi
from api.dependencies import RequestServices
from api.eta import ThroughputWindow
from api.problems import of_error
from api.responses.sse import EventStreams
from api.schemas.progress import ProgressOut
from vitrine.core.errors import NotFound, Unavailable, VitrineError
from vitrine.ledger import Ledger

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
HEARTBEAT = ": still here\n\n"
MEDIA_TYPE = "text/event-stream"

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get(
    "/{job}/events",
    summary="Watch a job",
    response_class=StreamingResponse,
    responses=openapi.error_responses(404, 429)
    | {
        200: {
            "description": "Events until the job is finished; `progress` carries a ProgressOut.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        }
    },
)
async def events(request: Request, parts: RequestServices, job: str) -> StreamingResponse:
    """Stream server-sent events until the job is finished: `progress` with counts, chunks, stages, rate and time left.

    `problem` is sent while the ledger is unreachable. Each event holds the complete state: after a lost connection,
    simply reconnect.
    """
    streams: EventStreams = request.app.state.streams
    streams.refuse_when_full()
    await streams.ask(lambda: parts.ledger.status(job))  # 404 before the response starts
    watch = JobWatch(parts.ledger, job, streams, parts.query_client.in_stages)
    # Proxies that buffer a response would delay the events.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(watch.events(), media_type=MEDIA_TYPE, headers=headers)


@dataclass
class JobWatch:
    """One client's watch of one job."""

    ledger: Ledger
    job: str
    streams: EventStreams
    in_stages: Callable[[str], Mapping[str, int]]  #: Pictures of a job, per stage.
    look_seconds: float = LOOK_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    clock: Callable[[], float] = time.monotonic
    _pace: ThroughputWindow = field(default_factory=ThroughputWindow)
    _told: str = ""
    _told_at: float = 0.0

    async def events(self) -> AsyncIterator[str]:
        """Yield the stream's text, event by event."""
        with self.streams.place():
            self._told_at = self.clock()
            over = False
            while not over and not self.streams.ended:
                event, over = await self._look()
                if text := self._news(event):
                    yield text
                if not over:
                    await asyncio.sleep(self.look_seconds)

    def _news(self, event: str) -> str:
        """Return the event if it differs from the last one, a heartbeat if nothing was sent for long, otherwise nothing."""
        now = self.clock()
        if event == self._told and now - self._told_at < self.heartbeat_seconds:
            return ""
        text = HEARTBEAT if event == self._told else event
        self._told, self._told_at = event, now
        return text

    async def _look(self) -> tuple[str, bool]:
        """Return the current event, and whether it is the last one."""
        try:
            found = await self.streams.ask(self._progress)
        except (Unavailable, NotFound) as error:
            return _problem(error), isinstance(error, NotFound)
        return f"event: progress\ndata: {found.model_dump_json()}\n\n", found.job.finished

    def _progress(self) -> ProgressOut:
        status = self.ledger.status(self.job)
        rate = self._pace.rate(self.clock(), status.images - status.pending)
        chunks = self.ledger.chunks_left(self.job)
        # Without a leased chunk no worker has a picture of the job, whatever a report a few seconds old says.
        in_stages = self.in_stages(self.job) if chunks.leased else {}
        return ProgressOut.of(status, chunks, rate, in_stages)


def _problem(error: VitrineError) -> str:
    return f"event: problem\ndata: {bytes(of_error(error).body).decode()}\n\n"
