"""A model directory in transformers' format: the files it must contain, and the hash that identifies its contents."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from vitrine.core.errors import BadInput

_CONFIG = "config.json"
_PREPROCESSING = ("preprocessor_config.json", "processor_config.json")
_WEIGHTS = "model.safetensors"
_SHARD_INDEX = "model.safetensors.index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_HASH_BLOCK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model directory that was checked to be complete."""

    directory: Path
    family: str  #: `model_type` in its configuration: `siglip`, `dinov2`, …
    settings: tuple[Path, ...]  #: The configuration and the preprocessing.
    weights: tuple[Path, ...]  #: One safetensors file, or its shards by name.

    def revision(self) -> str:
        """Return 16 hex digits of the SHA-256 over names, lengths and contents of settings and weights.

        It is the same on every machine, however the files got there. Hashing runs at about 1 GB per second.
        """
        digest = hashlib.sha256()
        for path in (*self.settings, *self.weights):
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                while block := file.read(_HASH_BLOCK_BYTES):
                    digest.update(block)
        return digest.hexdigest()[:16]


def inspect_directory(directory: Path) -> Checkpoint:
    """Check that a directory can be opened as a model; raises a `BadInput` that names what is missing."""
    if not directory.is_dir():
        raise BadInput(f"There is no model directory {directory}.")
    family = _family(directory)
    settings = tuple(directory / name for name in _PREPROCESSING if (directory / name).is_file())
    if not settings:
        raise BadInput(
            f"The model directory {directory} has no {_PREPROCESSING[0]}, so it is not known how its "
            "pictures are to be sized and normalised.",
            hint="Copy that file from the model's source.",
        )
    return Checkpoint(directory, family, (directory / _CONFIG, *settings), _weights(directory))


def _family(directory: Path) -> str:
    config = _json_object(directory / _CONFIG)
    family = config.get("model_type")
    if not isinstance(family, str):
        raise BadInput(f"{directory / _CONFIG} has no model family (`model_type`).")
    return family


def _weights(directory: Path) -> tuple[Path, ...]:
    if (directory / _WEIGHTS).is_file():
        return (directory / _WEIGHTS,)
    if not (directory / _SHARD_INDEX).is_file():
        raise _without_safetensors(directory)
    table = _json_object(directory / _SHARD_INDEX).get("weight_map")
    names = sorted({str(name) for name in table.values()}) if isinstance(table, dict) else []
    missing = [name for name in names if not (directory / name).is_file()]
    if missing or not names:
        said = ", ".join(missing) or "any weight file"
        raise BadInput(f"The model directory {directory} lacks {said}, named by {_SHARD_INDEX}.")
    return tuple(directory / name for name in names)


def _without_safetensors(directory: Path) -> BadInput:
    pickles = sorted(path.name for pattern in _PICKLES for path in directory.glob(pattern))
    if not pickles:
        return BadInput(f"The model directory {directory} has no weights ({_WEIGHTS}).")
    return BadInput(
        f"The model directory {directory} has its weights only as a pickle ({pickles[0]}), which can run "
        "code when it is read and is never opened here.",
        hint="Convert them to safetensors: transformers' save_pretrained writes that.",
    )


def _json_object(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadInput(
            f"The model directory {path.parent} has no {path.name}.",
            hint="A model is a directory in transformers' format.",
        ) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as JSON.") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path} is not a JSON object.")
    return value
