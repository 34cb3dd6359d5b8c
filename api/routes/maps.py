"""`/v1/collections/{name}/map`: a collection in two dimensions, computed on the first request and then cached.

::

    GET ──▶ kept? ──yes──▶ returned; recomputed in the background if the number of pictures has changed
             │ no
             ▼
        "computing" ──▶ sample the store ──▶ python -m api.projection ──▶ kept until this process ends

One map is computed at a time, in a dedicated thread that waits for another process (see `api.projection`), so
that it takes neither threads nor the interpreter lock from searches.
"""

from __future__ import annotations

import io
import logging
import subprocess
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from numpy.typing import NDArray

from api import openapi
from api.dependencies import RequestServices
from api.routes.collections import described
from api.schemas.items import MapOut, MapPoint
from vitrine.core.errors import Unavailable
from vitrine.core.python_command import python_command
from vitrine.store import CollectionInfo, VectorStore
from vitrine.store.base import FIELDS_FIELD, INDEX_FIELD, ITEM_FIELD, URL_FIELD

log = logging.getLogger(__name__)

MAX_POINTS = 2000
"""Pictures on a map: about as many as can be distinguished, at a cost of seconds on one core."""
MAX_TEXT = 120
"""Characters of a field's text on the map; long descriptions are shown elsewhere."""
KEPT = 8  #: Maps kept in memory, of 2 MB each.
REFRESH_SECONDS = 60.0
"""The shortest interval between two maps of a collection that grows continuously."""
DEADLINE_SECONDS = 300.0

router = APIRouter(tags=["inventory"])


@dataclass(frozen=True, slots=True)
class SampledCollection:
    """A collection's state when its map was started, with the positions of some of its pictures."""

    generation: str
    pictures: int
    fields: tuple[str, ...]
    points: tuple[MapPoint, ...]
    made: float  #: `time.monotonic()` when the map was finished.


class Maps:
    """The maps that this process has computed; thread-safe."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="map")
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, SampledCollection] = OrderedDict()
        self._making: dict[str, Future[SampledCollection]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def of(self, store: VectorStore, info: CollectionInfo) -> tuple[SampledCollection | None, bool]:
        """Return the map, if there is one, and whether one is being computed; raise the last attempt's error."""
        with self._lock:
            self._collect(info.name)
            found = self._fitting(info)
            if (found is None or _is_old(found, info)) and info.name not in self._making:
                self._making[info.name] = self._pool.submit(self._make, store, info)
            return found, info.name in self._making

    def close(self) -> None:
        """Stop the map that is being computed."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
        self._pool.shutdown(cancel_futures=True)

    def _collect(self, name: str) -> None:
        done = self._making.get(name)
        if done is None or not done.done():
            return
        del self._making[name]
        self._kept[name] = done.result()
        self._kept.move_to_end(name)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _fitting(self, info: CollectionInfo) -> SampledCollection | None:
        found = self._kept.get(info.name)
        return found if found is not None and found.generation == info.generation else None

    def _make(self, store: VectorStore, info: CollectionInfo) -> SampledCollection:
        vectors, payloads = _sample(store, info.name)
        places = self._projected(vectors) if payloads else np.empty((0, 2), np.float32)
        fields = tuple(sorted(info.indexed_fields))
        points = tuple(
            _point(payload, place, fields) for payload, place in zip(payloads, places, strict=True)
        )
        return SampledCollection(info.generation, info.points, fields, points, time.monotonic())

    def _projected(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        sent = io.BytesIO()
        np.save(sent, vectors, allow_pickle=False)
        with self._lock:
            if self._closed:
                raise Unavailable("The service is stopping.")
            self._process = subprocess.Popen(
                python_command("api.projection"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        try:
            return _answer_of(self._process, sent.getvalue())
        finally:
            self._process = None


def _answer_of(process: subprocess.Popen[bytes], sent: bytes) -> NDArray[np.float32]:
    with process:
        try:
            answer, said = process.communicate(sent, timeout=DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Unavailable("The map took too long.") from None
    if process.returncode != 0:
        log.warning("a map could not be made: %s", said.decode(errors="replace").strip()[-2000:])
        raise Unavailable("The map could not be made.", hint="See the API's log.")
    places: NDArray[np.float32] = np.load(io.BytesIO(answer), allow_pickle=False)
    return places


def _is_old(found: SampledCollection, info: CollectionInfo) -> bool:
    grown = found.pictures != info.points
    return grown and time.monotonic() - found.made > REFRESH_SECONDS


def _sample(
    store: VectorStore, name: str
) -> tuple[NDArray[np.float32], list[dict[str, Any]]]:  # fmt: skip
    # Points are ordered by their ids, which are hashes, so the first ones are a fair sample.
    points = store.scroll(name)
    with closing(points):  # type: ignore[type-var]  # every store's is a generator
        taken = list(islice(points, MAX_POINTS))
    if not taken:
        return np.empty((0, 0), np.float32), []
    return np.stack([point.vector for point in taken]), [dict(point.payload) for point in taken]


def _point(
    payload: dict[str, Any], place: NDArray[np.float32], fields: Sequence[str]
) -> MapPoint:  # fmt: skip
    own = payload[FIELDS_FIELD]
    return MapPoint(
        item_id=payload[ITEM_FIELD], image_url=payload[URL_FIELD], image_index=payload[INDEX_FIELD],
        fields={field: _shortened(own[field]) for field in fields if field in own},
        x=round(float(place[0]), 4), y=round(float(place[1]), 4),
    )  # fmt: skip


def _shortened(value: Any) -> Any:
    return value[:MAX_TEXT] if isinstance(value, str) else value


async def _of_app(request: Request) -> Maps:
    maps: Maps = request.app.state.maps
    return maps


@router.get(
    "/v1/collections/{name}/map",
    summary="Map of a collection",
    responses=openapi.error_responses(404),
)
def collection_map(
    parts: RequestServices, name: str, maps: Annotated[Maps, Depends(_of_app)]
) -> MapOut:
    """Return the map. It is computed on the first request, which takes seconds; while it is `computing`, try again."""
    info = described(parts.store, name)
    found, making = maps.of(parts.store, info)
    if found is None:
        return MapOut(
            collection=name, state="computing", pictures=info.points, fields=[], points=[]
        )
    return MapOut(
        collection=name, state="refreshing" if making else "ready", pictures=found.pictures,
        fields=list(found.fields), points=list(found.points),
    )  # fmt: skip
