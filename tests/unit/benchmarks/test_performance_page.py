"""The performance page: its generated parts, and the parts that a person writes."""

from __future__ import annotations

from typing import Any

from benchmarks.parts.performance_page import page


def result(met: bool | None = True, figure: float | None = 5.1) -> dict[str, Any]:
    return {
        "date": "2026-11-21 12:00 UTC",
        "minutes": 0.5,
        "command": "python -m benchmarks.fetch",
        "report": {
            "machine": {"cores": 2, "cpu": "A Processor", "memory_gib": 8},
            "versions": {"python": "3.11.7", "torch": "2.13.0"},
            "figures": {"rate": 10.0, "rate_low": 9.0, "rate_high": 11.0, "flow": 2.0},
            "goals": [{"name": "vs_requests", "goal": ">= 2", "figure": figure, "met": met}],
            "skipped": {"cuda": "this machine has no GPU"},
            "notes": {"pictures": "drawn"},
        },
    }


def profile(**stages: float) -> dict[str, Any]:
    report = {
        "machine": {"cores": 2, "cpu": "A Processor", "memory_gib": 8},
        "pictures": 10,
        "seconds": 1.0,
        "cpu_ms_per_picture": 4.0,
        "stages": stages,
        "functions": {"load (a.py)": 1.0},
    }
    return {**result(), "report": report}


def test_each_goal_stands_beside_its_figure() -> None:
    assert "`vs_requests` | >= 2 | 5.1 | met |" in page({"fetch": result()})
    assert "`vs_requests` | >= 2 | 1.5 | **missed** |" in page({"fetch": result(False, 1.5)})
    assert ">= 2 | not measured | not measured |" in page({"fetch": result(None, None)})


def test_what_was_skipped_and_not_run_is_named() -> None:
    shown = page({"fetch": result()})
    assert "**skipped** cuda: this machine has no GPU" in shown
    assert "Not run yet: pipeline," in shown


def test_a_spread_stands_in_its_figures_row() -> None:
    shown = page({"fetch": result()})
    assert "| `rate` | 10 | 9 | 11 |" in shown
    assert "| `flow` | 2 |  |  |" in shown
    assert "rate_low" not in shown


def test_what_a_person_wrote_survives_a_rerun() -> None:
    first = page({"fetch": result()})
    marker = "<!-- why:fetch -->\n"
    written = first.replace(marker, marker + "Because of the\n\nweather.")
    again = page({"fetch": result(False, 1.0)}, before=written)
    assert "Because of the\n\nweather.\n" in again
    assert page({"fetch": result(False, 1.0)}, before=again) == again


def test_profiles_stand_side_by_side() -> None:
    shown = page({"profile_before": profile(fetch=1.0, decode=6.0), "profile": profile(fetch=0.5)})
    assert "| Stage | Before | Now |" in shown
    assert shown.index("| decode | 6.00 |  |") < shown.index("| fetch | 1.00 | 0.50 |")


def test_one_profile_alone_is_shown_too() -> None:
    assert "| Stage | Now |" in page({"profile": profile(fetch=0.5)})
