"""Searches by several examples, in a collection with hand-made vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.api.api_fixture import SPACE, Stage, problem_of, put_vectors
from vitrine.core.errors import BadInput


def along(*axes: float) -> NDArray[np.float32]:
    """Return a unit vector in the direction of these first coordinates."""
    vector = np.zeros(SPACE.dimension)
    vector[: len(axes)] = axes
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


@pytest.fixture
def axes(stage: Stage) -> Stage:
    """A collection `axes`: an item on each of three axes, and one between each pair of them."""
    items: dict[str, NDArray[np.float32]] = {
        "x": along(1), "y": along(0, 1), "z": along(0, 0, 1),
        "xy": along(1, 1), "xz": along(1, 0, 1), "yz": along(0, 1, 1),
    }  # fmt: skip
    rows: list[tuple[str, int, dict[str, Any]]] = [(item, 0, {}) for item in items]
    put_vectors(stage.store, "axes", np.stack(list(items.values())), rows)
    stage.query_client.known |= {b"towards x": along(1), b"towards y": along(0, 1)}
    return stage


def ask(stage: Stage, **body: Any) -> Any:
    return stage.client.post("/v1/search", json={"collection": "axes"} | body)


def items(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [hit["item_id"] for hit in answer.json()["hits"]]


def test_two_examples_are_met_in_the_middle(axes: Stage) -> None:
    answer = ask(axes, like=[{"item": "x"}, {"item": "y"}])
    assert items(answer)[0] == "xy"
    assert not {"x", "y"} & set(items(answer))
    assert answer.json()["query"]["kind"] == "blend"
    assert answer.json()["query"]["described"] == "the item x and the item y"


def test_what_is_unlike_pushes_away(axes: Stage) -> None:
    assert items(ask(axes, item="xy")) == ["x", "y", "xz", "yz", "z"]
    answer = ask(axes, item="xy", unlike=[{"item": "y"}])
    assert items(answer) == ["x", "xz", "yz", "z"]
    scores = [hit["score"] for hit in answer.json()["hits"]]
    assert scores[1] > 1.5 * scores[2]
    assert answer.json()["query"]["described"] == "the item xy, away from the item y"


def test_a_picture_and_words_are_asked_at_once_by_their_weights(axes: Stage) -> None:
    def first(weight: float) -> str:
        encoded = "dG93YXJkcyB4"  # "towards x"
        answer = ask(axes, image_base64=encoded, text="towards y", text_weight=weight)
        return items(answer)[0]

    assert first(1) == "xy"
    assert first(0.1) == "x"
    assert first(10) == "y"
    assert len(axes.query_client.asked) == 6


def test_a_form_brings_examples_as_json(axes: Stage) -> None:
    answer = axes.client.post(
        "/v1/search",
        data={"collection": "axes", "unlike": json.dumps([{"item": "yz"}])},
        files={"image": ("p.jpg", b"towards y")},
    )
    assert items(answer) == ["y", "xy", "x", "xz", "z"]


@pytest.mark.parametrize("lengthened", [1.0, 7.0])
def test_a_vector_is_searched_by_whatever_its_length(axes: Stage, lengthened: float) -> None:
    told = ask(axes, item="xy", vectors=True).json()["query"]["vector"]
    answer = ask(axes, vector=[lengthened * value for value in told])
    assert items(answer)[0] == "xy"
    assert answer.json()["query"]["kind"] == "vector"


def test_vectors_come_only_on_request(axes: Stage) -> None:
    plain = ask(axes, item="x").json()
    assert plain["query"]["vector"] is None
    assert {hit["vector"] for hit in plain["hits"]} == {None}
    told = ask(axes, item="x", vectors=True).json()
    assert told["query"]["vector"] == pytest.approx(along(1).tolist())
    by_item: dict[str, Sequence[float]] = {hit["item_id"]: hit["vector"] for hit in told["hits"]}
    assert by_item["yz"] == pytest.approx(along(0, 1, 1).tolist(), abs=1e-6)


def test_examples_that_cancel_out_are_a_conflict(axes: Stage) -> None:
    opposite = (-along(1)).tolist()
    body = ask(axes, vector=opposite, like=[{"item": "x"}])
    assert "cancel" in problem_of(body, 409, "conflict")["detail"]


def test_an_example_that_cannot_be_embedded_is_named(axes: Stage) -> None:
    axes.query_client.known[b"https://h/broken.jpg"] = BadInput(
        "The query picture could not be used."
    )
    body = ask(
        axes, text="towards x", unlike=[{"item": "x"}, {"image_url": "https://h/broken.jpg"}]
    )
    assert problem_of(body, 422, "bad_input")["detail"].startswith("unlike[1]: The query picture")


def test_an_unknown_example_is_not_found(axes: Stage) -> None:
    body = ask(axes, text="towards x", unlike=[{"item": "hat"}])
    assert "no item hat" in problem_of(body, 404, "not_found")["detail"]
