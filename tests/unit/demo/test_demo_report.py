"""The demo's measurements and its report."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vitrine.demo.measure import Labels, SearchMeasurements, labels_of, neighbour_precision
from vitrine.demo.report import make_report, render_report

DOTS, STRIPES = ("dots", "red"), ("stripes", "red")
JOB = {
    "items": 9, "images": 15, "embedded": 12, "failed_by_reason": {"not_found": 2, "truncated": 1},
    "rejected_rows": 2, "rejected_by_code": {"malformed_row": 2}, "created_at": 100.0, "finished_at": 104.0,
}  # fmt: skip


def test_precision_is_the_mean_share_of_neighbours_with_the_same_labels() -> None:
    labels: dict[str, Labels] = {"a": DOTS, "b": STRIPES}
    neighbours: dict[str, list[Labels | None]] = {
        "a": [DOTS, DOTS, DOTS, STRIPES, None],  # 3 of 5
        "b": [STRIPES] * 5,  # 5 of 5
    }
    assert neighbour_precision(neighbours, labels) == pytest.approx(0.8)


def test_only_the_first_five_neighbours_count_and_missing_ones_are_misses() -> None:
    labels: dict[str, Labels] = {"a": DOTS, "b": DOTS}
    assert neighbour_precision(
        {"a": [DOTS] * 5 + [STRIPES] * 9, "b": [DOTS]}, labels
    ) == pytest.approx(0.6)


def test_precision_is_unknown_where_nothing_is_labelled() -> None:
    assert neighbour_precision({"a": [DOTS]}, {}) is None
    assert neighbour_precision({}, {"a": DOTS}) is None


def test_labels_need_pattern_and_colour() -> None:
    assert labels_of({"pattern": "dots", "colour": "red", "price": 3}) == DOTS
    assert labels_of({"pattern": "dots", "colour": ""}) is None
    assert labels_of({"colour": "red"}) is None


def test_the_median_is_of_searches_by_picture_where_there_are_any() -> None:
    assert SearchMeasurements(item_ms=[1.0, 2.0, 9.0]).search_p50_ms == 2.0
    assert SearchMeasurements(item_ms=[1.0], picture_ms=[5.0, 7.0]).search_p50_ms == 6.0
    assert SearchMeasurements().search_p50_ms is None


def test_the_report_counts_rejected_rows_as_pictures_that_failed() -> None:
    report = make_report(JOB, search_p50_ms=8.125, precision=0.95)
    assert report.as_json() == {
        "items": 11, "images": 17, "embedded": 12,
        "failed": {"not_found": 2, "truncated": 1, "malformed_row": 2},
        "seconds": 4.0, "images_per_s": 3.0, "search_p50_ms": 8.12, "neighbour_precision": 0.95,
    }  # fmt: skip
    assert report.embedded + sum(report.failed.values()) == report.images


def test_the_table_shows_every_reason_and_leaves_out_what_is_unknown() -> None:
    out = Console(file=io.StringIO(), width=100)
    out.print(
        render_report(
            make_report(JOB, search_p50_ms=None, precision=None), picture_ms=None, item_ms=None
        )
    )
    assert isinstance(out.file, io.StringIO)
    text = out.file.getvalue()
    for word in ("not_found", "truncated", "malformed_row", "12", "17"):
        assert word in text
    assert "search p50" not in text
    assert "neighbours" not in text


def test_the_table_names_how_each_median_was_searched() -> None:
    out = Console(file=io.StringIO(), width=100)
    report = make_report(JOB, search_p50_ms=4.25, precision=0.9)
    out.print(render_report(report, picture_ms=None, item_ms=4.25))
    assert isinstance(out.file, io.StringIO)
    text = out.file.getvalue()
    assert "by item" in text
    assert "by picture" not in text
    assert "90%" in text
