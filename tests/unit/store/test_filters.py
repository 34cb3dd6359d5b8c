"""The filter language: its meaning, what it refuses, and that its two forms agree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrine.core.errors import BadInput
from vitrine.core.filters import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_FIELD_LENGTH,
    MAX_VALUES,
    And,
    AnyOf,
    DateRange,
    Equals,
    Filter,
    Not,
    Or,
    Range,
    filter_fields,
    parse_filter,
    to_json,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"\\'), min_size=1, max_size=20)
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.text(st.characters(codec="utf-8"), max_size=20) | st.booleans() | NUMBERS
BOUNDS = st.sampled_from(["gt", "gte", "lt", "lte"])
DATES = st.dates().map(str) | st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds"))
RANGES = st.dictionaries(BOUNDS, NUMBERS, min_size=1) | st.dictionaries(BOUNDS, DATES, min_size=1)
CONDITIONS = st.dictionaries(
    NAMES.filter(lambda name: name not in {"and", "or", "not", "fields."}),
    SCALARS | RANGES | st.lists(SCALARS, min_size=1, max_size=5),
    min_size=1,
    max_size=3,
)


def _composed(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({"and": lists}),
        st.fixed_dictionaries({"or": lists}),
        st.fixed_dictionaries({"not": inner}),
    )


FILTERS = st.recursive(CONDITIONS, _composed, max_leaves=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "gt", "lte", "fields.", "fields.and", "x", ""]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=15,
)


def attempt(value: object) -> Filter | BadInput:
    try:
        return parse_filter(value)
    except BadInput as refusal:
        return refusal


@given(FILTERS)
def test_the_json_form_of_a_tree_gives_the_tree_back(value: dict[str, Any]) -> None:
    tree = attempt(value)
    if isinstance(tree, BadInput):
        assert "deeper" in tree.message
        return
    text = json.dumps(to_json(tree))
    assert parse_filter(json.loads(text), max_depth=2 * MAX_DEPTH) == tree


@given(JSON)
def test_anything_is_a_tree_or_bad_input_that_names_a_place(value: object) -> None:
    tree = attempt(value)
    if isinstance(tree, BadInput):
        assert tree.message.startswith("filter")
    else:
        assert filter_fields(tree)


def test_each_form_has_its_tree() -> None:
    assert parse_filter({"pattern": "stripes"}) == Equals("pattern", "stripes")
    assert parse_filter({"colour": ["red", 1, True]}) == AnyOf("colour", ("red", 1, True))
    assert parse_filter({"price": {"gte": 10, "lt": 50}}) == Range("price", gte=10, lt=50)
    assert parse_filter({"a": 1, "b": 2}) == And((Equals("a", 1), Equals("b", 2)))
    assert parse_filter({"or": [{"a": 1}, {"not": {"b": 2}}]}) == Or(
        (Equals("a", 1), Not(Equals("b", 2)))
    )
    assert parse_filter({"and": [{"a": 1}]}) == And((Equals("a", 1),))


def test_one_prefix_is_taken_off_and_words_become_fields() -> None:
    assert parse_filter({"fields.and": 1}) == Equals("and", 1)
    assert parse_filter({"fields.fields.x": 1}) == Equals("fields.x", 1)
    assert to_json(Equals("and", 1)) == {"fields.and": 1}
    assert to_json(Equals("fields.x", 1)) == {"fields.fields.x": 1}


def test_fields_of_names_every_field() -> None:
    where = parse_filter({"a": 1, "not": {"or": [{"b": [2]}, {"c": {"gt": 3}}]}})
    assert filter_fields(where) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "filter: expected an object, not an empty list."),
        (None, "filter: expected an object, not null."),
        ({}, "filter: an empty object filters nothing"),
        ({"and": []}, "filter.and: expected a list of at least one filter, not an empty list."),
        ({"or": {"a": 1}}, "filter.or: expected a list of at least one filter, not an object."),
        ({"or": [{"a": 1}, 5]}, "filter.or[1]: expected an object, not a number."),
        ({"not": [{"a": 1}]}, "filter.not: expected an object, not a list."),
        ({"price": None}, "filter.price: expected a string, a number or true or false, not null."),
        ({"price": []}, "filter.price: an empty list matches nothing"),
        ({"price": [1, None]}, "filter.price[1]: expected a string"),
        ({"price": {}}, "filter.price: a range has gt, gte, lt or lte, none was given."),
        ({"price": {"min": 1}}, "filter.price: a range has gt, gte, lt or lte, not 'min'."),
        (
            {"price": {"gte": "1"}},
            "filter.price.gte: expected a number or a date, such as 2026-11-01 or 2026-11-01T09:30:00Z, not '1'.",
        ),
        ({"added": {"gte": "2026-02-30"}}, "filter.added.gte: expected a number or a date, such"),
        ({"price": {"gte": True}}, "filter.price.gte: expected a number or a date, not true or"),
        ({"price": {"gte": None}}, "filter.price.gte: expected a number or a date, not null."),
        (
            {"added": {"gte": "2026-11-01", "lt": 5}},
            "filter.added: a range is of numbers or of dates; these bounds are of both kinds.",
        ),
        ({"added": {"gte": "\ud800"}}, "filter.added.gte: expected a number or a date, such as"),
        ({"price": float("nan")}, "filter.price: expected a finite number."),
        ({"price": {"lt": float("inf")}}, "filter.price.lt: expected a finite number."),
        ({"price": 2**63}, "filter.price: an integer of more than 64 bits."),
        ({"": 1}, "filter: a field needs a name."),
        ({"fields.": 1}, "filter: a field needs a name."),
        ({"x" * (MAX_FIELD_LENGTH + 1): 1}, "filter: a field name longer than 128 characters."),
        ({'width (24")': 1}, 'filter.width (24"): names with " or \\ cannot be filtered by.'),
        ({"a": "\ud800"}, "filter.a: the text contains an unpaired surrogate."),
        ({"\ud800": 1}, "filter: the text contains an unpaired surrogate."),
        ({1: 1}, "filter: keys are strings, not a number."),
    ],
)
def test_a_refusal_names_the_place_and_what_was_expected(value: object, message: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_filter(value)
    assert str(refusal.value).startswith(message)


def test_the_root_is_called_as_asked() -> None:
    with pytest.raises(BadInput, match=r"^body\.filter\.a: "):
        parse_filter({"a": None}, root="body.filter")


def _nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    for _ in range(levels - 1):
        value = {"not": value}
    return value


def test_depth_is_bounded() -> None:
    parse_filter(_nested(MAX_DEPTH))
    with pytest.raises(BadInput, match="deeper than 8 levels"):
        parse_filter(_nested(MAX_DEPTH + 1))
    with pytest.raises(BadInput, match="deeper than 8 levels"):
        parse_filter(_nested(100_000))


def test_conditions_are_bounded_over_the_whole_filter() -> None:
    parse_filter({"or": [{"a": n} for n in range(MAX_CONDITIONS)]})
    with pytest.raises(BadInput, match="more than 100 conditions"):
        parse_filter({"or": [{"a": n} for n in range(MAX_CONDITIONS)], "b": 1})


def test_values_are_bounded_over_the_whole_filter() -> None:
    parse_filter({"a": list(range(MAX_VALUES))})
    with pytest.raises(BadInput, match="more than 1000 values"):
        parse_filter({"a": list(range(MAX_VALUES)), "b": [1]})


def test_a_choice_of_nothing_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="at least one"):
        AnyOf("a", ())
    with pytest.raises(ValueError, match="at least one"):
        Or(())


def test_a_date_as_a_bound_is_its_whole_day() -> None:
    day, midnight, end = "2026-11-03", "2026-11-03T00:00:00Z", "2026-11-03T23:59:59Z"
    assert parse_filter({"a": {"gte": day, "lte": day}}) == DateRange("a", gte=midnight, lte=end)
    assert parse_filter({"a": {"gt": day, "lt": day}}) == DateRange("a", gt=end, lt=midnight)


def test_a_bound_with_a_time_is_that_second_in_utc() -> None:
    where = parse_filter({"a": {"gte": "2026-11-03T00:30:00+02:00", "lt": "2026-11-03 12:00"}})
    assert where == DateRange("a", gte="2026-11-02T22:30:00Z", lt="2026-11-03T12:00:00Z")


def test_a_fraction_of_a_second_bounds_the_seconds_on_its_sides() -> None:
    half, before, after = "2026-11-03T12:00:00.5Z", "2026-11-03T12:00:00Z", "2026-11-03T12:00:01Z"
    assert parse_filter({"a": {"gt": half, "lte": half}}) == DateRange("a", gt=before, lte=before)
    assert parse_filter({"a": {"gte": half, "lt": half}}) == DateRange("a", gte=after, lt=after)


def test_a_range_of_other_texts_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="datetimes as they are stored"):
        DateRange("a", gte="2026-11-03")
