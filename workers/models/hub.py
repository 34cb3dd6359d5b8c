"""A model's name on the hub becomes a local directory: from the cache, or downloaded into it."""

from __future__ import annotations

from pathlib import Path

import httpx
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

from vitrine.errors import BadInput, ModelUnavailable

TIMEOUT_SECONDS = 5.0
"""How long the hub may take to answer about a model; a machine without a hub should say so at once."""

_WANTED_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
_SUBFOLDERS = ["*/*"]  # other runtimes' exports live there


def fetch(name: str) -> Path:
    """The directory of a hub model's files, downloaded where the cache does not have them.

    Raises `BadInput` where there can be no such model, `ModelUnavailable` where the hub does not answer.
    """
    try:
        return Path(
            snapshot_download(
                name,
                allow_patterns=_WANTED_FILES,
                ignore_patterns=_SUBFOLDERS,
                etag_timeout=TIMEOUT_SECONDS,
            )
        )
    except HFValidationError:
        raise BadInput(
            f"{name!r} is neither a directory nor a model's name.",
            hint="Give a directory in transformers' format, an ORGANISATION/NAME, or builtin.",
        ) from None
    except RepositoryNotFoundError:
        raise BadInput(
            f"The model hub has no {name!r} that is open to this account.",
            hint="Give a local directory in transformers' format, or use the built-in model (builtin).",
        ) from None
    except (OSError, httpx.HTTPError) as error:
        raise ModelUnavailable(
            f"The model hub cannot be reached and {name!r} is not in its cache: give a local directory "
            "in transformers' format, or use the built-in model (builtin)."
        ) from error
