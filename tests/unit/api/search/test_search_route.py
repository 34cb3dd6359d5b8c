from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.patience import PATIENCE
from tests.unit.api.api_fixture import SPACE, Stage, problem_of, put, put_vectors
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.types import Payload
from vitrine.query.client import Query
from vitrine.store import EmbeddingSpace
from vitrine.testing.fake_query_client import fake_vector, fake_worker

FRONT = b"shirt front"


def ask(stage: Stage, **body: Any) -> Any:
    return stage.client.post("/v1/search", json={"collection": "summer"} | body)


def ask_form(stage: Stage, image: bytes | None = None, **fields: str) -> Any:
    files = {"image": ("p.jpg", image)} if image is not None else {"unused": ("", b"")}
    return stage.client.post("/v1/search", data={"collection": "summer"} | fields, files=files)


def items(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [hit["item_id"] for hit in answer.json()["hits"]]


# --- the kinds of query ---------------------------------------------------------------------------


def test_a_picture_as_base64_finds_its_item_first(stage: Stage) -> None:
    answer = ask(stage, image_base64=base64.b64encode(FRONT).decode(), top=2)
    body = answer.json()
    assert items(answer)[0] == "shirt"
    assert len(body["hits"]) == 2
    best = body["hits"][0]
    assert best["rank"] == 1
    assert best["score"] == pytest.approx(1, abs=1e-5)
    assert best["image_url"] == "https://shop.example/shirt/0.jpg"
    assert best["image_index"] == 0
    assert best["fields"] == {"colour": "red", "price": 20}
    assert body["query"]["kind"] == "image"
    assert body["query"]["space"] == {
        "model": "builtin", "revision": "r1", "policy": "p1", "dimension": 16,
    }  # fmt: skip
    assert stage.query_client.asked == [("builtin", Query("image", FRONT))]


def test_a_data_url_is_base64_too(stage: Stage) -> None:
    encoded = base64.b64encode(FRONT).decode()
    assert items(ask(stage, image_base64=f"data:image/png;base64,{encoded}"))[0] == "shirt"


def test_an_uploaded_picture_is_asked_as_it_came(stage: Stage) -> None:
    assert items(ask_form(stage, FRONT))[0] == "shirt"
    assert stage.query_client.asked == [("builtin", Query("image", FRONT))]


def test_a_url_is_left_to_the_worker(stage: Stage) -> None:
    url = "https://shop.example/1.jpg"
    answer = ask(stage, image_url=url)
    assert len(items(answer)) == 3
    assert answer.json()["query"]["kind"] == "url"
    assert stage.query_client.asked == [("builtin", Query("url", url.encode()))]


def test_words_are_asked_where_the_model_has_a_text_tower(stage: Stage) -> None:
    stage.query_client.known[b"rot"] = fake_vector(b"scarf", SPACE.dimension)
    assert items(ask(stage, text="rot"))[0] == "scarf"


def test_words_are_refused_in_a_sentence_where_it_has_none(stage: Stage) -> None:
    stage.query_client.crew = [fake_worker(SPACE, supports_text=False)]
    body = problem_of(ask(stage, text="red"), 422, "bad_input")
    assert "pictures only, not text" in body["detail"]


def test_an_item_is_searched_by_the_mean_of_its_vectors_and_left_out(stage: Stage) -> None:
    angles = np.zeros((4, SPACE.dimension), dtype=np.float32)
    # `two` has pictures on two axes; `between` lies between them, equally near to both.
    angles[0, 0] = angles[1, 1] = 1
    angles[2, 0] = angles[2, 1] = np.sqrt(0.5)
    angles[3, 0], angles[3, 2] = 0.9, np.sqrt(1 - 0.81)
    rows: list[tuple[str, int, Payload]] = [
        ("two", 0, {}),
        ("two", 1, {}),
        ("between", 0, {}),
        ("near one", 0, {}),
    ]
    put_vectors(stage.store, "axes", angles, rows)
    answer = ask(stage, collection="axes", item="two")
    assert items(answer) == ["between", "near one"]
    assert answer.json()["hits"][0]["score"] == pytest.approx(1, abs=1e-5)
    assert answer.json()["query"]["described"] == "the mean of its 2 stored vectors"
    assert stage.query_client.asked == []


def test_an_item_with_one_picture_is_searched_by_that(stage: Stage) -> None:
    answer = ask(stage, item="bag")
    assert "bag" not in items(answer)
    assert answer.json()["query"]["described"] == "its stored vector"


def test_an_item_is_searched_without_any_worker(stage: Stage) -> None:
    stage.query_client.crew = []
    assert len(items(ask(stage, item="bag"))) == 2


def test_an_item_whose_vectors_cancel_out_is_a_conflict(stage: Stage) -> None:
    opposite = np.zeros((2, SPACE.dimension), dtype=np.float32)
    opposite[0, 0], opposite[1, 0] = 1, -1
    put_vectors(stage.store, "axes", opposite, [("x", 0, {}), ("x", 1, {})])
    problem_of(ask(stage, collection="axes", item="x"), 409, "conflict")


def test_an_unknown_item_is_named(stage: Stage) -> None:
    assert "no item hat" in problem_of(ask(stage, item="hat"), 404, "not_found")["detail"]


# --- options --------------------------------------------------------------------------------------


def test_other_pictures_of_an_item_come_if_asked(stage: Stage) -> None:
    encoded = base64.b64encode(FRONT).decode()
    alone = ask(stage, image_base64=encoded).json()["hits"][0]
    both = ask(stage, image_base64=encoded, pictures_per_item=2).json()["hits"][0]
    assert [picture["image_index"] for picture in alone["pictures"]] == [0]
    assert [picture["image_index"] for picture in both["pictures"]] == [0, 1]
    assert both["pictures"][0]["score"] > both["pictures"][1]["score"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"colour": "blue"}, {"bag"}),
        ({"colour": ["red"], "price": {"lt": 15}}, {"scarf"}),
        ({"not": {"colour": "red"}}, {"bag"}),
        ({"colour": "green"}, set()),
    ],
)
def test_filters_leave_what_they_say(stage: Stage, where: dict[str, Any], found: set[str]) -> None:
    assert set(items(ask(stage, text="x", filter=where))) == found


