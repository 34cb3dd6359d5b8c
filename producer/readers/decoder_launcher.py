"""The process in which a decoder reads an untrusted file: loads the decoder by its path, then limits its memory.

It is run by its path and isolated from the environment, and neither it nor a decoder imports anything of vitrine, so that
it starts in a quarter of a second. A decoder is a module with a dataclass `DecoderOptions`, which has `memory_bytes`, and a
function `main` that decodes standard input to standard output.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


def limit_memory(spare: int) -> None:
    """Limit this process to `spare` bytes more than it has now; do nothing if the system cannot report its size."""
    with suppress(OSError, ImportError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a decoder that aborts leaves no file
        with open("/proc/self/statm", encoding="ascii") as told:
            pages = int(told.read().split()[0])
        most = pages * resource.getpagesize() + spare
        before = resource.getrlimit(resource.RLIMIT_AS)[1]
        if before == resource.RLIM_INFINITY or before > most:
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


def load(path: Path) -> Any:
    """Return the decoder module at a path; its dataclasses look their module up by its name."""
    spec = importlib.util.spec_from_file_location(f"decoder_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main(path: str, options: str) -> None:
    """Run a decoder with its options, a JSON object."""
    decoder = load(Path(path))
    orders = decoder.DecoderOptions(**json.loads(options))
    limit_memory(orders.memory_bytes)
    decoder.main(orders)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
