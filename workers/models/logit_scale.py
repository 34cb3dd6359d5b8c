"""Reads the scale and bias that a checkpoint learned for its scores, at the precision in which they were saved.

A model in bfloat16 holds them to only three digits. The exponential turns that into an error of one percent, enough to
change SigLIP's probabilities in the second digit.
"""

from __future__ import annotations

from typing import Any

import torch
from safetensors import safe_open

from vitrine.core.scoring import Scoring, ScoringKind
from workers.models.checkpoint import Checkpoint

_SCALE, _BIAS = "logit_scale", "logit_bias"


def learned_scoring(checkpoint: Checkpoint, model: torch.nn.Module) -> Scoring | None:
    """Return the scoring of a loaded checkpoint; None for a model without such a scale. Reads two numbers from its files."""
    saved = _saved(checkpoint)
    scale, bias = (_number(saved, model, name) for name in (_SCALE, _BIAS))
    if scale is None:
        return None
    kind: ScoringKind = "clip" if bias is None else "siglip"
    return Scoring(kind, float(torch.tensor(scale, dtype=torch.float64).exp()), bias or 0.0)


def _number(saved: dict[str, float], model: torch.nn.Module, name: str) -> float | None:
    """Return the saved number, or the loaded one if the file uses another name; None if the model has none."""
    loaded = getattr(model, name, None)
    if not isinstance(loaded, torch.Tensor) or loaded.numel() != 1:
        return None
    return saved.get(name, loaded.item())


def _saved(checkpoint: Checkpoint) -> dict[str, float]:
    found: dict[str, float] = {}
    for path in checkpoint.weights:
        opened: Any = safe_open(path, framework="pt")  # its methods are not annotated
        with opened as file:
            for name in {_SCALE, _BIAS}.intersection(file.keys()):
                found[name] = file.get_tensor(name).double().item()
    return found
