"""Summary of py-spy's folded stacks: the worker's stages and functions in which the CPU was spent.

A line is `process;thread;outermost;…;innermost N`. A sample belongs to the stage of its innermost frame that has one:
the decoder's calls in Pillow count as decoding, the store client's socket calls as storing. Only running threads
are sampled, so shares are of busy threads' time. Waiting for the GIL counts as running, as in any such tool.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

STAGES = (
    ("fetch", ("workers/fetch/", "pycurl")),
    ("decode and scale", (
        "workers/images/", "workers/image", "workers/stages.py", "workers/models/preprocess/",
        # For checkouts before the layout of November 2026.
        "workers/decode", "workers/colour", "workers/sniff", "workers/picture", "workers/jpeg", "workers/models/preprocessing",
        "workers/models/aspect", "workers/models/fast_pixels", "workers/models/reference_pixels", "workers/models/scaling",
        "workers/models/target_size",
    )),
    ("device", ("workers/batching/", "workers/models/", "workers/normali")),
    ("store", ("vitrine/store/", "vitrine/vectors/", "workers/ingest/upsert.py", "workers/ingest/storing", "workers/ingest/outcomes.py")),
    ("ledger", ("vitrine/ledger/", "workers/ingest/leases.py")),
    ("chunk handling", ("workers/ingest/",)),
    ("upkeep", ("workers/maintenance/", "workers/sweeper", "workers/beat", "workers/watchdog", "workers/periodic")),
    ("queue", ("celery/", "kombu/", "billiard/", "vine/", "workers/celery_app/", "workers/bootsteps", "workers/app.py")),
    ("benchmark", ("benchmarks/",)),
)  # fmt: skip
"""Stages by the files of their code, checked in this order within a frame."""
OTHER = "other"
_PLACE = re.compile(r"(?P<function>.+) \((?P<file>.+?)(?::\d+)?\)$")


class Sample(NamedTuple):
    """One stack, outermost frame first, and how often it was seen."""

    frames: tuple[str, ...]
    seen: int


def read_samples(file: Path) -> list[Sample]:
    """Read the samples that py-spy wrote with `--format raw`."""
    lines = (line.rpartition(" ") for line in file.read_text().splitlines())
    return [Sample(tuple(stack.split(";")), int(count)) for stack, _, count in lines]


def by_stage(samples: Iterable[Sample]) -> list[tuple[str, float]]:
    """Return each stage's share, largest first."""
    counts: Counter[str] = Counter()
    for sample in samples:
        counts[stage_of(sample.frames)] += sample.seen
    return _shares(counts)


def by_function(samples: Iterable[Sample]) -> list[tuple[str, float]]:
    """Return each innermost function's share (`name (folder/file.py)`), largest first."""
    counts: Counter[str] = Counter()
    for sample in samples:
        counts[_short(sample.frames[-1])] += sample.seen
    return _shares(counts)


def stage_of(frames: Iterable[str]) -> str:
    """Return the stage of a stack, outermost frame first."""
    for frame in reversed(tuple(frames)):
        for stage, files in STAGES:
            if any(file in frame for file in files):
                return stage
    return OTHER


def _short(frame: str) -> str:
    found = _PLACE.fullmatch(frame)
    if found is None:
        return frame
    return f"{found['function']} ({'/'.join(found['file'].split('/')[-2:])})"


def _shares(counts: Counter[str]) -> list[tuple[str, float]]:
    total = sum(counts.values()) or 1
    return [(name, count / total) for name, count in counts.most_common()]
