"""`vitrine worker`, with an additional thread that writes down what only the process itself can observe.

::

    python -m benchmarks.parts.workers.observed FILE --model NAME --device cpu

Every second it writes to FILE as JSON: how many pictures had been embedded at each recent moment (monotonic seconds, every
50 ms), how long the device's thread waits for the GIL (`workers.batching.stats`), and how late it returned from each batch
(for a timed model, see `workers.models.simulated`). Everything else is the unchanged command. A checkout from before timed
models existed (see `benchmarks.profile`) uses the one from this checkout.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import threading
import time
from collections import deque
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from vitrine.cli import main

_HERE = Path(__file__).resolve().parents[3]
_RUNTIME = ("workers.runtime", "open_runtime")
_RUNTIME_BEFORE = ("workers.engine", "open_engine")
"""In checkouts before the layout of November 2026, which can be compared with this one."""
_TIMED = "workers.models.simulated"
_LOOK_EVERY = 0.05
_WRITE_EVERY = 20  #: Number of looks between writes.
_KEPT = 6000
"""Number of looks to keep: five minutes."""


def observe(file: Path) -> None:
    """Start to observe the model that this process will open."""
    module, opener = _RUNTIME if _has(_RUNTIME[0]) else _RUNTIME_BEFORE
    runtime: Any = importlib.import_module(module)
    opened: list[Any] = []  # the model and, once it runs, the worker's runtime
    open_model, open_runtime = runtime.open_model, getattr(runtime, opener)

    def opening(name: str, *arguments: Any, **options: Any) -> Any:
        lent = name.startswith("timed-") and not _has(_TIMED)
        opened.append(
            _lend(_TIMED).SimulatedModel(name) if lent else open_model(name, *arguments, **options)
        )
        return opened[-1]

    def running(*arguments: Any, **options: Any) -> Any:
        opened.append(open_runtime(*arguments, **options))
        return opened[-1]

    runtime.open_model = opening
    setattr(runtime, opener, running)
    threading.Thread(target=_watch, args=(file, opened), name="observer", daemon=True).start()


def _watch(file: Path, opened: list[Any]) -> None:
    looks: deque[tuple[float, int]] = deque(maxlen=_KEPT)
    for number in count():
        pictures = (getattr(getattr(one, "batcher", None), "pictures", 0) for one in opened)
        looks.append((time.monotonic(), sum(pictures)))
        if number % _WRITE_EVERY == 0:
            _write(file, opened, looks)
        time.sleep(_LOOK_EVERY)


def _write(file: Path, opened: list[Any], looks: deque[tuple[float, int]]) -> None:
    late = [ms for one in opened for ms in list(getattr(one, "late_ms", ()))]
    waits = [wait for one in opened if (wait := _gil_wait(one))]
    told = {"embedded": list(looks), "late_ms": late, "gil_wait": waits[0] if waits else None}
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps(told))
    scratch.replace(file)


def _gil_wait(one: Any) -> dict[str, float] | None:
    """Return the GIL waits of an engine's batcher, or None for other objects and checkouts without this count."""
    batcher = getattr(one, "batcher", None)
    stats = getattr(batcher, "stats", None) or getattr(batcher, "gauge", None)
    wait = stats.gil_wait() if stats is not None else None
    return None if wait is None else {"p50_ms": wait.p50_ms, "p95_ms": wait.p95_ms}


def _has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _lend(name: str) -> ModuleType:
    """Load a module, and what it needs, from this checkout, because the one in use does not have it."""
    for needed in ("workers.image", name):
        if not _has(needed):
            path = _HERE.joinpath(*needed.split(".")).with_suffix(".py")
            spec = importlib.util.spec_from_file_location(needed, path)
            if spec is None or spec.loader is None:
                raise RuntimeError(f"there is no {path}")
            module = importlib.util.module_from_spec(spec)
            sys.modules[needed] = module
            spec.loader.exec_module(module)
    return sys.modules[name]


if __name__ == "__main__":
    observe(Path(sys.argv[1]))
    sys.argv = ["vitrine", "worker", *sys.argv[2:]]
    main()