def test_a_form_takes_the_same_options(stage: Stage) -> None:
    answer = ask_form(
        stage, FRONT, top="1", filter='{"colour": "red"}', exact="true", pictures_per_item="2"
    )
    assert items(answer) == ["shirt"]
    assert len(answer.json()["hits"][0]["pictures"]) == 2


def test_a_form_without_a_picture_may_ask_otherwise(stage: Stage) -> None:
    assert "bag" not in items(ask_form(stage, item="bag"))


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"image_url": "http://h/x", "image_base64": "eA=="},
        {"item": "bag", "image_url": "http://h/x"},
        {"item": "bag", "vector": [1.0] * 16},
    ],
    ids=["two pictures", "an item and a picture", "an item and a vector"],
)
def test_at_most_one_picture_is_taken(stage: Stage, body: dict[str, Any]) -> None:
    assert "at most one" in problem_of(ask(stage, **body), 422, "bad_input")["detail"]


@pytest.mark.parametrize("body", [{}, {"unlike": [{"item": "bag"}]}], ids=["nothing", "only not"])
def test_a_question_is_asked_for(stage: Stage, body: dict[str, Any]) -> None:
    assert "something to be like" in problem_of(ask(stage, **body), 422, "bad_input")["detail"]


def test_a_form_takes_one_picture_and_asks_for_a_question_too(stage: Stage) -> None:
    assert "something to be like" in problem_of(ask_form(stage), 422, "bad_input")["detail"]
    two = ask_form(stage, FRONT, item="bag")
    assert "at most one" in problem_of(two, 422, "bad_input")["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "x", "top": 0}, "top"),
        ({"text": "x", "top": 101}, "top"),
        ({"text": "x", "offset": -1}, "offset"),
        ({"text": "x", "offset": 1000}, "offset"),
        ({"text": "x", "offset": 200, "pictures_per_item": 2}, "offset"),
        ({"text": "x", "relevance": "yes"}, "relevance"),
        ({"text": "x", "text_weight": 0}, "text_weight"),
        ({"like": [{}]}, "like[0]"),
        ({"like": [{"item": "bag", "text": "x"}]}, "like[0]"),
        ({"like": [{"item": "bag"}, {"image_url": "file:///x"}]}, "like[1].image_url"),
        ({"text": "x", "unlike": [{"image_base64": "?"}]}, "unlike[0].image_base64"),
        ({"text": "x", "unlike": [{"item": "bag", "weight": 11}]}, "unlike[0].weight"),
        ({"text": "x", "like": [{"item": "bag"}] * 11}, "like"),
        ({"vector": [0.0] * 16}, "vector"),
        ({"vector": [1.0] * 15}, "vector"),
        ({"vector": [1e308] * 16}, "vector"),
        ({"text": ""}, "text"),
        ({"text": "x" * 1001}, "text"),
        ({"text": "x", "pictures_per_item": 11}, "pictures_per_item"),
        ({"text": "x", "filter": "colour"}, "filter"),
        ({"text": "x", "colour": "red"}, "colour"),
        ({"image_base64": "not base64!"}, "image_base64"),
        ({"image_base64": "data:image/png;base64,"}, "image_base64"),
        ({"image_url": "file:///etc/passwd"}, "image_url"),
        ({"image_url": "/etc/passwd"}, "image_url"),
    ],
)
def test_a_bad_field_is_named(stage: Stage, body: dict[str, Any], field: str) -> None:
    assert problem_of(ask(stage, **body), 422, "bad_input")["errors"][0]["field"] == field
    assert stage.query_client.asked == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"filter": "{"}, "filter"), ({"top": "many"}, "top"), ({"unlike": "bag"}, "unlike")],
)
def test_a_form_s_bad_field_is_named(stage: Stage, fields: dict[str, str], field: str) -> None:
    answer = ask_form(stage, FRONT, **fields)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == field


