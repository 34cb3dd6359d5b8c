"""Keeps the model libraries off stderr; no other module changes their logging.

Their progress bars and advice ("requires torchvision", load reports, "unauthenticated requests")
are meant for notebooks; what a user must know is raised as a `VitrineError`.
"""

from __future__ import annotations

from typing import Any

import transformers.utils.logging
from huggingface_hub.utils import logging as hub_logging
from huggingface_hub.utils.tqdm import disable_progress_bars

_transformers_logging: Any = transformers.utils.logging  # its functions are not annotated
_hub_logging: Any = hub_logging


def silence_libraries() -> None:
    """Make transformers and huggingface_hub log only errors and draw no progress bars, process-wide."""
    _transformers_logging.set_verbosity_error()
    _transformers_logging.disable_progress_bar()
    _hub_logging.set_verbosity_error()
    disable_progress_bars()
