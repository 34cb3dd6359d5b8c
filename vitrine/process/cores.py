"""How several worker processes share one machine's cores, so that each does not take all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from vitrine.core.settings import Settings

MATH_THREADS = "OMP_NUM_THREADS"
"""What torch and numpy read when a process begins: threads of one operation on the CPU."""


def usable_cores() -> int:
    """Cores that this process may run on: an affinity or a cpuset counts where the platform tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_limits(
    settings: Settings, processes: int, environment: Mapping[str, str]
) -> dict[str, str]:
    """The variables that hold each of so many workers to its part of the cores, at least one.

    Decoders of a worker are one for each core unless VITRINE_DECODE_THREADS says, and so are the threads of
    the CPU's arithmetic: eight workers on sixteen cores would run 128 of each. What is set already, in the settings
    or the environment, is per process and stays.
    """
    part = str(max(1, usable_cores() // processes))
    shares = {"VITRINE_DECODE_THREADS": str(settings.decode_threads or part)}
    if MATH_THREADS not in environment:
        shares[MATH_THREADS] = part
    return shares
