"""Traps: files in a user's folder that are named like packages. Each records that it was imported, and raises."""

from __future__ import annotations

from pathlib import Path

TRAPS = (
    "api/__init__.py", "workers/__init__.py", "vitrine/__init__.py",
    "producer.py", "celery.py", "redis.py", "celeryconfig.py", "kombu.py", "flower.py", "flowerconfig.py",
    "requests.py", "rich.py", "numpy.py", "torch.py", "uvicorn.py", "pyarrow.py", "qdrant_client.py",
    "signal.py", "socket.py", "pickle.py", "queue.py", "json.py",
)  # fmt: skip
"""Modules of vitrine, the queue, other dependencies, and parts of the standard library that a new interpreter imports."""
_CODE = """\
import os
with open(os.path.join({folder!r}, "sprung"), "a") as marker:
    marker.write(__file__ + "\\n")
raise RuntimeError("imported: " + __file__)
"""


def set_traps(folder: Path, *names: str) -> None:
    """Create traps with these names in the folder, or all of them by default."""
    for name in names or TRAPS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_CODE.format(folder=str(folder)))


def sprung(folder: Path) -> list[str]:
    """List the files of the folder that were imported."""
    marker = folder / "sprung"
    return marker.read_text().splitlines() if marker.exists() else []
