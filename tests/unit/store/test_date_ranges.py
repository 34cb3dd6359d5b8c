"""Random dates and ranges select the same points in the embedded engine as in memory."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vitrine.core.datetimes import stored_text
from vitrine.core.filters import parse_filter
from vitrine.core.types import Payload, point_id
from vitrine.store import EmbeddingSpace, PointBatch, Provenance, VectorStore
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.testing.memory_store import MemoryStore

SPACE = EmbeddingSpace(model="m", revision="r", policy="p", dimension=2)
PROVENANCE = Provenance("job", "m", "r", "p", "ab" * 32, None, "2026-01-02T03:04:05Z")
COLLECTIONS = (f"c{number}" for number in itertools.count())

# Few days and hours, so that dates and bounds often coincide.
DAYS = st.dates(dt.date(2026, 2, 26), dt.date(2026, 3, 2)) | st.dates()
CLOCKS = st.sampled_from([dt.time(), dt.time(12), dt.time(23, 59, 59), dt.time(23, 59, 59, 500000)])
ZONES = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=-5, minutes=-30))])
MOMENTS = st.builds(dt.datetime.combine, DAYS, CLOCKS, ZONES).filter(
    lambda moment: 1 < moment.year < 9999
)
DATES = MOMENTS.map(stored_text)
TEXTS = st.sampled_from(["soon", "2026-02-28", "2026-03-01T00:00:00+00:00", "2026-02-30T00:00:00Z"])
VALUES = DATES | TEXTS | st.lists(DATES | TEXTS, max_size=3) | st.integers(0, 3) | st.booleans()
ASKED = DAYS.map(str) | MOMENTS.map(dt.datetime.isoformat)
RANGES = st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), ASKED, min_size=1)
CONDITIONS = RANGES | ASKED | DATES | TEXTS | st.lists(ASKED | TEXTS, min_size=1, max_size=3)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[VectorStore, VectorStore]]:
    embedded = EmbeddedStore(tmp_path_factory.mktemp("store"))
    yield embedded, MemoryStore()
    embedded.close()


def _batch(name: str, fields: list[Payload]) -> PointBatch:
    count = len(fields)
    return PointBatch(
        ids=[point_id(name, str(row), 0) for row in range(count)],
        vectors=np.tile(np.array([[0.6, 0.8]], np.float32), (count, 1)),
        item_ids=[str(row) for row in range(count)],
        indexes=[0] * count,
        urls=["https://shop.example/1.jpg"] * count,
        fields=fields,
        provenance=[PROVENANCE] * count,
    )


def _passing(store: VectorStore, name: str, value: dict[str, Any]) -> set[str]:
    query = np.array([0.6, 0.8], np.float32)
    found = store.search(name, query, top=100, where=parse_filter(value))
    return {group.item_id for group in found}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    dates=st.lists(DATES, min_size=1, max_size=3),
    values=st.lists(VALUES, min_size=1, max_size=12),
    conditions=st.lists(CONDITIONS, min_size=1, max_size=8),
)
def test_the_engine_and_memory_agree(
    engines: tuple[VectorStore, VectorStore],
    dates: list[str],
    values: list[Any],
    conditions: list[Any],
) -> None:
    name = next(COLLECTIONS)
    rows: list[Payload] = [{"added": value} for value in [*values, *dates]]
    for store in engines:
        store.ensure(name, SPACE)
        store.upsert(name, _batch(name, rows))
    embedded, memory = engines
    for condition in conditions:
        for where in ({"added": condition}, {"not": {"added": condition}}):
            assert _passing(embedded, name, where) == _passing(memory, name, where), where
    assert embedded.indexed_fields(name) == memory.indexed_fields(name)
    assert embedded.facet(name, "added") == memory.facet(name, "added")
    for store in engines:
        store.delete(name)
