"""The process in which a decoder reads an untrusted file: loads the decoder, then limits its memory.

It is run by its path and isolated from the environment. The packages that a decoder lies in are made without running what
is in their `__init__`, so that it starts in a quarter of a second. A decoder is a module with a dataclass `DecoderOptions`, which
has `memory_bytes`, and a function `main` that decodes standard input to standard output.
"""

from __future__ import annotations

import importlib
import json
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

_READERS = Path(__file__).resolve().parent
_PACKAGES = {"producer": _READERS.parent, "producer.readers": _READERS}


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


def main(decoder: str, options: str) -> None:
    """Run a decoder, a module beneath `producer.readers`, with its options, a JSON object."""
    for name, folder in _PACKAGES.items():
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    module = importlib.import_module(decoder)
    orders = module.DecoderOptions(**json.loads(options))
    limit_memory(orders.memory_bytes)
    module.main(orders)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
