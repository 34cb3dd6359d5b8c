"""`vitrine worker`, with one thread beside it that writes down what only the process itself knows.

::

    python -m benchmarks.parts.observed_worker FILE --model NAME --device cpu

Every second FILE gets, as JSON, how long the device's thread waits for the GIL (`workers.batching.gauge`), and how late it
came back from each batch (of a timed model, see `workers.models.timed`). Everything else is the command's own. In a checkout from before there were timed models
(see `benchmarks.profile`), the one beside this file is lent to it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from vitrine.cli import main

_HERE = Path(__file__).resolve().parents[2]
_EVERY = 1.0


def observe(file: Path) -> None:
    """Begin to write about the model that this process will open."""
    engine: Any = importlib.import_module("workers.engine")
    opened: list[Any] = []  # the model, and once it runs the engine
    open_model = engine.open_model

    def opening(name: str, *arguments: Any, **options: Any) -> Any:
        model = (
            _timed().TimedModel(name)
            if name.startswith("timed-")
            else open_model(name, *arguments, **options)
        )
        opened.append(model)
        return model

    open_engine = engine.open_engine

    def running(*arguments: Any, **options: Any) -> Any:
        found = open_engine(*arguments, **options)
        opened.append(found)
        return found

    engine.open_model, engine.open_engine = opening, running
    threading.Thread(target=_write, args=(file, opened), name="observer", daemon=True).start()


def _write(file: Path, opened: list[Any]) -> None:
    scratch = file.with_suffix(".new")
    while True:
        late = [ms for one in opened for ms in list(getattr(one, "late_ms", ()))]
        waits = [_gil_wait(one) for one in opened]
        told = {"late_ms": late, "gil_wait": next((one for one in waits if one), None)}
        scratch.write_text(json.dumps(told))
        scratch.replace(file)
        time.sleep(_EVERY)


def _gil_wait(one: Any) -> dict[str, float] | None:
    """What an engine's batcher says of it; None from anything else, and from checkouts that did not count it."""
    gauge = getattr(getattr(one, "batcher", None), "gauge", None)
    wait = gauge.gil_wait() if gauge is not None else None
    return None if wait is None else {"p50_ms": wait.p50_ms, "p95_ms": wait.p95_ms}


def _timed() -> ModuleType:
    """The timed model's module: the checkout's own, or that of this benchmark's checkout."""
    _lend("workers.picture")
    return _lend("workers.models.timed")


def _lend(name: str) -> ModuleType:
    """A module by name, from the checkout that holds this benchmark where the one in use has none."""
    if importlib.util.find_spec(name) is None:
        path = _HERE.joinpath(*name.split(".")).with_suffix(".py")
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"there is no {path}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return importlib.import_module(name)


if __name__ == "__main__":
    observe(Path(sys.argv[1]))
    sys.argv = ["vitrine", "worker", *sys.argv[2:]]
    main()
