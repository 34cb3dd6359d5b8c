"""One suite over every vector store: in memory, embedded, behind a store process, and a Qdrant server.

The gateway to a server runs twice: always over HTTP against Qdrant's own local mode (`qdrant-local`), and against a
real server if `VITRINE_TEST_QDRANT_URL` names one.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from qdrant_client import models

from tests.patience import PATIENCE
from vitrine.core.errors import BadInput, NotFound, SpaceMismatch, StoreRejected
from vitrine.core.filters import parse_filter
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import Payload, point_id
from vitrine.store import EmbeddingSpace, Facet, IndexState, PointBatch, Provenance, VectorStore
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.store.qdrant.store import QdrantServerStore
from vitrine.store.remote.server import serve
from vitrine.store.remote.store import RemoteStore
from vitrine.testing.matching import matches
from vitrine.testing.memory_store import MemoryStore
from vitrine.testing.qdrant_http import qdrant_http

DIMENSION = 32
SPACE = EmbeddingSpace(model="test-model", revision="r1", policy="p1", dimension=DIMENSION)
PROVENANCE = Provenance(
    job="0123456789ab",
    model="test-model",
    revision="r1",
    policy="p1",
    content_sha256="ab" * 32,
    etag='W/"1"',
    embedded_at="2026-01-02T03:04:05Z",
)
SCORE_TOLERANCE = 1e-5  # float32 dot products of unit vectors, summed in different orders
TOKEN = "a-token-for-the-tests"
INDEX_POINTS = 200  #: Points from which on an index is built: 25 KB of vectors.


@dataclass
class Bench:
    """A kind of store: how to reopen it on the same data, and a collection name for this test."""

    kind: str
    open: Callable[[], AbstractContextManager[VectorStore]]
    name: str


@contextmanager
def _closing(store: VectorStore) -> Iterator[VectorStore]:
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _served(path: Path) -> Iterator[VectorStore]:
    server = serve(path, "127.0.0.1", 0, TOKEN, options=StoreOptions(index_points=INDEX_POINTS))
    server.start()
    try:
        with _closing(RemoteStore(server.url, TOKEN)) as store:
            yield store
    finally:
        server.shutdown()


@contextmanager
def _local(location: str) -> Iterator[VectorStore]:
    with qdrant_http(location) as server, _closing(QdrantServerStore(server.url)) as store:
        yield store


def _server_url() -> str:
    url = os.environ.get("VITRINE_TEST_QDRANT_URL")
    if not url:
        said = "no Qdrant server is named (set VITRINE_TEST_QDRANT_URL)"
        if os.environ.get("VITRINE_TEST_REQUIRE_QDRANT") == "1":
            pytest.fail(said)
        pytest.skip(said)
    return url


@pytest.fixture(params=["memory", "edge", "remote", "qdrant-local", "qdrant-server"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    kind: str = request.param
    name = f"test-{secrets.token_hex(6)}"
    openers: dict[str, Callable[[], AbstractContextManager[VectorStore]]] = {
        "memory": lambda: _closing(MemoryStore(options=StoreOptions(index_points=INDEX_POINTS))),
        "edge": lambda: _closing(
            EmbeddedStore(tmp_path / "store", options=StoreOptions(index_points=INDEX_POINTS))
        ),
        "remote": lambda: _served(tmp_path / "store"),
        "qdrant-local": lambda: _local(":memory:"),
        "qdrant-local-disk": lambda: _local(str(tmp_path / "qdrant")),
    }
    if kind != "qdrant-server":
        yield Bench(kind, openers[kind], name)
        return
    url = _server_url()
    yield Bench(kind, lambda: _closing(QdrantServerStore(url)), name)
    with _closing(QdrantServerStore(url)) as store:
        made = [c.name for c in store.collections() if c.name.startswith(name)]
        for collection in made:
            store.delete(collection)


@pytest.fixture
def store(bench: Bench) -> Iterator[VectorStore]:
    with bench.open() as opened:
        opened.ensure(bench.name, SPACE)
        yield opened


def unit_vectors(count: int, seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    raw = np.random.default_rng(seed).standard_normal((count, dimension))
    unit: NDArray[np.float32] = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(
        np.float32
    )
    return unit


def batch(
    name: str,
    items: list[str],
    *,
    fields: list[Payload] | None = None,
    vectors: NDArray[np.float32] | None = None,
    seed: int = 0,
) -> PointBatch:
    """Return a point for each entry of `items`; a repeated item gets its next picture."""
    indexes = [items[:row].count(item) for row, item in enumerate(items)]
    return PointBatch(
        ids=[point_id(name, item, index) for item, index in zip(items, indexes, strict=True)],
        vectors=unit_vectors(len(items), seed) if vectors is None else vectors,
        item_ids=items,
        indexes=indexes,
        urls=[f"https://shop.example/{row}.jpg" for row in range(len(items))],
        fields=[{} for _ in items] if fields is None else fields,
        provenance=[PROVENANCE] * len(items),
    )


def numbered(count: int) -> list[str]:
    return [f"item-{row:04d}" for row in range(count)]


# Collections.


def test_ensure_twice_is_once(store: VectorStore, bench: Bench) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(3)))
    store.ensure(bench.name, SPACE)
    assert store.count(bench.name) == 3


@pytest.mark.parametrize(
    "other",
    [
        replace(SPACE, model="another-model"),
        replace(SPACE, revision="r2"),
        replace(SPACE, policy="p2"),
        replace(SPACE, dimension=DIMENSION + 1),
    ],
    ids=["model", "revision", "policy", "dimension"],
)
def test_another_space_is_refused_by_name(
    store: VectorStore, bench: Bench, other: EmbeddingSpace
) -> None:
    with pytest.raises(SpaceMismatch) as refusal:
        store.ensure(bench.name, other)
    for part in (bench.name, SPACE.model, other.model, other.revision, other.policy):
        assert part in str(refusal.value)


def test_points_of_another_space_are_refused(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, numbered(2))
    strange = replace(points, provenance=[PROVENANCE, replace(PROVENANCE, revision="r2")])
    with pytest.raises(SpaceMismatch, match="r2"):
        store.upsert(bench.name, strange)
    assert store.count(bench.name) == 0


def test_many_workers_may_ensure_at_once(bench: Bench) -> None:
    with bench.open() as store:
        ready = threading.Barrier(8)

        def ensure(_: int) -> None:
            ready.wait()
            store.ensure(bench.name, SPACE)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(ensure, range(8)))
        assert store.describe(bench.name).space == SPACE
        assert [c.name for c in store.collections() if c.name == bench.name] == [bench.name]


def test_describe_tells_space_points_and_indexed_fields(store: VectorStore, bench: Bench) -> None:
    fields: list[Payload] = [
        {"colour": "red", "price": 10, "new": True, "tags": ["a"], "nothing": None, "none": []},
        {"price": 9.5, "size.eu": "42"},
    ]
    store.upsert(bench.name, batch(bench.name, numbered(2), fields=fields))
    info = store.describe(bench.name)
    assert (info.name, info.space, info.points) == (bench.name, SPACE, 2)
    assert info.generation.startswith(f"{bench.name}.")
    assert info.indexed_fields == {
        "colour": "keyword",
        "price": "float",
        "new": "bool",
        "tags": "keyword",
        "size.eu": "keyword",
    }
    assert info in store.collections()
    assert store.indexed_fields(bench.name) == info.indexed_fields


def test_a_footprint_counts_items_once_and_bytes_where_there_are_files(
    store: VectorStore, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.footprint(bench.name).items == 0
    items = [f"item-{row % 40}" for row in range(100)]
    store.upsert(bench.name, batch(bench.name, items))
    store.upsert(bench.name, batch(bench.name, items[:50], seed=1))
    found = store.footprint(bench.name)
    assert (found.items, found.more_items) == (40, False)
    if bench.kind in {"edge", "remote"}:
        assert found.disk_bytes is not None
        assert found.disk_bytes >= 100 * DIMENSION * 4
    else:
        assert found.disk_bytes is None
    for module in ("embedded", "qdrant"):
        monkeypatch.setattr(f"vitrine.store.{module}.store.MAX_COUNTED_ITEMS", 39)
    monkeypatch.setattr("vitrine.testing.memory_store.MAX_COUNTED_ITEMS", 39)
    assert store.footprint(bench.name) == replace(found, items=39, more_items=True)


def test_a_deleted_collection_is_gone_and_can_be_made_anew(
    store: VectorStore, bench: Bench
) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(3)))
    store.delete(bench.name)
    assert bench.name not in [info.name for info in store.collections()]
    another = replace(SPACE, revision="r2")
    store.ensure(bench.name, another)
    assert store.describe(bench.name).space == another
    assert store.space(bench.name) == another
    assert store.count(bench.name) == 0


def test_what_does_not_exist_is_not_found(store: VectorStore, bench: Bench) -> None:
    absent = f"{bench.name}-absent"
    asks: list[Callable[[], object]] = [
        lambda: store.upsert(absent, batch(absent, numbered(1))),
        lambda: store.search(absent, unit_vectors(1)[0], top=1),
        lambda: store.item(absent, "x"),
        lambda: store.points(absent, []),
        lambda: store.sample(absent, 1),
        lambda: list(store.scroll(absent)),
        lambda: store.count(absent),
        lambda: store.facet(absent, "colour"),
        lambda: store.space(absent),
        lambda: store.describe(absent),
        lambda: store.footprint(absent),
        lambda: store.delete(absent),
        lambda: store.defer_index(absent),
        lambda: store.build_index(absent),
        lambda: store.index_state(absent),
    ]
    for ask in asks:
        with pytest.raises(NotFound, match=absent):
            ask()


# Writing.


def test_upsert_replaces_points_of_the_same_ids(store: VectorStore, bench: Bench) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(5), seed=1))
    newer = batch(bench.name, numbered(5), seed=2, fields=[{"version": 2}] * 5)
    store.upsert(bench.name, newer)
    assert store.count(bench.name) == 5
    stored = {point.id: point for point in store.scroll(bench.name)}
    for row, key in enumerate(newer.ids):
        np.testing.assert_allclose(stored[key].vector, newer.vectors[row], atol=1e-6)
        assert stored[key].payload["fields"] == {"version": 2}


def test_an_empty_batch_changes_nothing(store: VectorStore, bench: Bench) -> None:
    empty = batch(bench.name, [], vectors=np.zeros((0, DIMENSION), np.float32))
    store.upsert(bench.name, empty)
    assert store.count(bench.name) == 0


def _spoiled(row: int, value: float) -> NDArray[np.float32]:
    vectors = unit_vectors(3)
    vectors[row, 0] = value
    return vectors


@pytest.mark.parametrize(
    "vectors",
    [
        unit_vectors(3, dimension=DIMENSION + 1),
        unit_vectors(2),
        unit_vectors(3) * np.float32(1.01),
        np.zeros((3, DIMENSION), np.float32),
        _spoiled(1, float("nan")),
        _spoiled(2, float("inf")),
        unit_vectors(3).astype(np.float64),
    ],
    ids=["dimension", "rows", "length", "zero", "nan", "infinity", "float64"],
)
def test_vectors_that_break_the_contract_are_refused_whole(
    store: VectorStore, bench: Bench, vectors: NDArray[Any]
) -> None:
    with pytest.raises(ValueError, match="vectors"):
        store.upsert(bench.name, batch(bench.name, numbered(3), vectors=vectors))
    assert store.count(bench.name) == 0


@pytest.mark.parametrize(
    "field",
    [
        {"price": float("nan")},
        {"ean": 2**63},
        {"title": "\ud800"},
        {"sizes": [1.5, float("inf")]},
        {"eans": [1, -(2**63)]},
    ],
    ids=["nan", "65 bits", "half a surrogate pair", "infinity in a list", "65 bits in a list"],
)
def test_a_payload_that_cannot_be_stored_is_rejected_naming_its_item(
    store: VectorStore, bench: Bench, field: Payload
) -> None:
    points = batch(bench.name, numbered(3), fields=[{}, field, {}])
    with pytest.raises(StoreRejected, match="item-0001"):
        store.upsert(bench.name, points)
    assert store.count(bench.name) == 0


def test_more_points_than_one_request_takes(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, numbered(700))
    store.upsert(bench.name, points)
    assert {point.id for point in store.scroll(bench.name)} == set(points.ids)


@pytest.mark.parametrize(
    "bench", ["edge", "remote", "qdrant-local-disk", "qdrant-server"], indirect=True
)
def test_points_outlive_the_store_object(bench: Bench) -> None:
    points = batch(
        bench.name, numbered(20), fields=[{"n": n, "odd": n % 2 == 1} for n in range(20)]
    )
    with bench.open() as store:
        store.ensure(bench.name, SPACE)
        store.upsert(bench.name, points)
        if bench.kind != "qdrant-local-disk":  # its index schema is kept only in memory
            before = store.describe(bench.name)
    with bench.open() as store:
        if bench.kind != "qdrant-local-disk":
            assert store.describe(bench.name) == before
        assert store.count(bench.name, parse_filter({"odd": True})) == 10
        store.ensure(bench.name, SPACE)
        stored = {point.id: point.vector for point in store.scroll(bench.name)}
        for key, vector in zip(points.ids, points.vectors, strict=True):
            np.testing.assert_allclose(stored[key], vector, atol=1e-6)


# Reading.


def test_item_gives_its_points_in_order_with_provenance(store: VectorStore, bench: Bench) -> None:
    fields: list[Payload] = [{"title": "Kleid „Größe“ 👗", "n": n, "x": None} for n in range(4)]
    points = batch(bench.name, ["a", "b", "a", "a"], fields=fields)
    store.upsert(bench.name, points)
    found = store.item(bench.name, "a")
    assert [point.payload["image_index"] for point in found] == [0, 1, 2]
    for point, row in zip(found, [0, 2, 3], strict=True):
        assert point.id == points.ids[row]
        assert point.payload == points.payload(row)
        assert Provenance(**point.payload["provenance"]) == PROVENANCE
        np.testing.assert_allclose(point.vector, points.vectors[row], atol=1e-6)
        assert point.vector.dtype == np.float32
    assert store.item(bench.name, "c") == []


def test_points_are_found_by_id(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, numbered(5))
    store.upsert(bench.name, points)
    absent = point_id(bench.name, "absent", 0)
    found = {one.id: one for one in store.points(bench.name, [*points.ids[1:4], absent])}
    assert set(found) == set(points.ids[1:4])
    for row in (1, 2, 3):
        assert found[points.ids[row]].payload == points.payload(row)
        np.testing.assert_allclose(found[points.ids[row]].vector, points.vectors[row], atol=1e-6)
    assert store.points(bench.name, []) == []


def test_a_sample_is_of_stored_vectors_each_once(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, numbered(30))
    store.upsert(bench.name, points)
    for count in (10, 100):
        drawn = store.sample(bench.name, count)
        assert drawn.dtype == np.float32
        cosines = drawn @ points.vectors.T
        np.testing.assert_allclose(cosines.max(axis=1), 1, atol=1e-5)
        assert len(set(cosines.argmax(axis=1))) == len(drawn) == min(count, 30)
    with pytest.raises(BadInput, match="count"):
        store.sample(bench.name, 0)


def test_a_sample_of_nothing_is_empty(store: VectorStore, bench: Bench) -> None:
    assert store.sample(bench.name, 10).shape == (0, DIMENSION)


def test_scroll_without_vectors_still_gives_payloads(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, numbered(3))
    store.upsert(bench.name, points)
    found = list(store.scroll(bench.name, with_vectors=False))
    assert {point.id for point in found} == set(points.ids)
    assert all(point.vector.size == 0 for point in found)


def test_a_scroll_given_up_half_way_harms_nothing(store: VectorStore, bench: Bench) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(600)))
    for _ in range(3):
        pages = store.scroll(bench.name)
        next(pages)
        pages.close()  # type: ignore[attr-defined]  # each is a generator
    assert store.count(bench.name) == 600


ODD_IDS = [
    "🧥/é\\\"'`;--",
    "../../etc/passwd",
    "a b\tc\nd",
    "%2F%00",
    "x" * 500,
    "日本語",
    "null",
    "42",
    " ",
]


def test_odd_item_ids_are_kept_and_found(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, ODD_IDS)
    store.upsert(bench.name, points)
    for row, odd in enumerate(ODD_IDS):
        assert [point.payload["item_id"] for point in store.item(bench.name, odd)] == [odd]
        best = store.search(bench.name, points.vectors[row], top=1)
        assert [group.item_id for group in best] == [odd]
    others = store.search(
        bench.name, points.vectors[0], top=len(ODD_IDS), exclude_items=ODD_IDS[:4]
    )
    assert {group.item_id for group in others} == set(ODD_IDS[4:])


# Searching.


@pytest.mark.parametrize("exact", [False, True])
def test_search_ranks_by_cosine(store: VectorStore, bench: Bench, exact: bool) -> None:
    points = batch(bench.name, numbered(200))
    store.upsert(bench.name, points)
    query = unit_vectors(1, seed=9)[0]
    cosines = points.vectors @ query
    order = np.argsort(-cosines)[:10]
    found = store.search(bench.name, query * np.float32(3), top=10, exact=exact)
    assert [group.item_id for group in found] == [points.item_ids[row] for row in order]
    np.testing.assert_allclose(
        [group.score for group in found], cosines[order], atol=SCORE_TOLERANCE
    )
    best = found[0].hits[0]
    row = int(order[0])
    assert (best.id, best.index, best.url) == (points.ids[row], 0, points.urls[row])
    assert Provenance(**best.provenance) == PROVENANCE


def test_search_in_an_empty_collection_finds_nothing(store: VectorStore, bench: Bench) -> None:
    assert store.search(bench.name, unit_vectors(1)[0], top=5) == []


def test_a_query_that_cannot_be_compared_is_refused(store: VectorStore, bench: Bench) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(3)))
    for query in (
        unit_vectors(1, dimension=DIMENSION - 1)[0],
        np.zeros(DIMENSION, np.float32),
        np.full(DIMENSION, np.nan, np.float32),
    ):
        with pytest.raises(ValueError, match="query"):
            store.search(bench.name, query, top=1)


@pytest.mark.parametrize("counts", [{"top": 0}, {"top": 1001}, {"top": 1, "per_item": 0}])
def test_counts_out_of_bounds_are_bad_input(
    store: VectorStore, bench: Bench, counts: Mapping[str, int]
) -> None:
    with pytest.raises(BadInput, match=r"expected 1 to"):
        store.search(bench.name, unit_vectors(1)[0], **counts)  # type: ignore[arg-type]  # counts only


def _many_pictures(name: str) -> PointBatch:
    """One item with 120 pictures near the query, and ten more with three each, further away."""
    items = ["crowd"] * 120 + [f"other-{row % 10}" for row in range(30)]
    vectors = unit_vectors(150, seed=4)
    vectors[:120] = vectors[:120] * np.float32(0.2) + vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return batch(name, items, vectors=vectors)


@pytest.mark.parametrize("per_item", [1, 2, 5])
def test_hits_are_grouped_by_item(store: VectorStore, bench: Bench, per_item: int) -> None:
    points = _many_pictures(bench.name)
    store.upsert(bench.name, points)
    reference = MemoryStore()
    reference.ensure(bench.name, SPACE)
    reference.upsert(bench.name, points)
    query = points.vectors[0]
    found = store.search(bench.name, query, top=6, per_item=per_item)
    expected = reference.search(bench.name, query, top=6, per_item=per_item)
    assert [[hit.id for hit in group.hits] for group in found] == [
        [hit.id for hit in group.hits] for group in expected
    ]
    assert found[0].item_id == "crowd"
    assert len(found) == 6
    scores = [group.score for group in found]
    assert scores == sorted(scores, reverse=True)


def test_excluded_items_are_left_out(store: VectorStore, bench: Bench) -> None:
    points = _many_pictures(bench.name)
    store.upsert(bench.name, points)
    query = points.vectors[0]
    found = store.search(bench.name, query, top=20, exclude_items=["crowd", "other-3", "absent"])
    assert {group.item_id for group in found} == {f"other-{n}" for n in range(10) if n != 3}


# Filters.

FIELDS: list[Payload] = [
    {"colour": "red", "price": 10, "sale": True, "tags": ["wool", "long"], "code": "A1"},
    {"colour": "red", "code": 7, "price": 10.5, "sale": False, "tags": ["silk"]},
    {"colour": "größe 😀", "price": 9.99, "sale": True, "tags": []},
    {"colour": "blue", "price": -3, "tags": ["wool"], "size.eu": "42", "a[0]": 1},
    {"colour": "BLUE", "price": 0, "sale": None, "stock count": 7, "and": "this"},
    {"price": "10", "sale": "true", "ean": 2**53 + 1},
    {"price": 1, "sale": 1, "ean": 2**53 + 3, "fields": "deep"},
    {"colour": ["red", "blue"], "price": 1e300},
    {},
]

FILTERS: list[dict[str, Any]] = [
    {"colour": "red"},
    {"colour": "Red"},
    {"colour": "größe 😀"},
    {"colour": ["blue", "BLUE", "absent"]},
    {"tags": "wool"},
    {"tags": ["silk", "long"]},
    {"price": 10},
    {"price": 10.0},
    {"price": "10"},
    {"price": 10.5},
    {"price": [10, 9.99, "10"]},
    {"price": {"gte": 10}},
    {"price": {"gt": 10}},
    {"price": {"lt": 0}},
    {"price": {"gt": 9.5, "lte": 10.5}},
    {"price": {"gte": -3, "lt": 1}},
    {"sale": True},
    {"sale": False},
    {"sale": 1},
    {"sale": [True, False]},
    {"sale": "true"},
    {"size.eu": "42"},
    {"a[0]": 1},
    {"stock count": {"gte": 7}},
    {"fields.and": "this"},
    {"fields.fields": "deep"},
    {"ean": 2**53 + 1},
    {"code": "A1"},
    {"code": 7},
    {"code": {"gte": 5}},
    {"code": ["A1", 7]},
    {"absent": "x"},
    {"not": {"colour": "red"}},
    {"not": {"price": {"gte": 1}}},
    {"not": {"sale": True}},
    {"colour": "red", "sale": True},
    {"or": [{"colour": "blue"}, {"price": {"lt": 5}}]},
    {"and": [{"or": [{"sale": True}, {"tags": "silk"}]}, {"not": {"price": 9.99}}]},
    {"not": {"or": [{"colour": "red"}, {"not": {"tags": "wool"}}]}},
]


def test_filters_mean_the_same_everywhere(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, numbered(len(FIELDS)), fields=FIELDS)
    store.upsert(bench.name, points)
    for value in FILTERS:
        where = parse_filter(value)
        expected = {
            item
            for item, fields in zip(points.item_ids, FIELDS, strict=True)
            if matches(where, fields)
        }
        found = store.search(bench.name, points.vectors[0], top=50, where=where)
        assert {group.item_id for group in found} == expected, value
        assert store.count(bench.name, where) == len(expected), value


def test_a_field_that_turns_from_integer_to_float_keeps_every_value(
    store: VectorStore, bench: Bench
) -> None:
    for row, price in enumerate([10, 10.25, 11, 9]):
        points = batch(bench.name, [f"item-{row}"], fields=[{"price": price}], seed=row)
        store.upsert(bench.name, points)
    assert store.count(bench.name, parse_filter({"price": {"gte": 10, "lte": 10.5}})) == 2
    assert store.count(bench.name, parse_filter({"price": {"gt": 0}})) == 4


def test_a_field_with_a_quote_in_its_name_is_stored_though_not_filtered_by(
    store: VectorStore, bench: Bench
) -> None:
    fields: Payload = {'width (24")': 24, "back\\slash": "b", "": "empty"}
    store.upsert(bench.name, batch(bench.name, ["screen"], fields=[fields]))
    assert store.item(bench.name, "screen")[0].payload["fields"] == fields
    assert store.describe(bench.name).indexed_fields == {}


# Facets.


def _values(found: Facet) -> dict[str | bool, int]:
    return {value.value: value.points for value in found.values}


def test_facets_count_what_a_field_holds(store: VectorStore, bench: Bench) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(len(FIELDS)), fields=FIELDS))
    colours = store.facet(bench.name, "colour")
    assert (colours.kind, colours.more) == ("keyword", False)
    assert _values(colours) == {"red": 3, "blue": 2, "BLUE": 1, "größe 😀": 1}
    assert [value.value for value in colours.values[:2]] == ["red", "blue"]
    assert _values(store.facet(bench.name, "tags")) == {"wool": 2, "long": 1, "silk": 1}
    assert _values(store.facet(bench.name, "sale")) == {True: 2, False: 1}
    assert _values(store.facet(bench.name, "size.eu")) == {"42": 1}


def test_facets_are_those_of_what_passes_the_filter(store: VectorStore, bench: Bench) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(len(FIELDS)), fields=FIELDS))
    where = parse_filter({"price": {"gte": 10}})
    assert _values(store.facet(bench.name, "colour", where=where)) == {"red": 3, "blue": 1}
    assert _values(store.facet(bench.name, "sale", where=where)) == {True: 1, False: 1}
    prices = store.facet(bench.name, "price", where=parse_filter({"colour": ["red", "BLUE"]}))
    assert (prices.low, prices.high) == (0, 1e300)
    nothing = parse_filter({"colour": "absent"})
    assert store.facet(bench.name, "colour", where=nothing).values == ()
    assert store.facet(bench.name, "price", where=nothing).low is None


def test_only_the_commonest_values_are_told(store: VectorStore, bench: Bench) -> None:
    sizes: list[Payload] = [{"size": f"s{row // 3}"} for row in range(10)]
    store.upsert(bench.name, batch(bench.name, numbered(10), fields=sizes))
    some = store.facet(bench.name, "size", top=3)
    assert [value.points for value in some.values] == [3, 3, 3]
    assert some.more
    assert not store.facet(bench.name, "size", top=4).more


def test_numbers_fall_into_bins_as_filters_count_them(store: VectorStore, bench: Bench) -> None:
    prices: list[Payload] = [*({"price": row * 4.99} for row in range(50)), {}]
    store.upsert(bench.name, batch(bench.name, numbered(51), fields=prices))
    found = store.facet(bench.name, "price")
    assert found.low == 0
    assert found.high == pytest.approx(49 * 4.99)
    assert 5 < len(found.bins) <= 11
    assert sum(one.points for one in found.bins) == 50
    for one in found.bins:
        where = parse_filter({"price": {"gte": one.gte, "lt": one.lt}})
        assert store.count(bench.name, where) == one.points


def test_a_field_without_an_index_is_refused_naming_those_with_one(
    store: VectorStore, bench: Bench
) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(1), fields=[{"colour": "red"}]))
    with pytest.raises(BadInput, match="colour"):
        store.facet(bench.name, "color")
    with pytest.raises(BadInput, match="expected 1 to"):
        store.facet(bench.name, "colour", top=0)


# Dates, and lists of numbers.

DATED: list[Payload] = [
    {"added": "2026-11-03T00:00:00Z"},
    {"added": "2026-11-03T23:59:59Z"},
    {"added": "2026-11-04T00:00:00Z"},
    {"added": ["2026-10-31T12:00:00Z", "2026-12-01T12:00:00Z"]},
    {"added": ["soon", "2026-11-05T00:00:00Z"]},
    {"added": "soon"},
    {"added": "2026-11-03"},
    {"added": "2026-11-03T10:00:00+02:00"},
    {"added": "2026-02-30T00:00:00Z"},
    {"added": 5},
    {"added": [2026, 5.5]},
    {"added": True},
    {"added": None},
    {"added": "0001-01-01T00:00:00Z"},
    {"added": "9999-12-31T23:59:59Z"},
    {},
]

DATE_FILTERS: list[dict[str, Any]] = [
    {"added": {"gte": "2026-11-03", "lte": "2026-11-03"}},
    {"added": {"gt": "2026-11-03"}},
    {"added": {"lt": "2026-11-03"}},
    {"added": {"lte": "2026-11-03"}},
    {"added": {"gte": "2026-11-03T23:59:59Z", "lt": "2026-11-04T00:00:01Z"}},
    {"added": {"gt": "2026-11-04T00:59:58+01:00", "lte": "2026-11-04 00:00"}},
    {"added": {"gte": "2026-11-03T23:59:58.5Z"}},
    {"added": {"gte": "2026-11-06", "lte": "2026-11-30"}},
    {"added": {"gte": "0001-01-01"}},
    {"added": {"lte": "9999-12-31"}},
    {"added": {"gt": "9999-12-31"}},
    {"added": "2026-11-03"},
    {"added": "2026-11-04T00:00:00Z"},
    {"added": "2026-11-03T10:00:00+02:00"},
    {"added": "2026-11-04T01:00:00+01:00"},
    {"added": ["2026-11-03", "soon", 5]},
    {"added": ["2026-10-31", "2026-11-04T00:00:00Z"]},
    {"added": "soon"},
    {"added": 5},
    {"added": 5.5},
    {"added": True},
    {"added": {"gte": 5}},
    {"added": {"lt": 1e18}},
    {"not": {"added": {"gte": "2026-11-03"}}},
    {"not": {"added": "2026-11-03"}},
    {
        "or": [
            {"added": {"lt": "2000-01-01"}},
            {"and": [{"added": "2026-11-03"}, {"added": "soon"}]},
        ]
    },
]


@pytest.mark.parametrize("first", [0, 4, 5, 9, 10, 11], ids=lambda row: repr(DATED[row]["added"]))
def test_dates_mean_the_same_whatever_else_their_field_holds(
    store: VectorStore, bench: Bench, first: int
) -> None:
    """A field is indexed by its first value; the others are found all the same."""
    rows = [DATED[first], *DATED]
    points = batch(bench.name, numbered(len(rows)), fields=rows)
    store.upsert(bench.name, _part(points, 0, 1))
    store.upsert(bench.name, _part(points, 1, len(rows)))
    for value in DATE_FILTERS:
        where = parse_filter(value)
        expected = {
            item
            for item, fields in zip(points.item_ids, rows, strict=True)
            if matches(where, fields)
        }
        found = store.search(bench.name, points.vectors[0], top=50, where=where)
        assert {group.item_id for group in found} == expected, value
        assert store.count(bench.name, where) == len(expected), value


def _part(points: PointBatch, start: int, end: int) -> PointBatch:
    columns = {name: getattr(points, name)[start:end] for name in points.__slots__}
    return PointBatch(**columns)


def test_a_date_field_is_described_and_its_payload_kept(store: VectorStore, bench: Bench) -> None:
    fields: list[Payload] = [
        {"added": "2026-11-03T00:00:00Z", "seen": ["2026-11-03T00:00:00Z"], "note": "soon"},
        {"added": "soon", "note": "2026-11-03T00:00:00Z"},
    ]
    points = batch(bench.name, numbered(2), fields=fields)
    store.upsert(bench.name, points)
    expected = {"added": "datetime", "seen": "datetime", "note": "keyword"}
    assert store.describe(bench.name).indexed_fields == expected
    assert store.indexed_fields(bench.name) == expected
    for row, item in enumerate(points.item_ids):
        assert store.item(bench.name, item)[0].payload == points.payload(row)


def test_a_range_of_dates_over_a_field_without_dates_is_refused(
    store: VectorStore, bench: Bench
) -> None:
    fields: list[Payload] = [{"code": "2026-11-03", "price": 5}]
    store.upsert(bench.name, batch(bench.name, numbered(1), fields=fields))
    for field, kind in (("code", "keyword"), ("price", "float")):
        where = parse_filter({"or": [{"code": "x"}, {field: {"gte": "2026-11-01"}}]})
        asks: list[Callable[[Any], object]] = [
            lambda where: store.count(bench.name, where),
            lambda where: store.search(bench.name, unit_vectors(1)[0], top=1, where=where),
            lambda where: store.facet(bench.name, "code", where=where),
        ]
        for ask in asks:
            with pytest.raises(BadInput, match=rf"'{field}' .* holds no dates .* {kind}"):
                ask(where)
    assert store.count(bench.name, parse_filter({"code": "2026-11-03"})) == 1
    assert store.count(bench.name, parse_filter({"absent": {"gte": "2026-11-01"}})) == 0


def test_dates_have_facets_of_whole_days_months_or_years(store: VectorStore, bench: Bench) -> None:
    fields: list[Any] = [
        *(
            {"added": f"2026-{month:02}-15T12:00:00Z", "odd": month % 2 == 1}
            for month in range(3, 9)
        ),
        {"added": ["2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "soon"], "odd": True},
        {"added": "soon"},
        {},
    ]
    store.upsert(bench.name, batch(bench.name, numbered(len(fields)), fields=fields))
    found = store.facet(bench.name, "added")
    assert (found.kind, found.values) == ("datetime", ())
    assert (found.low, found.high) == ("2026-01-31T23:59:59Z", "2026-08-15T12:00:00Z")
    assert [one.gte for one in found.bins] == [f"2026-{n:02}-01T00:00:00Z" for n in range(1, 9)]
    assert [one.points for one in found.bins] == [1] * 8
    for one in found.bins:
        where = parse_filter({"added": {"gte": one.gte, "lt": one.lt}})
        assert store.count(bench.name, where) == one.points
    some = store.facet(bench.name, "added", where=parse_filter({"odd": False}))
    assert (some.low, some.high) == ("2026-04-15T12:00:00Z", "2026-08-15T12:00:00Z")
    nothing = store.facet(bench.name, "added", where=parse_filter({"odd": "absent"}))
    assert (nothing.low, nothing.high, nothing.bins) == (None, None, ())


SIZES: list[Any] = [
    {"sizes": [41, 42.5]},
    {"sizes": [42]},
    {"sizes": 44},
    {"sizes": []},
    {"sizes": [-3, 1e300]},
    {"sizes": ["42", "L"]},
    {"sizes": [2**53 + 1, 2**53 + 3]},
    {},
]


def test_lists_of_numbers_match_by_their_elements(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, numbered(len(SIZES)), fields=SIZES)
    store.upsert(bench.name, points)
    assert store.indexed_fields(bench.name) == {"sizes": "float"}
    for value in [
        {"sizes": 42},
        {"sizes": 42.0},
        {"sizes": 42.5},
        {"sizes": "42"},
        {"sizes": [41, 44, "L"]},
        {"sizes": {"gt": 41, "lt": 42.5}},
        {"sizes": {"gt": 42.5}},
        {"sizes": {"lte": 41}},
        {"sizes": 2**53 + 3},
        {"not": {"sizes": {"gte": 42}}},
    ]:
        where = parse_filter(value)
        expected = {
            item
            for item, fields in zip(points.item_ids, SIZES, strict=True)
            if matches(where, fields)
        }
        found = store.search(bench.name, points.vectors[0], top=50, where=where)
        assert {group.item_id for group in found} == expected, value


def test_lists_of_numbers_are_kept_as_they_are(store: VectorStore, bench: Bench) -> None:
    points = batch(bench.name, numbered(len(SIZES)), fields=SIZES)
    store.upsert(bench.name, points)
    for item, fields in zip(points.item_ids, SIZES, strict=True):
        stored = store.item(bench.name, item)[0].payload["fields"]
        assert stored == fields
        assert [type(each) for each in _each(stored)] == [type(each) for each in _each(fields)]


def _each(fields: Payload) -> list[object]:
    value = fields.get("sizes")
    return list(value) if isinstance(value, list) else [value]


def test_facets_count_each_number_of_a_list(store: VectorStore, bench: Bench) -> None:
    fields: list[Any] = [{"sizes": [36, 45]}, {"sizes": [38.5]}, {"sizes": 40}, {"sizes": []}]
    store.upsert(bench.name, batch(bench.name, numbered(4), fields=fields))
    found = store.facet(bench.name, "sizes")
    assert (found.kind, found.low, found.high) == ("float", 36, 45)
    assert sum(one.points for one in found.bins) == 4


def test_booleans_in_a_list_are_found(store: VectorStore, bench: Bench) -> None:
    fields: list[Any] = [{"sale": [True, False]}, {"sale": [False]}, {"sale": ["true"]}]
    store.upsert(bench.name, batch(bench.name, numbered(3), fields=fields))
    assert store.count(bench.name, parse_filter({"sale": True})) == 1
    assert store.count(bench.name, parse_filter({"sale": False})) == 2


# Concurrency.


def test_eight_threads_write_and_search_at_once(store: VectorStore, bench: Bench) -> None:
    store.upsert(bench.name, batch(bench.name, numbered(50)))

    def work(thread: int) -> None:
        for turn in range(4):
            items = [f"t{thread}-{turn}-{row}" for row in range(10)]
            points = batch(bench.name, items, seed=1000 + 100 * thread + turn)
            store.upsert(bench.name, points)
            found = store.search(bench.name, points.vectors[3], top=3)
            assert found[0].item_id == items[3]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert store.count(bench.name) == 50 + 8 * 4 * 10


def _with_a_low_threshold(store: VectorStore, name: str) -> None:
    """Let a server build an index with as few points as the other stores in these tests."""
    if isinstance(store, QdrantServerStore):
        store._client.update_collection(
            store.describe(name).generation,
            optimizers_config=models.OptimizersConfigDiff(indexing_threshold=1),
        )


def _until_green(store: VectorStore, name: str) -> IndexState:
    deadline = time.monotonic() + PATIENCE
    while not (state := store.index_state(name)).green:
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def test_a_new_collections_index_has_nothing_to_do(store: VectorStore, bench: Bench) -> None:
    assert store.index_state(bench.name) == IndexState(0, 0, deferred=False, green=True)
    assert bench.name not in store.deferred()


def test_few_points_are_not_worth_an_index(store: VectorStore, bench: Bench) -> None:
    store.defer_index(bench.name)
    store.upsert(bench.name, batch(bench.name, numbered(5)))
    store.build_index(bench.name)
    assert _until_green(store, bench.name) == IndexState(5, 0, deferred=False, green=True)


def test_a_deferred_index_is_built_when_the_load_is_over(store: VectorStore, bench: Bench) -> None:
    _with_a_low_threshold(store, bench.name)
    points = batch(bench.name, numbered(2 * INDEX_POINTS))
    for _ in range(2):
        store.defer_index(bench.name)
    store.upsert(bench.name, points)
    assert store.index_state(bench.name) == IndexState(len(points.ids), 0, True, False)
    assert bench.name in store.deferred()
    for exact in (False, True):
        found = store.search(bench.name, points.vectors[7], top=1, exact=exact)
        assert found[0].item_id == points.item_ids[7]
    for _ in range(2):
        store.build_index(bench.name)
    assert bench.name not in store.deferred()
    state = _until_green(store, bench.name)
    assert state.points == len(points.ids)
    assert state.indexed > INDEX_POINTS
    assert not state.deferred
    found = store.search(bench.name, points.vectors[7], top=1)
    assert found[0].item_id == points.item_ids[7]
    store.build_index(bench.name)
    assert store.index_state(bench.name).green


def test_a_collection_made_anew_is_not_deferred(store: VectorStore, bench: Bench) -> None:
    store.defer_index(bench.name)
    store.delete(bench.name)
    assert bench.name not in store.deferred()
    store.ensure(bench.name, SPACE)
    assert store.index_state(bench.name) == IndexState(0, 0, deferred=False, green=True)


def test_many_workers_may_defer_and_build_at_once(store: VectorStore, bench: Bench) -> None:
    with ThreadPoolExecutor(8) as pool:
        for ask in (store.defer_index, store.build_index):
            for told in [pool.submit(ask, bench.name) for _ in range(8)]:
                told.result()
    assert store.index_state(bench.name).green
    assert bench.name not in store.deferred()


def test_close_twice_is_once(bench: Bench) -> None:
    with bench.open() as store:
        store.ping()
        store.close()
        store.close()
