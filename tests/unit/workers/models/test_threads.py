"""Torch's threads in a decoder's thread, and in those that come after it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

from workers.models.threads import single_threaded


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
