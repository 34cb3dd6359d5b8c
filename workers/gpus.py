"""Counts the GPUs that torch can use, in a short-lived process: `python -m workers.gpus`.

This number is all that a supervisor needs from torch. A separate process spares it from keeping torch in memory
and from holding a context on a GPU that belongs to its workers.
"""

from __future__ import annotations

import subprocess
import sys

from vitrine.core.errors import VitrineError
from vitrine.core.python_command import python_command

COUNT_SECONDS = 120.0
"""Importing torch from a cold disk takes most of a minute."""


def count_gpus() -> int:
    """Return the number of GPUs that a worker started by this process would see; 0 if torch is not installed.

    Raises `VitrineError` if they cannot be counted.
    """
    try:
        counted = subprocess.run(
            python_command("workers.gpus"),
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            timeout=COUNT_SECONDS,
            check=True,
        )
        return int(counted.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise VitrineError(
            f"The GPUs of this machine cannot be counted ({type(error).__name__}).",
            hint="Name them: --devices cuda:0,cuda:1.",
        ) from error


def _count() -> int:
    try:
        import torch  # noqa: PLC0415 - only the counting process pays for it
    except ModuleNotFoundError:
        return 0
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


if __name__ == "__main__":
    sys.stdout.write(f"{_count()}\n")
