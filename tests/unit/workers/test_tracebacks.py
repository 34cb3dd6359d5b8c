from __future__ import annotations

import pytest

from vitrine.core.types import FailureReason, ItemFailure
from workers.tracebacks import without_traceback


def fail() -> None:
    try:
        int("bad bytes")
    except ValueError as error:
        raise ItemFailure(FailureReason.CORRUPT, "gave up") from error


def test_a_failure_and_what_led_to_it_keep_their_words_but_no_frames() -> None:
    with pytest.raises(ItemFailure) as caught:
        fail()
    assert without_traceback(caught.value) is caught.value
    assert caught.value.detail == "gave up"
    assert caught.value.__traceback__ is None
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.__cause__.__traceback__ is None


def test_a_fault_keeps_its_traceback_for_the_log() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        divmod(1, 0)
    assert without_traceback(caught.value).__traceback__ is not None
