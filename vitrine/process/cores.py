"""Division of a machine's cores among several worker processes, so that each does not use all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from vitrine.core.settings import Settings

MATH_THREADS = "OMP_NUM_THREADS"
"""Threads per operation on the CPU. torch and numpy read it when a process starts."""


def usable_cores() -> int:
    """Return the number of cores this process may run on, respecting affinity and cpusets if the platform reports them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_limits(
    settings: Settings, processes: int, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return environment variables that limit each of `processes` workers to its share of the cores, at least one.

    By default a worker starts one decoder (VITRINE_DECODE_THREADS) and one thread for CPU arithmetic per core: eight
    workers on sixteen cores would run 128 of each. Values already set, in the settings or the environment, are per
    process and are kept.
    """
    part = str(max(1, usable_cores() // processes))
    shares = {"VITRINE_DECODE_THREADS": str(settings.decode_threads or part)}
    if MATH_THREADS not in environment:
        shares[MATH_THREADS] = part
    return shares
