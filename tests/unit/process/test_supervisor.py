"""A fleet's decisions, over children with scripted exits."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence

import pytest

from vitrine.core.errors import BadInput, VitrineError
from vitrine.process import supervisor as module
from vitrine.process.child import ChildProcess
from vitrine.process.supervisor import Supervisor


class Scripted(ChildProcess):
    """A child that exits with these codes, one per start, and then runs until it is asked to stop."""

    def __init__(self, name: str, codes: Sequence[int] = (), *, last: int = 0) -> None:
        self.name = name
        self.starts = 0
        self.asked = False
        self._codes = list(codes)
        self._last = last
        self.journal: list[str] = []

    def alive(self) -> bool:
        return self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        if self.starts <= len(self._codes):
            return self._codes[self.starts - 1]
        return self._last if self.asked else None

    def start(self) -> None:
        self.starts += 1

    def restart_if_dead(self) -> None:
        if not self.alive():
            self.start()

    def ask_to_stop(self) -> None:
        self.journal.append(f"ask {self.name}")
        self.asked = True

    def stop(self) -> None:
        self.journal.append(f"stop {self.name}")
        self.asked = True


class AfterLooks(threading.Event):
    """An event that is set after `looks` waits; no time passes."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def wait(self, timeout: float | None = None) -> bool:
        self._looks -= 1
        return self._looks < 0


def test_all_run_until_told_to_stop_and_all_are_asked_before_any_is_waited_for() -> None:
    children = [Scripted("a"), Scripted("b")]
    journal: list[str] = []
    for child in children:
        child.journal = journal
    assert Supervisor(children).run(AfterLooks(3)) == 0
    assert [child.starts for child in children] == [1, 1]
    assert journal == ["ask a", "ask b", "stop a", "stop b"]


@pytest.mark.parametrize("code", [1, 75, 0, -signal.SIGKILL])
def test_one_that_dies_is_started_again(code: int) -> None:
    children = [Scripted("a", [code, code]), Scripted("b")]
    assert Supervisor(children).run(AfterLooks(5)) == 0
    assert [child.starts for child in children] == [3, 1]


def test_bad_input_at_the_first_start_ends_the_fleet_and_is_told() -> None:
    children = [Scripted("cuda:7", [2, 2, 2]), Scripted("cuda:0")]
    with pytest.raises(BadInput, match="cuda:7 cannot start") as refusal:
        Supervisor(children).run(AfterLooks(50))
    assert refusal.value.exit_code == 2
    assert children[0].starts == 1
    assert all(child.asked for child in children)


def test_bad_input_at_a_later_start_leaves_that_one_out_and_shows_in_the_exit_code() -> None:
    children = [Scripted("cuda:1", [-9, 2]), Scripted("cuda:0")]
    assert Supervisor(children).run(AfterLooks(50)) == 1
    assert [child.starts for child in children] == [2, 1]


def test_a_fleet_without_anyone_left_ends() -> None:
    children = [Scripted("a", [-9, 2]), Scripted("b", [1, 2])]
    with pytest.raises(VitrineError, match="No worker is left"):
        Supervisor(children).run(AfterLooks(50))


@pytest.mark.parametrize(
    ("last", "code"), [(0, 0), (-signal.SIGTERM, 0), (75, 1), (-signal.SIGKILL, 1), (1, 1)]
)
def test_the_exit_code_says_whether_all_ended_well(last: int, code: int) -> None:
    assert Supervisor([Scripted("a"), Scripted("b", last=last)]).run(AfterLooks(2)) == code


def test_together_they_stop_before_a_container_is_killed() -> None:
    from workers.celery_app.shutdown_deadline import STOP_SECONDS

    assert STOP_SECONDS < module.GRACE_SECONDS < 90
