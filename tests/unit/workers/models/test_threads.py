"""Torch's thread count in a decoder's thread, and in threads started later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.patience import PATIENCE
from workers.batching.in_flight import InFlight
from workers.batching.staging import StagingThread
from workers.models.device_backends import CpuBackend
from workers.models.threads import run_in_own_thread, single_threaded


def in_a_new_thread(work: Callable[[], int]) -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def alone() -> int:
    single_threaded()
    return torch.get_num_threads()


def test_a_decoders_thread_works_alone_and_others_as_before() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert in_a_new_thread(alone) == 1
        assert torch.get_num_threads() == 3
        assert in_a_new_thread(torch.get_num_threads) == 3
        assert [in_a_new_thread(alone) for _ in range(3)] == [1, 1, 1]
        assert in_a_new_thread(torch.get_num_threads) == 3
    finally:
        torch.set_num_threads(before)


def test_a_decoder_that_begins_right_after_takes_nothing_from_it() -> None:
    before = torch.get_num_threads()
    entered, begun = threading.Event(), threading.Event()

    def at_work() -> int:
        CpuBackend(3).enter()
        entered.set()
        begun.wait(PATIENCE)
        return torch.get_num_threads()

    def decoder_in_its_moment() -> None:
        entered.wait(PATIENCE)
        torch.set_num_threads(1)
        begun.set()

    decoder = threading.Thread(target=decoder_in_its_moment)
    decoder.start()
    try:
        assert in_a_new_thread(at_work) == 3
    finally:
        decoder.join()
        torch.set_num_threads(before)


class Ended:
    """A queue that has ended."""

    def next_waiting(self) -> None:
        """Return None, as a queue that has ended."""

    def end_staging(self) -> None:
        """Called by the staging thread at its end."""


def test_the_staging_thread_works_alone() -> None:
    nothing: Any = Ended()

    def staging() -> int:
        StagingThread(nothing, nothing, InFlight()).run()
        return torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert in_a_new_thread(staging) == 1
        assert in_a_new_thread(torch.get_num_threads) == 3
    finally:
        torch.set_num_threads(before)


def test_a_passing_thread_is_gone_when_its_work_is_done() -> None:
    thread = run_in_own_thread(threading.current_thread)
    assert thread is not threading.current_thread()
    assert not thread.is_alive()
    with pytest.raises(LookupError, match="nothing here"):
        run_in_own_thread(fail)


def fail() -> None:
    raise LookupError("nothing here")
