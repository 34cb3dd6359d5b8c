"""A model's name on the hub becomes a local directory: from the cache, or downloaded into it."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

from vitrine.errors import BadInput, ModelUnavailable

TIMEOUT_SECONDS = 5.0
"""How long the hub may take to answer about a model; a machine without a hub should say so at once."""

_WANTED_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
_SUBFOLDERS = ["*/*"]  # other runtimes' exports live there


def fetch(name: str) -> Path:
    """The directory of a hub model's files, downloaded where the cache does not have them.

    Raises `BadInput` where there can be no such model, `ModelUnavailable` where the hub does not answer
    and the cache does not have it either.
    """
    try:
        # Asked first and alone: the download's own question about the model has no timeout at all.
        commit = HfApi().model_info(name, timeout=TIMEOUT_SECONDS).sha
        return _snapshot(name, commit)
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
    except Exception as error:  # noqa: BLE001  - the hub client lets its HTTP library's errors through
        return _cached(name, error)


def _cached(name: str, why: Exception) -> Path:
    try:
        return _snapshot(name, None, local_files_only=True)
    except OSError:
        raise ModelUnavailable(
            f"The model hub cannot be reached and {name!r} is not in its cache: give a local directory "
            "in transformers' format, or use the built-in model (builtin)."
        ) from why


def _snapshot(name: str, commit: str | None, *, local_files_only: bool = False) -> Path:
    return Path(
        snapshot_download(
            name,
            revision=commit,
            allow_patterns=_WANTED_FILES,
            ignore_patterns=_SUBFOLDERS,
            local_files_only=local_files_only,
        )
    )
