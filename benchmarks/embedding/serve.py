"""One embedder's process: reads `N` from standard input, embeds N pictures, and prints how long that took.

It imports nothing from vitrine, so that it runs in any environment. Standard output is reserved for the protocol;
output of libraries goes to standard error.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice

Embed = Callable[[Sequence[bytes]], object]
"""Embeds any number of JPEGs and returns vectors, [n, dimension]."""
BATCH = 64


def serve(open_embedder: Callable[[str], Embed]) -> None:
    """Serve `MODEL-DIRECTORY PICTURES-FILE` (a pickle of bytes, written by the benchmark) until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    embed = open_embedder(sys.argv[1])
    with open(sys.argv[2], "rb") as file:
        pictures: list[bytes] = pickle.load(file)  # noqa: S301 - the benchmark's own file
    embed(pictures[:BATCH])
    _say(answers, {"ready": True})
    for line in sys.stdin:
        asked = list(islice(cycle(pictures), int(line)))
        began, cpu = time.perf_counter(), time.process_time()
        vectors = embed(asked)
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
        _say(answers, {"seconds": seconds, "cpu": spent, "vectors": len(vectors)})  # type: ignore[arg-type]


def _say(answers: object, message: dict[str, object]) -> None:
    print(json.dumps(message), file=answers, flush=True)  # type: ignore[call-overload]
