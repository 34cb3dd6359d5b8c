"""The rows of tests/cases/operations/filters.jsonl, filtered in memory and in the embedded engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from producer.values.payload import flatten
from vitrine.core.datetimes import read_period
from vitrine.core.filters import parse_filter
from vitrine.core.types import point_id
from vitrine.store import EmbeddingSpace, PointBatch, Provenance, VectorStore
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.testing.memory_store import MemoryStore

CASES = Path(__file__).parents[2] / "cases" / "operations" / "filters.jsonl"
SPACE = EmbeddingSpace(model="m", revision="r", policy="p", dimension=2)
QUERY = np.array([0.6, 0.8], np.float32)


@pytest.fixture(scope="module", params=["memory", "embedded"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VectorStore]:
    made: VectorStore = (
        MemoryStore()
        if request.param == "memory"
        else EmbeddedStore(tmp_path_factory.mktemp("store"))
    )
    made.ensure("cases", SPACE)
    made.upsert("cases", _batch([json.loads(line) for line in CASES.read_text().splitlines()]))
    yield made
    made.close()


def _batch(rows: list[dict[str, Any]]) -> PointBatch:
    ids = [row.pop("id") for row in rows]
    provenance = Provenance("job", "m", "r", "p", "ab" * 32, None, "2026-01-02T03:04:05Z")
    return PointBatch(
        ids=[point_id("cases", item, 0) for item in ids],
        vectors=np.tile(QUERY, (len(ids), 1)),
        item_ids=ids,
        indexes=[0] * len(ids),
        urls=[row.pop("image") for row in rows],
        fields=[_with_normal_dates(flatten(row)) for row in rows],
        provenance=[provenance] * len(ids),
    )


def _with_normal_dates(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with their ISO 8601 dates in the form in which the store keeps them."""
    periods = {
        name: period
        for name, value in fields.items()
        if isinstance(value, str) and (period := read_period(value))
    }
    return fields | {name: period.first for name, period in periods.items()}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"n": 42}, "abe"),
        ({"n": 41}, "e"),
        ({"n": "42"}, "d"),
        ({"n": [41, 43]}, "ce"),
        ({"n": {"lt": 42}}, "e"),
        ({"n": {"gte": 42}}, "abce"),
        ({"tags2": 2}, "c"),
        ({"tags2": {"gt": 1, "lt": 2}}, ""),
        ({"f": {"gt": 42}}, "c"),
        ({"float_int": 1000}, "e"),
        ({"neg": 0}, "e"),
        ({"big": 9007199254740993}, "a"),
        ({"b": True}, "a"),
        ({"mixed": 1}, "a"),
        ({"mixed": True}, "c"),
        ({"tags": "red"}, "ad"),
        ({"size.us": {"gt": 8}}, "ab"),
        ({"date": {"gte": "2024-01-01", "lt": "2024-02-01"}}, "a"),
        ({"date": {"lte": "2024-02-01"}}, "ab"),
        ({"date": {"gt": "2024-02-01"}}, ""),
        ({"date": "2024-01-05"}, "a"),
        ({"date": ["2024-02-01", "05.01.2024"]}, "bc"),
        ({"not": {"date": {"gte": "2024-01-01"}}}, "cde"),
    ],
)
def test_each_filter_finds_its_rows(store: VectorStore, where: dict[str, Any], found: str) -> None:
    hits = store.search("cases", QUERY, top=10, where=parse_filter(where))
    assert "".join(sorted(group.item_id for group in hits)) == found
