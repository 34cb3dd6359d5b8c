from __future__ import annotations

import threading

from tests.patience import PATIENCE
from workers.celery_app.shutdown_deadline import EXIT_CUT_OFF, exit_after


def test_a_process_that_does_not_stop_is_cut_off() -> None:
    ended: list[int] = []
    done = threading.Event()

    def end(code: int) -> None:
        ended.append(code)
        done.set()

    exit_after(0.01, end=end)
    assert done.wait(PATIENCE)
    assert ended == [EXIT_CUT_OFF]


def test_the_countdown_can_be_called_off_and_keeps_no_process_alive() -> None:
    timer = exit_after(3600)
    assert timer.daemon
    timer.cancel()
    timer.join(PATIENCE)
    assert not timer.is_alive()
