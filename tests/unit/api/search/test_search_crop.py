"""The crop of a search's picture, and which crops are refused."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from tests.unit.api.api_fixture import Stage, problem_of
from vitrine.query.client import Query
from vitrine.query.protocol import decode_query, encode_query

PART = [0.25, 0.1, 0.5, 0.4]
PICTURE = {"image_base64": base64.b64encode(b"bag").decode()}


def asked(stage: Stage) -> Query:
    """Return the only query that the workers received."""
    ((_, query),) = stage.query_client.asked
    return query


@pytest.mark.parametrize(
    "picture", [PICTURE, {"image_url": "https://shop.example/bag.jpg"}], ids=["bytes", "url"]
)
def test_the_part_goes_to_the_worker_with_the_picture(
    stage: Stage, picture: dict[str, str]
) -> None:
    body = {"collection": "summer", "crop": PART} | picture
    assert stage.client.post("/v1/search", json=body).status_code == 200
    assert asked(stage).part == tuple(PART)


def test_an_uploaded_picture_has_a_part_too(stage: Stage) -> None:
    fields = {"collection": "summer", "crop": orjson.dumps(PART).decode()}
    answer = stage.client.post("/v1/search", data=fields, files={"image": ("a.jpg", b"bag")})
    assert answer.status_code == 200
    assert asked(stage).part == tuple(PART)


def test_without_a_part_the_whole_is_meant(stage: Stage) -> None:
    stage.client.post("/v1/search", json={"collection": "summer"} | PICTURE)
    assert asked(stage).part == ()


@pytest.mark.parametrize(
    "crop",
    [[0, 0, 1], [0, 0, 1, 1, 1], [0.5, 0, 0.6, 1], [0, 0.5, 1, 0.6], [0, 0, 0, 1], [0, 0, 1, 0],
     [-0.1, 0, 0.5, 0.5], [0, 0, 2, 2], [0, 0, "1", 1], "all", {}],
)  # fmt: skip
def test_what_is_no_part_of_a_picture_is_refused_by_name(stage: Stage, crop: Any) -> None:
    answer = stage.client.post("/v1/search", json={"collection": "summer", "crop": crop} | PICTURE)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"].startswith("crop")
    assert stage.query_client.asked == []


@pytest.mark.parametrize("by", [{"item": "bag"}, {"text": "a bag"}, {"vector": [1.0] * 16}])
def test_only_a_picture_has_parts(stage: Stage, by: dict[str, Any]) -> None:
    answer = stage.client.post("/v1/search", json={"collection": "summer", "crop": PART} | by)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == "crop"


def test_words_beside_a_picture_have_no_part(stage: Stage) -> None:
    body = {"collection": "summer", "crop": PART, "text": "a bag"} | PICTURE
    assert stage.client.post("/v1/search", json=body).status_code == 200
    parts = {query.kind: query.part for _, query in stage.query_client.asked}
    assert parts == {"image": tuple(PART), "text": ()}


@pytest.mark.parametrize("part", [(), tuple(PART), (0, 0, 1, 1)])
def test_the_part_survives_the_way_through_redis(part: tuple[float, ...]) -> None:
    assert decode_query(encode_query(Query("image", b"x", part=part))).part == part
