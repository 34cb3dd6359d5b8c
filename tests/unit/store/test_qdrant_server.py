"""The gateway's requests to a Qdrant server, and how it handles the server's errors and silences."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import orjson
import pytest
from qdrant_client import models

from vitrine.core.errors import BadInput, Conflict, NotFound, StoreRejected, StoreUnavailable
from vitrine.core.filters import parse_filter
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import point_id
from vitrine.store import EmbeddingSpace, PointBatch, Provenance
from vitrine.store.qdrant import upsert
from vitrine.store.qdrant.index import read_index_state
from vitrine.store.qdrant.store import QdrantServerStore
from vitrine.store.qdrant.upsert import UPSERT_POINTS
from vitrine.testing.qdrant_http import LocalQdrantServer, qdrant_http

SPACE = EmbeddingSpace("m", "r", "p", 4)
KEY = "a-very-secret-key"


def points(count: int) -> PointBatch:
    vectors = np.zeros((count, 4), np.float32)
    vectors[:, 0] = 1
    provenance = Provenance("job", "m", "r", "p", "00", None, "2026-01-01T00:00:00Z")
    items = [f"i{row}" for row in range(count)]
    return PointBatch(
        ids=[point_id("c", item, 0) for item in items],
        vectors=vectors,
        item_ids=items,
        indexes=[0] * count,
        urls=["https://shop.example/1.jpg"] * count,
        fields=[{"price": 1.5}] * count,
        provenance=[provenance] * count,
    )


@pytest.fixture
def server() -> Iterator[LocalQdrantServer]:
    with qdrant_http() as running:
        yield running


@pytest.fixture
def store(server: LocalQdrantServer) -> Iterator[QdrantServerStore]:
    opened = QdrantServerStore(server.url, api_key=KEY)
    opened.ensure("c", SPACE)
    yield opened
    opened.close()


def test_upserts_wait_are_bounded_and_carry_the_key(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    store.upsert("c", points(UPSERT_POINTS + 1))
    writes = [r for r in server.requests if r[0] == "PUT" and "/points?" in r[1]]
    assert [len(orjson.loads(body)["points"]) for *_, body in writes] == [UPSERT_POINTS, 1]
    for _, target, headers, _ in writes:
        assert "wait=true" in target
        assert headers["api-key"] == KEY
        assert headers["content-type"] == "application/json"


def test_what_a_server_may_take_long_for_carries_the_timeout(server: LocalQdrantServer) -> None:
    with closing(QdrantServerStore(server.url, options=StoreOptions(store_timeout=3))) as store:
        store.ensure("c", SPACE)
        store.upsert("c", points(1))
        store.defer_index("c")
        store.build_index("c")
    bounded = [target for _, target, *_ in server.requests if "timeout=" in target]
    assert len(bounded) == 5  # the collection, its alias, the points, and the index twice
    assert all("timeout=3" in target for target in bounded)


def test_a_body_too_long_for_the_server_goes_out_in_halves(
    server: LocalQdrantServer, store: QdrantServerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = points(5)
    store.upsert("c", batch)
    [whole] = [r[3] for r in server.requests if r[0] == "PUT" and "/points?" in r[1]]
    monkeypatch.setattr(upsert, "UPSERT_BYTES", len(whole) // 2)
    server.requests.clear()
    store.upsert("c", batch)
    sent = [r[3] for r in server.requests if r[0] == "PUT" and "/points?" in r[1]]
    assert all(len(body) <= len(whole) // 2 for body in sent)
    ids = [point["id"] for body in sent for point in orjson.loads(body)["points"]]
    assert ids == list(batch.ids)


def test_a_single_point_too_long_is_for_the_server_to_refuse(
    server: LocalQdrantServer, store: QdrantServerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upsert, "UPSERT_BYTES", 1)
    store.upsert("c", points(2))
    assert store.count("c") == 2


def test_rows_that_are_no_block_of_memory_arrive_as_they_are(store: QdrantServerStore) -> None:
    wide = np.zeros((3, 8), np.float32)
    wide[:, ::2] = np.eye(4, dtype=np.float32)[:3]
    batch = points(3)
    store.upsert("c", replace(batch, vectors=wide[:, ::2]))
    stored = {point.id: point.vector for point in store.scroll("c")}
    np.testing.assert_array_equal([stored[key] for key in batch.ids], np.eye(4)[:3])


def test_a_space_is_seen_anew_at_once_and_nothing_is_counted_for_it(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    other = QdrantServerStore(server.url, api_key=KEY)
    assert store.space("c") == SPACE
    other.delete("c")
    other.ensure("c", replace(SPACE, revision="r2"))
    other.close()
    server.requests.clear()
    assert store.space("c") == replace(SPACE, revision="r2")
    assert [(method, target) for method, target, *_ in server.requests] == [
        ("GET", "/collections/c")
    ]


def test_points_go_to_the_generation_and_not_through_the_alias(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    store.upsert("c", points(1))
    generation = store.describe("c").generation
    assert any(f"/collections/{generation}/points?" in target for _, target, *_ in server.requests)
    assert not any("/collections/c/points" in target for _, target, *_ in server.requests)


def test_an_index_is_asked_for_once(server: LocalQdrantServer, store: QdrantServerStore) -> None:
    store.upsert("c", points(1))
    store.upsert("c", points(2))
    asked = [orjson.loads(r[3]) for r in server.requests if r[1].split("?")[0].endswith("/index")]
    assert [(body["field_name"], body["field_schema"]) for body in asked] == [
        ("item_id", "keyword"),
        ('fields."price"', "float"),
    ]


def test_dates_that_another_process_has_just_indexed_are_seen(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    store.upsert("c", replace(points(1), fields=[{"added": "soon"}]))
    day = parse_filter({"added": {"gte": "2026-11-03"}})
    with pytest.raises(BadInput, match="holds no dates"):
        store.count("c", day)
    other = QdrantServerStore(server.url, api_key=KEY)
    other.upsert("c", replace(points(1), fields=[{"added": "2026-11-03T00:00:00Z"}]))
    other.close()
    assert store.count("c", day) == 1
    assert store.count("c", parse_filter({"added": "2026-11-03"})) == 1
    asked = [orjson.loads(r[3]) for r in server.requests if r[1].split("?")[0].endswith("/index")]
    assert asked[-1] == {"field_name": 'dates."added"', "field_schema": "datetime"}


def test_a_server_that_asks_to_wait_is_unavailable_for_so_long(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    server.planned = [(429, {"Retry-After": "7"}, {"status": {"error": "slow down"}})]
    with pytest.raises(StoreUnavailable) as refusal:
        store.count("c")
    assert refusal.value.retry_after == 7.0


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}])
def test_a_server_that_asks_to_wait_without_saying_how_long(
    server: LocalQdrantServer, store: QdrantServerStore, headers: dict[str, str]
) -> None:
    server.planned = [(429, headers, {"status": {"error": "slow down"}})]
    with pytest.raises(StoreUnavailable) as refusal:
        store.count("c")
    assert refusal.value.retry_after is None


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_failing_server_is_unavailable(
    server: LocalQdrantServer, store: QdrantServerStore, status: int
) -> None:
    server.planned = [(status, {}, {"status": {"error": "no quorum"}})]
    with pytest.raises(StoreUnavailable, match=f"{status}.*no quorum"):
        store.upsert("c", points(1))


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refusal_is_for_good(
    server: LocalQdrantServer, store: QdrantServerStore, status: int
) -> None:
    server.planned = [(200, {}, {"result": {"status": "completed"}})]  # the index of a new field
    server.planned.append((status, {}, {"status": {"error": "wrong input"}}))
    with pytest.raises(StoreRejected, match=f"{status}.*wrong input"):
        store.upsert("c", points(1))


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_named_but_not_shown(
    server: LocalQdrantServer, store: QdrantServerStore, status: int
) -> None:
    server.planned = [(status, {}, {"status": {"error": f"invalid key {KEY}"}})]
    with pytest.raises(StoreUnavailable, match="VITRINE_QDRANT_API_KEY") as refusal:
        store.count("c")
    assert KEY not in str(refusal.value)
    assert KEY not in repr(store)


@pytest.mark.parametrize("status", ["acknowledged", "wait_timeout"])
def test_a_write_that_is_only_acknowledged_does_not_count(
    server: LocalQdrantServer, store: QdrantServerStore, status: str
) -> None:
    store.upsert("c", points(1))
    server.planned = [(200, {}, {"result": {"operation_id": 1, "status": status}})]
    with pytest.raises(StoreUnavailable, match="did not finish"):
        store.upsert("c", points(2))


def test_an_answer_of_another_form_is_rejected(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    server.planned = [(200, {}, {"result": {"how many": 3}})]
    with pytest.raises(StoreRejected, match="not understood"):
        store.count("c")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = QdrantServerStore(f"http://127.0.0.1:{port}")
    try:
        with pytest.raises(StoreUnavailable, match="does not respond"):
            store.ping()
    finally:
        store.close()


def test_a_collection_of_someone_else_is_left_alone(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    from qdrant_client import models

    server.client.create_collection(
        "theirs", models.VectorParams(size=4, distance=models.Distance.DOT)
    )
    alias = models.CreateAlias(collection_name="theirs", alias_name="their-alias")
    server.client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    for name in ("theirs", "their-alias"):
        with pytest.raises(Conflict, match="not made by vitrine"):
            store.ensure(name, SPACE)
        with pytest.raises(Conflict):
            store.delete(name)
    assert [info.name for info in store.collections()] == ["c"]


def test_a_collection_deleted_by_another_process_is_not_found_and_can_be_made_anew(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    store.upsert("c", points(1))
    server.client.delete_collection(store.describe("c").generation)
    with pytest.raises(NotFound):
        store.upsert("c", points(1))
    store.ensure("c", SPACE)
    store.upsert("c", points(1))
    assert store.count("c") == 1


def test_a_half_made_collection_is_finished(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    server.planned = []
    generation = store.describe("c").generation
    from qdrant_client import models

    gone = models.DeleteAlias(alias_name="c")
    server.client.update_collection_aliases([models.DeleteAliasOperation(delete_alias=gone)])
    store.ensure("c", SPACE)
    assert store.describe("c").generation == generation


def _patches(server: LocalQdrantServer) -> list[dict[str, object]]:
    return [orjson.loads(body) for method, _, _, body in server.requests if method == "PATCH"]


def _generation(server: LocalQdrantServer) -> str:
    return server.client.get_aliases().aliases[0].collection_name


def test_a_deferral_notes_the_threshold_that_it_replaces(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    server.optimizers[_generation(server)].threshold = 12_345
    store.defer_index("c")
    store.defer_index("c")
    store.build_index("c")
    store.build_index("c")
    assert _patches(server) == [
        {
            "optimizers_config": {"indexing_threshold": 0},
            "metadata": {"vitrine_index": 12_345},
        },
        {
            "optimizers_config": {"indexing_threshold": 12_345},
            "metadata": {"vitrine_index": None},
        },
    ]


def test_another_process_finds_and_ends_a_deferral(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    store.defer_index("c")
    other = QdrantServerStore(server.url, api_key=KEY)
    assert other.deferred() == ["c"]
    other.build_index("c")
    assert store.deferred() == []
    assert server.optimizers[_generation(server)].threshold == 10_000
    other.close()


def test_an_operators_own_threshold_is_left_alone(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    optimizer = server.optimizers[_generation(server)]
    optimizer.threshold = 0
    store.defer_index("c")
    store.build_index("c")
    assert _patches(server) == []
    assert store.index_state("c").green
    optimizer.threshold = 10_000
    store.defer_index("c")
    optimizer.threshold = 777
    store.build_index("c")
    assert optimizer.threshold == 777
    assert store.deferred() == []


def test_an_index_is_green_when_the_server_says_so_and_the_counts_agree(
    server: LocalQdrantServer, store: QdrantServerStore
) -> None:
    optimizer = server.optimizers[_generation(server)]
    optimizer.threshold = 1
    store.upsert("c", points(100))
    said = [store.index_state("c") for _ in range(2)]
    assert [(state.indexed, state.green) for state in said] == [(0, False), (100, True)]


@pytest.mark.parametrize(
    ("status", "indexed", "green"),
    [
        ("green", 70, True),
        ("green", 0, False),  # 64 points of 16 bytes are 1 KB: too much without an index
        ("yellow", 100, False),
        ("grey", 100, False),
        ("red", 100, False),
    ],
)
def test_green_is_held_against_the_counts(
    server: LocalQdrantServer, store: QdrantServerStore, status: str, indexed: int, green: bool
) -> None:
    store.upsert("c", points(100))
    info = server.client.get_collection("c")
    info.status = models.CollectionStatus(status)
    info.indexed_vectors_count = indexed
    info.config.optimizer_config.indexing_threshold = 1
    assert read_index_state(info, 4).green is green