def test_an_empty_upload_is_named(stage: Stage) -> None:
    answer = ask_form(stage, b"")
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == "image"


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ({"color": "red"}, "Did you mean 'colour'?"),
        ({"Price": {"lt": 5}}, "Did you mean 'price'?"),
        ({"not": {"prices": 5}}, "Did you mean 'price'?"),
        ({"or": [{"price": 20}, {"zzz": True}]}, "Its fields are colour, price."),
    ],
)
def test_a_mistyped_field_of_a_filter_is_named(
    stage: Stage, where: dict[str, Any], hint: str
) -> None:
    body = problem_of(ask(stage, text="x", filter=where), 422, "bad_input")
    assert "the collection summer has no field" in body["detail"]
    assert body["hint"] == hint
    assert stage.query_client.asked == []


def test_a_range_of_dates_finds_what_was_added_on_these_days(stage: Stage) -> None:
    days = ["2026-11-01T00:00:00Z", "2026-11-02T18:00:00Z", "2026-11-03T00:00:00Z"]
    put(stage.store, "new", *((f"i{row}", 0, FRONT, {"added": d}) for row, d in enumerate(days)))
    for where, found in [
        ({"gte": "2026-11-02"}, {"i1", "i2"}),
        ({"gt": "2026-11-01", "lte": "2026-11-02"}, {"i1"}),
        ("2026-11-02", {"i1"}),
        ("2026-11-02T19:00:00+01:00", {"i1"}),
    ]:
        answer = ask(stage, collection="new", text="x", filter={"added": where})
        assert set(items(answer)) == found, where


def test_a_bad_filter_names_its_place(stage: Stage) -> None:
    body = problem_of(ask(stage, text="x", filter={"price": {"gte": "ten"}}), 422, "bad_input")
    assert "price.gte" in body["detail"]


def test_an_unknown_collection_names_those_there_are(stage: Stage) -> None:
    body = problem_of(ask(stage, collection="winter", text="x"), 404, "not_found")
    assert "winter" in body["detail"]
    assert "summer" in body["hint"]


def test_a_worker_of_another_space_is_a_conflict_that_names_both(stage: Stage) -> None:
    stage.query_client.crew = [fake_worker(EmbeddingSpace("builtin", "r2", "p1", 16))]
    encoded = base64.b64encode(FRONT).decode()
    body = problem_of(ask(stage, image_base64=encoded), 409, "space_mismatch")
    assert "r1" in body["detail"]
    assert "r2" in body["detail"]


def test_no_worker_is_a_503_that_says_how_to_start_one(stage: Stage) -> None:
    stage.query_client.crew = []
    answer = ask(stage, image_url="https://h.example/x.jpg")
    body = problem_of(answer, 503, "model_unavailable")
    assert "vitrine worker --model builtin" in body["hint"]
    assert answer.headers["retry-after"]


def test_no_ledger_is_a_503(stage: Stage) -> None:
    stage.query_client.failure = LedgerUnavailable("Redis does not answer.")
    problem_of(ask(stage, text="x"), 503, "ledger_unavailable")


def test_a_search_that_waits_does_not_hold_up_the_event_loop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, release = threading.Event(), threading.Event()
    embed_many = stage.query_client.embed_many

    def waiting(model: str, queries: Sequence[Query]) -> Any:
        inside.set()
        assert release.wait(PATIENCE)
        return embed_many(model, queries)

    monkeypatch.setattr(stage.query_client, "embed_many", waiting)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(ask(stage, text="x")))
    asking.start()
    assert inside.wait(PATIENCE)
    assert stage.client.get("/healthz").status_code == 200
    assert not answers
    release.set()
    asking.join(PATIENCE)
    assert answers[0].status_code == 200
