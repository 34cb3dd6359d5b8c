"""Bad pictures are named one by one, and cost no other picture anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.picture_faults import marked_pictures

pytestmark = [pytest.mark.e2e]


@pytest.mark.parametrize(
    ("pictures", "culprit"), [(320, 123), pytest.param(3000, 1717, marks=pytest.mark.long)]
)
def test_a_picture_that_kills_the_process_is_dead_lettered_by_name(
    tmp_path: Path, pictures: int, culprit: int
) -> None:
    tally, crashes = marked_pictures(tmp_path, {culprit: "abort"}, pictures=pictures)
    assert tally.exact, tally
    assert 2 <= crashes <= 8


def test_pictures_that_break_the_model_are_the_only_ones_to_fail(tmp_path: Path) -> None:
    marks = {3: "raise", 64: "raise", 65: "nan", 130: "memory", 131: "nan", 200: "memory", 500: "raise"}  # fmt: skip
    tally, crashes = marked_pictures(tmp_path, marks, pictures=1000)
    assert tally.exact, tally
    # Otherwise a model that never ran out of memory would pass too.
    assert tally.kept, tally.promises
    assert crashes == 0


def test_a_batch_that_hangs_ends_the_process_and_is_done_by_the_next(tmp_path: Path) -> None:
    tally, crashes = marked_pictures(tmp_path, {123: "hang"}, pictures=320, hangs=1)
    assert tally.exact, tally
    assert crashes == 1
