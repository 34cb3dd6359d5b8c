"""The report of every benchmark, and the comparison of two reports."""

from __future__ import annotations

import json

import pytest

from benchmarks.interleave import Spread, interleaved, ratios
from benchmarks.report import Report


def test_a_goal_stands_beside_its_figure_met_or_missed() -> None:
    report = Report("walk")
    report.goal("vs_crawl", ">=", 2)
    report.goal("cost_ms", "<=", 4)
    report.figure("vs_crawl", 1.9)
    report.figure("cost_ms", 3.2)
    assert [(one.name, one.goal, one.figure, one.met) for one in report.goals] == [
        ("vs_crawl", ">= 2", 1.9, False),
        ("cost_ms", "<= 4", 3.2, True),
    ]


def test_a_goal_without_a_figure_is_neither_met_nor_missed() -> None:
    report = Report("walk")
    report.goal("gpu", ">=", 2)
    report.skip("gpu", "no GPU here")
    assert report.goals[0].met is None
    assert report.as_dict()["skipped"] == {"gpu": "no GPU here"}


def test_a_series_becomes_three_figures() -> None:
    report = Report("walk")
    report.spread("rate", [3.0, 1.0, 2.0])
    assert report.figures == {"rate": 2.0, "rate_low": 1.0, "rate_high": 3.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        Report("walk").figure("rate", value)


def test_an_unknown_relation_is_refused() -> None:
    with pytest.raises(ValueError, match="relation"):
        Report("walk").goal("rate", "==", 1)


def test_json_has_the_shared_shape(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("walk")
    report.figure("rate", 1)
    report.goal("rate", ">", 0)
    report.show(as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["figures"] == {"rate": 1.0}
    assert shown["goals"] == [{"name": "rate", "goal": "> 0", "figure": 1.0, "met": True}]
    assert shown["machine"]["cores"] >= 1
    assert "python" in shown["versions"]


def test_a_person_is_told_what_was_missed_and_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("walk")
    report.figure("rate", 1)
    report.goal("rate", ">", 5)
    report.skip("cuda", "no GPU here")
    report.show(as_json=False)
    shown = capsys.readouterr().out
    assert "MISSED" in shown
    assert "cuda: no GPU here" in shown


def test_turns_rotate_and_warm_ups_are_not_kept() -> None:
    ran: list[str] = []

    def runner(name: str) -> str:
        ran.append(name)
        return name + str(len(ran))

    kept = interleaved({"a": lambda: runner("a"), "b": lambda: runner("b")}, 2, warm_ups=1)
    assert ran == ["a", "b", "b", "a", "a", "b"]
    assert kept == {"a": ["a4", "a5"], "b": ["b3", "b6"]}


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([2.0, 40.0, 6.0], [1.0, 10.0, 2.0]) == Spread(3.0, 2.0, 4.0)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        ratios([1.0], [1.0, 2.0])


def test_an_empty_series_has_no_median() -> None:
    with pytest.raises(ValueError, match="no median"):
        Spread.of([])
