"""Items of a collection: a sample, one item with its pictures, and a picture's bytes from a file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.unit.api.api_fixture import SPACE, Stage, make_stage, problem_of
from vitrine.core.settings import Settings
from vitrine.core.types import point_id
from vitrine.store import PointBatch, Provenance, VectorStore
from vitrine.testing.fake_query_client import fake_vector

PICTURE = b"\xff\xd8\xff the bytes of a picture"


def put_file(store: VectorStore, path: str, content: bytes = PICTURE) -> None:
    """Store an item `mine` that was embedded from this file with this content."""
    digest = hashlib.sha256(content).hexdigest()
    made = Provenance("job", SPACE.model, SPACE.revision, SPACE.policy, digest, None, "2026-01-01")
    store.ensure("files", SPACE)
    store.upsert(
        "files",
        PointBatch(
            ids=[point_id("files", "mine", 0)],
            vectors=fake_vector(content, SPACE.dimension)[None],
            item_ids=["mine"],
            indexes=[0],
            urls=[f"file://{path}"],
            fields=[{}],
            provenance=[made],
        ),
    )


@pytest.fixture
def reader() -> Stage:
    """A stage whose service reads files."""
    return make_stage(Settings(fetch_files=True, fetch_max_bytes=1000))


def ask_picture(stage: Stage, **query: int) -> object:
    return stage.client.get("/v1/collections/files/picture", params={"id": "mine", **query})


def test_a_sample_has_each_item_once(stage: Stage) -> None:
    body = stage.client.get("/v1/collections/summer/items").json()
    assert sorted(item["item_id"] for item in body["items"]) == ["bag", "scarf", "shirt"]
    shirt = next(item for item in body["items"] if item["item_id"] == "shirt")
    assert shirt["fields"] == {"colour": "red", "price": 20}
    assert shirt["image_url"].startswith("https://shop.example/shirt/")


def test_a_sample_is_as_small_as_asked_for(stage: Stage) -> None:
    items = "/v1/collections/summer/items"
    assert len(stage.client.get(items, params={"limit": 2}).json()["items"]) == 2
    problem_of(stage.client.get(items, params={"limit": 0}), 422, "bad_input")
    problem_of(stage.client.get(items, params={"limit": 101}), 422, "bad_input")


def test_an_empty_collection_has_an_empty_sample(stage: Stage) -> None:
    stage.store.ensure("empty", SPACE)
    assert stage.client.get("/v1/collections/empty/items").json()["items"] == []


def test_an_item_has_its_pictures_in_order_with_provenance(stage: Stage) -> None:
    body = stage.client.get("/v1/collections/summer/item", params={"id": "shirt"}).json()
    assert (body["item_id"], body["fields"]["colour"]) == ("shirt", "red")
    assert [picture["image_index"] for picture in body["pictures"]] == [0, 1]
    assert body["pictures"][0]["provenance"]["model"] == SPACE.model
    assert body["pictures"][0]["provenance"]["etag"] is None


@pytest.mark.parametrize("route", ["items", "item?id=bag", "picture?id=bag"])
def test_an_unknown_collection_is_a_404_that_names_those_there_are(
    stage: Stage, route: str
) -> None:
    body = problem_of(stage.client.get(f"/v1/collections/none/{route}"), 404, "not_found")
    assert "summer" in body["hint"]


@pytest.mark.parametrize("item", ["../bag", "no such", "x" * 512])
def test_an_unknown_item_is_a_404(stage: Stage, item: str) -> None:
    answer = stage.client.get("/v1/collections/summer/item", params={"id": item})
    assert item in problem_of(answer, 404, "not_found")["detail"]


# --- pictures from files ---------------------------------------------------------------------------


def test_the_file_that_was_embedded_is_sent_as_nothing_but_bytes(
    reader: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "a b%.jpg"
    file.write_bytes(PICTURE)
    put_file(reader.store, str(file).replace("%", "%25").replace(" ", "%20"))
    answer = reader.client.get("/v1/collections/files/picture", params={"id": "mine"})
    assert answer.content == PICTURE
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("then", [b"something else", b"", PICTURE + b"!", b"x" * 2000])
def test_a_file_that_has_changed_is_not_sent(reader: Stage, tmp_path: Path, then: bytes) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(then)
    put_file(reader.store, str(file))
    body = problem_of(ask_picture(reader), 404, "not_found")
    assert "changed" in body["detail"]
    assert str(tmp_path) not in str(body)


def test_a_file_above_the_limit_is_not_read_to_its_end(reader: Stage, tmp_path: Path) -> None:
    large = b"x" * 1001
    (tmp_path / "a.jpg").write_bytes(large)
    put_file(reader.store, str(tmp_path / "a.jpg"), large)
    problem_of(ask_picture(reader), 404, "not_found")


def test_what_is_no_file_is_a_404_and_nothing_waits(reader: Stage, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "gone.jpg", tmp_path, tmp_path / "pipe", "/a%00b"):
        put_file(reader.store, str(path))
        problem_of(ask_picture(reader), 404, "not_found")


def test_a_service_that_reads_no_files_says_so(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PICTURE)
    put_file(stage.store, str(tmp_path / "a.jpg"))
    body = problem_of(ask_picture(stage), 404, "not_found")
    assert "VITRINE_FETCH_FILES" in body["hint"]


def test_a_picture_at_a_host_is_not_fetched_here(reader: Stage) -> None:
    put_file(reader.store, "/x")
    point = reader.store.item("files", "mine")[0]
    url = {**point.payload, "image_url": "http://127.0.0.1:1/secret.jpg"}
    from api.search.stored_images import read_picture
    from vitrine.core.errors import NotFound

    with pytest.raises(NotFound, match="at a URL"):
        read_picture(url, reader.parts.settings)


def test_an_index_that_the_item_has_not_is_a_404(reader: Stage) -> None:
    put_file(reader.store, "/x")
    assert "picture 7" in problem_of(ask_picture(reader, index=7), 404, "not_found")["detail"]
