from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.api.api_fixture import Stage, problem_of, put


def ask(stage: Stage, name: str = "summer", **query: Any) -> Any:
    return stage.client.get(f"/v1/collections/{name}/facets", params=query)


def by_field(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {facet["field"]: facet for facet in answer.json()["facets"]}


def test_every_indexed_field_is_counted(stage: Stage) -> None:
    answer = ask(stage)
    found = by_field(answer)
    assert answer.json()["pictures"] == 4
    assert found["colour"]["values"] == [
        {"value": "red", "pictures": 3},
        {"value": "blue", "pictures": 1},
    ]
    assert found["colour"]["kind"] == "values"
    assert found["colour"]["suggested"]
    price = found["price"]
    assert (price["kind"], price["low"], price["high"]) == ("range", 10, 80)
    assert sum(one["pictures"] for one in price["bins"]) == 4


def test_a_field_is_counted_under_the_other_fields_conditions(stage: Stage) -> None:
    answer = ask(stage, filter='{"colour": "red", "price": {"lt": 15}}')
    found = by_field(answer)
    assert answer.json()["pictures"] == 1
    assert found["colour"]["values"] == [{"value": "red", "pictures": 1}]
    assert (found["price"]["low"], found["price"]["high"]) == (10, 20)


def test_a_field_s_own_choice_does_not_hide_its_other_values(stage: Stage) -> None:
    found = by_field(ask(stage, field="colour", filter=json.dumps({"colour": "red"})))
    assert [one["value"] for one in found["colour"]["values"]] == ["red", "blue"]
    deeper = by_field(ask(stage, field="colour", filter='{"not": {"colour": "red"}}'))
    assert [one["value"] for one in deeper["colour"]["values"]] == ["red", "blue"]


def test_fields_come_as_asked_for_and_once(stage: Stage) -> None:
    answer = ask(stage, field=["price", "colour", "price"])
    assert [facet["field"] for facet in answer.json()["facets"]] == ["price", "colour"]
    assert answer.json()["left_out"] == []


def test_only_so_many_values_are_told(stage: Stage) -> None:
    found = by_field(ask(stage, top=1))["colour"]
    assert [one["value"] for one in found["values"]] == ["red"]
    assert found["more"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"filter": "{"}, "filter"),
        ({"filter": "{}" + " " * 8191}, "filter"),
        ({"field": "weight"}, "field"),
        ({"field": [str(n) for n in range(25)]}, "field"),
        ({"top": 0}, "top"),
        ({"fields": "colour"}, "fields"),
    ],
    ids=["no JSON", "a long filter", "an unknown field", "many fields", "none", "a wrong name"],
)
def test_what_cannot_be_counted_is_named(stage: Stage, query: dict[str, Any], field: str) -> None:
    body = problem_of(ask(stage, **query), 422, "bad_input")
    assert field in body["errors"][0]["field"]


def test_a_filter_that_is_none_is_named(stage: Stage) -> None:
    assert (
        "filter.price"
        in problem_of(ask(stage, filter='{"price": null}'), 422, "bad_input")["detail"]
    )


def test_an_unknown_collection_names_those_there_are(stage: Stage) -> None:
    assert "summer" in problem_of(ask(stage, "winter"), 404, "not_found")["hint"]


def test_dates_come_with_their_first_and_last_and_bins_that_filters_count(stage: Stage) -> None:
    days = ["2026-11-01T00:00:00Z", "2026-11-01T18:00:00Z", "2026-11-03T00:00:00Z"]
    put(stage.store, "new", *((f"i{row}", 0, b"x", {"added": day}) for row, day in enumerate(days)))
    added = by_field(ask(stage, "new"))["added"]
    assert (added["kind"], added["type"], added["suggested"]) == ("range", "datetime", True)
    assert (added["low"], added["high"]) == (days[0], days[2])
    assert [(one["gte"], one["pictures"]) for one in added["bins"]] == [
        ("2026-11-01T00:00:00Z", 2),
        ("2026-11-02T00:00:00Z", 0),
        ("2026-11-03T00:00:00Z", 1),
    ]
    answer = ask(stage, "new", filter='{"added": {"lte": "2026-11-01"}}')
    assert answer.json()["pictures"] == 2


def test_a_range_of_dates_over_words_is_refused(stage: Stage) -> None:
    body = problem_of(ask(stage, filter='{"colour": {"gte": "2026-11-01"}}'), 422, "bad_input")
    assert "'colour' of collection summer holds no dates" in body["detail"]
    assert "submit it again" in body["hint"]
