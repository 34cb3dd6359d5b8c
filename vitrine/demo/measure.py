"""Measurements of search over HTTP, as any client would use it: the quality of neighbours, and the speed."""

from __future__ import annotations

import base64
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import requests

from vitrine.core.errors import Unavailable, VitrineError

NEIGHBOURS = 5
LABELS = ("pattern", "colour")
"""Fields that must all be equal for two neighbours to agree."""
TIMEOUT = 60.0
"""Seconds: the first query of a fresh service may wait for its worker."""
_NOTHING_TO_SEARCH = frozenset({404, 422})

Labels: TypeAlias = tuple[str, ...]
"""The values of `LABELS` of one item."""


@dataclass(slots=True)
class SearchMeasurements:
    """The results and times of searches."""

    neighbours: dict[str, list[Labels | None]] = field(default_factory=dict)
    item_ms: list[float] = field(default_factory=list)  #: Searches by item.
    picture_ms: list[float] = field(default_factory=list)  #: Searches by an uploaded picture.

    @property
    def search_p50_ms(self) -> float | None:
        """Median time of search by picture (upload, embed, search), or by item if no picture was uploaded."""
        return median(self.picture_ms or self.item_ms)


class Searcher:
    """A client of one collection's search."""

    def __init__(self, api_url: str, collection: str) -> None:
        self._url = f"{api_url.rstrip('/')}/v1/search"
        self._collection = collection
        self._session = requests.Session()
        self._session.trust_env = False  # the user's proxy must not be used for loopback

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def search(self, **query: str) -> tuple[list[dict[str, Any]] | None, float]:
        """Return the hits, and the milliseconds from request to parsed response.

        Hits are None if the query cannot be searched: an item without a vector, a file that is not a picture.
        """
        body = {"collection": self._collection, "top": NEIGHBOURS, **query}
        start = time.perf_counter()
        try:
            answer = self._session.post(self._url, json=body, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise Unavailable(f"The API does not respond ({type(error).__name__}).") from error
        if answer.status_code in _NOTHING_TO_SEARCH:
            return None, 0.0
        if answer.status_code != 200:
            raise VitrineError(f"The API responded to a search with {answer.status_code}.")
        hits: list[dict[str, Any]] = answer.json()["hits"]
        return hits, 1000.0 * (time.perf_counter() - start)


def measure(
    searcher: Searcher, item_ids: Sequence[str], pictures: Sequence[Path]
) -> SearchMeasurements:
    """Search by each item and by each picture file, skipping those that cannot be searched."""
    measured = SearchMeasurements()
    for item_id in item_ids:
        hits, took = searcher.search(item=item_id)
        if hits is not None:
            measured.item_ms.append(took)
            measured.neighbours[item_id] = [labels_of(hit["fields"]) for hit in hits]
    for picture in pictures:
        encoded = base64.b64encode(picture.read_bytes()).decode("ascii")
        hits, took = searcher.search(image_base64=encoded)
        if hits is not None:
            measured.picture_ms.append(took)
    return measured


def labels_of(fields: Mapping[str, Any]) -> Labels | None:
    """Return the labels from an item's fields; None if one is missing or empty."""
    values = tuple(str(fields.get(name) or "") for name in LABELS)
    return values if all(values) else None


def neighbour_precision(
    neighbours: Mapping[str, Sequence[Labels | None]], labels: Mapping[str, Labels]
) -> float | None:
    """Return the share of the `NEIGHBOURS` nearest items with the same labels, as the mean over labelled items.

    A missing neighbour counts as different. None if no item has labels.
    """
    shares = [
        sum(found == labels[item] for found in near[:NEIGHBOURS]) / NEIGHBOURS
        for item, near in neighbours.items()
        if item in labels
    ]
    return statistics.fmean(shares) if shares else None


def median(values: Sequence[float]) -> float | None:
    """Return the median; None if there are no values."""
    return statistics.median(values) if values else None
