"""Turns a model's name on the hub into a local directory: from the cache, or downloaded into it."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from vitrine.core.errors import BadInput, ModelUnavailable
from vitrine.core.model_registry import resolve_model_card, split_revision

TIMEOUT_SECONDS = 5.0
"""Timeout for the hub's model info, short so that a machine without access to the hub fails quickly."""

_WANTED_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
_SUBFOLDERS = ["*/*"]  # other runtimes' exports live there


def download(name: str) -> Path:
    """Return the directory of a hub model's files, and download them if they are not in the cache.

    `ORGANISATION/NAME` means the revision that the registry pins, or the hub's newest; `ORGANISATION/NAME@REVISION`
    means that revision. Raises `BadInput` if there is no such model, and `ModelUnavailable` if the hub cannot be
    reached and the cache does not have the model either.
    """
    model, revision = split_revision(name)
    if "/" not in model and (card := resolve_model_card(model)) is not None:
        raise BadInput(
            f"There is no directory {model}.", hint=f"The model on the hub is {card.id}."
        )
    try:
        return _asked_for(model, revision)
    except HFValidationError:
        raise BadInput(
            f"{name!r} is neither a directory nor a model's name.",
            hint="Give a directory in transformers' format, a hub id (ORGANISATION/NAME), or builtin.",
        ) from None
    except RevisionNotFoundError:
        raise BadInput(
            f"The model hub has no revision {revision} of {model}.",
            hint=f"{model}@main is the newest; `vitrine models` lists the pinned ones.",
        ) from None
    except RepositoryNotFoundError:
        raise BadInput(
            f"The model hub has no {model!r} that this account can read.",
            hint="Give a local directory in transformers' format, or use the built-in model (builtin).",
        ) from None
    except Exception as error:  # noqa: BLE001  - the hub client lets its HTTP library's errors through
        return _cached(model, revision, error)


def _asked_for(model: str, revision: str | None) -> Path:
    # Ask for the commit separately, because the download's own request for the model info has no timeout.
    commit = HfApi().model_info(model, revision=revision, timeout=TIMEOUT_SECONDS).sha
    return _snapshot(model, commit)


def _cached(model: str, revision: str | None, why: Exception) -> Path:
    try:
        return _snapshot(model, revision, local_files_only=True)
    except OSError:
        raise ModelUnavailable(
            f"The model hub cannot be reached and {model!r} is not in its cache: give a local directory "
            "in transformers' format, or use the built-in model (builtin)."
        ) from why


def _snapshot(model: str, revision: str | None, *, local_files_only: bool = False) -> Path:
    return Path(
        snapshot_download(
            model,
            revision=revision,
            allow_patterns=_WANTED_FILES,
            ignore_patterns=_SUBFOLDERS,
            local_files_only=local_files_only,
        )
    )
