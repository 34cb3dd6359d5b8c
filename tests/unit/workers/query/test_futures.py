"""Chained futures: what succeeds, what fails, and what is given up."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future

import pytest

from workers.query.futures import then


def never(brought: int) -> Future[str]:
    """A step that must not run."""
    pytest.fail(f"begun with {brought}")


def test_the_second_begins_with_what_the_first_brings() -> None:
    first: Future[int] = Future()
    second: Future[str] = Future()
    seen: list[int] = []

    def step(brought: int) -> Future[str]:
        seen.append(brought)
        return second

    result = then(first, step)
    first.set_result(7)
    assert not result.done()
    second.set_result("seven")
    assert (seen, result.result(0)) == ([7], "seven")


def test_it_fails_as_the_first_stage_that_fails() -> None:
    first: Future[int] = Future()
    result = then(first, never)
    first.set_exception(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        result.result(0)
    begun: Future[int] = Future()
    begun.set_result(1)
    second: Future[str] = Future()
    second.set_exception(KeyError("later"))
    with pytest.raises(KeyError, match="later"):
        then(begun, lambda brought: second).result(0)


def test_a_step_that_raises_fails_the_result_and_not_the_stage_s_thread() -> None:
    first: Future[int] = Future()

    def step(brought: int) -> Future[str]:
        raise RuntimeError("at once")

    result = then(first, step)
    first.set_result(7)
    with pytest.raises(RuntimeError, match="at once"):
        result.result(0)


def test_given_up_it_gives_up_the_stage_that_it_is_at() -> None:
    first: Future[int] = Future()
    result = then(first, never)
    assert result.cancel()
    assert first.cancelled()
    begun: Future[int] = Future()
    begun.set_result(1)
    second: Future[str] = Future()
    later = then(begun, lambda brought: second)
    assert later.cancel()
    assert second.cancelled()


def test_given_up_while_a_stage_works_it_begins_no_other() -> None:
    first: Future[int] = Future()
    first.set_running_or_notify_cancel()
    result = then(first, never)
    assert result.cancel()
    first.set_result(7)


@pytest.mark.parametrize("stage", [0, 1])
def test_a_stage_that_is_closing_cancels_the_result(stage: int) -> None:
    stages: tuple[Future[int], Future[int]] = (Future(), Future())
    result = then(stages[0], lambda brought: stages[1])
    if stage:
        stages[0].set_result(7)
    stages[stage].cancel()
    with pytest.raises(CancelledError):
        result.result(0)
