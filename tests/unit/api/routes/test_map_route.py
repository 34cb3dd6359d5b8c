"""The map of a collection: where pictures are placed, and when the map is made and renewed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from api.projection import project
from api.routes import maps
from tests.patience import PATIENCE
from tests.unit.api.api_fixture import SPACE, Stage, problem_of, put
from vitrine.core.errors import Unavailable


def clusters(each: int, dimension: int = 24) -> NDArray[np.float32]:
    """Three bundles of unit vectors, one after the other: float32 [3 * each, dimension]."""
    drawn = np.random.default_rng(3)
    middles = np.eye(dimension)[:3].repeat(each, axis=0)
    vectors = middles + drawn.normal(0, 0.05, middles.shape)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32)


def finished(stage: Stage, name: str) -> dict[str, Any]:
    """Return the map once it is ready."""
    body: dict[str, Any] = stage.client.get(f"/v1/collections/{name}/map").json()
    if body["state"] == "ready":
        return body
    made: maps.Maps = stage.app.state.maps
    made._making[name].exception(PATIENCE)
    again: dict[str, Any] = stage.client.get(f"/v1/collections/{name}/map").json()
    return again


# --- the projection ---------------------------------------------------------------------------------


def test_what_looks_alike_lies_together() -> None:
    each = 20
    places = project(clusters(each)).astype(np.float64)
    assert places.shape == (3 * each, 2)
    middles = places.reshape(3, each, 2).mean(axis=1)
    nearest = np.linalg.norm(places[:, None] - middles[None], axis=2).argmin(axis=1)
    assert (nearest == np.repeat([0, 1, 2], each)).all()
    assert places.min() >= 0
    assert places.max() <= 1


def test_the_same_vectors_get_the_same_places() -> None:
    assert np.array_equal(project(clusters(8)), project(clusters(8)))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_few_pictures_have_a_map_too(count: int) -> None:
    places = project(clusters(2)[:count])
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


def test_pictures_that_are_all_the_same_lie_in_bounds() -> None:
    places = project(np.repeat(clusters(1)[:1], 12, axis=0))
    assert np.isfinite(places).all()


# --- the route ---------------------------------------------------------------------------------------


def test_the_first_look_begins_it_and_a_later_one_has_it(stage: Stage) -> None:
    first = stage.client.get("/v1/collections/summer/map").json()
    assert (first["state"], first["points"], first["pictures"]) == ("computing", [], 4)
    body = finished(stage, "summer")
    assert (body["state"], body["pictures"], body["fields"]) == ("ready", 4, ["colour", "price"])
    assert sorted(point["item_id"] for point in body["points"]) == [
        "bag",
        "scarf",
        "shirt",
        "shirt",
    ]
    assert all(0 <= point[axis] <= 1 for point in body["points"] for axis in "xy")
    assert body["points"][0]["fields"].keys() == {"colour", "price"}


@pytest.fixture
def instant(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make maps immediately and in this process, with every picture in the middle; list the picture count of each."""
    made: list[int] = []

    def placed(_: maps.Maps, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        made.append(len(vectors))
        return np.full((len(vectors), 2), 0.5, np.float32)

    def at_once(job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(job(*arguments))
        except Exception as error:  # noqa: BLE001 - handed to who asks, as a pool does
            done.set_exception(error)
        return done

    monkeypatch.setattr(maps.Maps, "_projected", placed)
    monkeypatch.setattr(stage.app.state.maps._pool, "submit", at_once)
    return made


def test_a_map_that_fits_is_not_made_again(stage: Stage, instant: list[int]) -> None:
    for _ in range(3):
        finished(stage, "summer")
    assert instant == [4]


def test_a_grown_collection_is_shown_as_it_was_while_a_new_map_is_made(
    stage: Stage, instant: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(stage, "summer")
    put(stage.store, "summer", ("hat", 0, b"hat", {}))
    assert finished(stage, "summer")["pictures"] == 4
    monkeypatch.setattr(maps, "REFRESH_SECONDS", 0.0)
    shown = stage.client.get("/v1/collections/summer/map").json()
    assert (shown["state"], len(shown["points"])) == ("refreshing", 4)
    assert len(finished(stage, "summer")["points"]) == 5
    assert instant == [4, 5]


def test_another_generation_under_the_name_is_not_shown_with_the_old_one_s_map(
    stage: Stage, instant: list[int]
) -> None:
    finished(stage, "summer")
    made: maps.Maps = stage.app.state.maps
    info = replace(stage.store.describe("summer"), generation="summer-2")
    found, making = made.of(stage.store, info)
    assert found is None
    assert making
    found, _ = made.of(stage.store, info)
    assert found is not None
    assert found.generation == "summer-2"
    assert instant == [4, 4]


def test_large_collections_are_sampled_and_few_maps_kept(
    stage: Stage, instant: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "MAX_POINTS", 3)
    monkeypatch.setattr(maps, "KEPT", 2)
    for name in ("a", "b", "c"):
        put(stage.store, name, *((f"i{n}", 0, b"%d" % n, {"note": "x" * 500}) for n in range(5)))
        body = finished(stage, name)
        assert (len(body["points"]), body["pictures"]) == (3, 5)
        assert len(body["points"][0]["fields"]["note"]) == maps.MAX_TEXT
    assert list(stage.app.state.maps._kept) == ["b", "c"]


def test_an_empty_collection_has_an_empty_map(stage: Stage, instant: list[int]) -> None:
    stage.store.ensure("empty", SPACE)
    assert finished(stage, "empty")["points"] == []


def test_a_map_that_cannot_be_made_is_said_so_and_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    stage.client.get("/v1/collections/summer/map")
    made: maps.Maps = stage.app.state.maps
    assert isinstance(made._making["summer"].exception(PATIENCE), Unavailable)
    problem_of(stage.client.get("/v1/collections/summer/map"), 503, "unavailable")
    assert stage.client.get("/v1/collections/summer/map").json()["state"] == "computing"


def test_an_unknown_collection_is_a_404(stage: Stage) -> None:
    problem_of(stage.client.get("/v1/collections/none/map"), 404, "not_found")


def test_closing_gives_up_what_is_being_made(stage: Stage) -> None:
    put(stage.store, "big", *((f"i{n}", 0, b"%d" % n, {}) for n in range(300)))
    stage.client.get("/v1/collections/big/map")
    made: maps.Maps = stage.app.state.maps
    making = made._making["big"]
    made.close()
    assert making.cancelled() or isinstance(making.exception(PATIENCE), Unavailable)
