"""The table of faults: kept row by row, written between its markers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness.promise import Promise, at_least, at_most, share, within
from tests.faults.harness.report_page import BEGIN, END, Page
from tests.faults.harness.tally import Tally
from tests.faults.long_runs import NotPossible


def tally(fault: str, *, lost: int = 0) -> Tally:
    return Tally(fault, times=3, put_in=1000, out=1000 - lost, lost=lost, doubled=2)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    document = tmp_path / "page.md"
    document.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n")
    return Page(document, tmp_path / "measured" / "chaos.json")


def test_rows_stand_in_the_order_of_the_faults_whichever_was_counted_first(page: Page) -> None:
    page.keep("b", tally("second"), seconds=60, scale=1)
    page.keep("a", tally("first"), seconds=60, scale=0.5)
    page.write(["a", "b", "never run"])
    text = page.document.read_text()
    assert text.startswith("# Before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert text.index("| first | 3 | 1,000 |") < text.index("| second |")
    assert "in 2 minutes" in text
    assert "first (0.5)" in text


def test_a_run_goes_on_with_what_is_missing_was_not_exact_or_was_smaller(page: Page) -> None:
    page.keep("exact", tally("exact"), seconds=1, scale=1)
    page.keep("smaller", tally("smaller"), seconds=1, scale=0.1)
    page.keep("short", tally("short", lost=1), seconds=1, scale=1)
    page.keep("late", tally("late").promising(within("out", 90, [91])), seconds=1, scale=1)
    page.keep("uncounted", None, seconds=1, scale=1)
    names = ["exact", "smaller", "short", "late", "uncounted", "missing"]
    assert [name for name in names if page.done(name, 1)] == ["exact"]


def test_a_fault_that_could_not_be_counted_is_shown_as_such(page: Page) -> None:
    page.keep("uncounted", None, seconds=1, scale=1)
    page.write(["uncounted"])
    assert "| uncounted | could not be counted |" in page.document.read_text()


def test_what_was_promised_stands_beside_what_was_measured(page: Page) -> None:
    counted = tally("stopped").promising(
        within("out after", 90, [2.5, 3]), at_most("crashes", 8, 9)
    )
    page.keep("stopped", counted, seconds=1, scale=1)
    page.write(["stopped"])
    text = page.document.read_text()
    assert "| out after ≤ 90 s: 3 s; crashes ≤ 8: 9, **missed** |" in text
    assert "Missed a limit: stopped." in text


def test_a_fault_that_this_machine_cannot_have_is_named_with_the_reason(page: Page) -> None:
    page.keep("clock", NotPossible("no libfaketime"), seconds=0, scale=1)
    page.write(["clock"])
    text = page.document.read_text()
    assert "Not possible on this machine: clock (no libfaketime)." in text
    assert "| clock |" not in text
    assert not page.done("clock", 1)


@pytest.mark.parametrize(
    ("promise", "kept"),
    [
        (at_most("crashes", 8, 8), True),
        (at_most("crashes", 8, 9), False),
        (at_least("of the rate", 0.9, 0.9), True),
        (at_least("of the rate", 0.9, 0.89), False),
        (share("twice", 1, 1, 100), True),
        (share("twice", 1, 2, 100), False),
        (share("twice", 1, 0, 0), False),
        (within("out", 90, [1, 90]), True),
        (within("out", 90, []), False),
    ],
)
def test_a_promise_is_kept_within_its_bound_and_never_unmeasured(
    promise: Promise, kept: bool
) -> None:
    assert promise.kept is kept
    assert Tally("any", 1, 1, 1, 0, 0, promises=[promise]).kept is kept
