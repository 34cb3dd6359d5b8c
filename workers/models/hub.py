"""A model's name on the hub becomes a local directory: from the cache, or downloaded into it."""

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
"""How long the hub may take to answer about a model; a machine without a hub should say so at once."""

_WANTED_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
_SUBFOLDERS = ["*/*"]  # other runtimes' exports live there


def download(name: str) -> Path:
    """The directory of a hub model's files, downloaded where the cache does not have them.

    `ORGANISATION/NAME` at the revision that the registry pins, or at the hub's newest; `ORGANISATION/NAME@REVISION` at that
    one. Raises `BadInput` where there can be no such model, `ModelUnavailable` where the hub does not answer and
    the cache does not have it either.
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
            hint="Give a directory in transformers' format, an ORGANISATION/NAME, or builtin.",
        ) from None
    except RevisionNotFoundError:
        raise BadInput(
            f"The model hub has no revision {revision} of {model}.",
            hint=f"{model}@main is its newest; `vitrine models` lists what is pinned.",
        ) from None
    except RepositoryNotFoundError:
        raise BadInput(
            f"The model hub has no {model!r} that is open to this account.",
            hint="Give a local directory in transformers' format, or use the built-in model (builtin).",
        ) from None
    except Exception as error:  # noqa: BLE001  - the hub client lets its HTTP library's errors through
        return _cached(model, revision, error)


def _asked_for(model: str, revision: str | None) -> Path:
    # Asked first and alone: the download's own question about the model has no timeout at all.
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
