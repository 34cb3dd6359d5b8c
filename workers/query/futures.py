"""Chains futures: a stage's result is passed to the next stage in the thread that produced it, so no thread waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from workers.tracebacks import without_traceback

T = TypeVar("T")
R = TypeVar("R")


def then(first: Future[T], step: Callable[[T], Future[R]]) -> Future[R]:
    """Run `step` with the result of `first` and return a future for its result; it fails if either stage fails.

    Cancelling it cancels the current stage, if that has not begun; if a stage is cancelled, so is this future.
    """
    result: Future[R] = Future()
    _abandon_with(result, first)

    def go_on(done: Future[T]) -> None:
        # Read the exception instead of raising it: raised here, it would reference this frame, which references the
        # future, which references the exception.
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or result.cancelled():
            result.cancel()
        elif error is not None:
            _settle(result, error)
        else:
            _begin(result, step, done.result())

    first.add_done_callback(go_on)
    return result


def _begin(result: Future[R], step: Callable[[T], Future[R]], brought: T) -> None:
    try:
        second = step(brought)
    except Exception as error:  # noqa: BLE001 - raised into a stage's thread, it would be lost
        _settle(result, without_traceback(error))
        return
    _abandon_with(result, second)
    second.add_done_callback(lambda done: _pass_on(done, result))


def _abandon_with(result: Future[Any], stage: Future[Any]) -> None:
    result.add_done_callback(lambda done: stage.cancel() if done.cancelled() else None)


def _pass_on(done: Future[R], result: Future[R]) -> None:
    if done.cancelled():
        result.cancel()
    elif (error := done.exception()) is not None:
        _settle(result, error)
    elif result.set_running_or_notify_cancel():
        result.set_result(done.result())


def _settle(result: Future[Any], error: BaseException) -> None:
    if result.set_running_or_notify_cancel():
        result.set_exception(error)
