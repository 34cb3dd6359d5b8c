"""How each model family returns its one vector per picture or text, and how its texts are tokenised.

A model with a shared space for pictures and words has `get_image_features`: attention-pooled for
SigLIP and SigLIP 2, projected for CLIP. For any other, the vector is its `pooler_output`: the class token after
the last layer norm for DINOv2, the globally averaged map for the MobileNets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vitrine.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class TextRule:
    """How a family's texts are tokenised."""

    padding: bool | str  #: The `padding` argument of transformers' tokenisers.
    lowercase: bool
    attention_mask: bool  #: Whether padding is hidden from the model.


_SIGLIP_RULE = TextRule(padding="max_length", lowercase=True, attention_mask=False)
"""SigLIP was trained on padded, unmasked, lowercased text; without the padding ImageNet zero-shot
falls from 0.82 to 0.51. The fixed-resolution SigLIP 2 checkpoints also belong to the family `siglip`."""
_DEFAULT_RULE = TextRule(padding=True, lowercase=False, attention_mask=True)


def text_rule(family: str) -> TextRule:
    """Return the rule of a family (`model_type`)."""
    return _SIGLIP_RULE if family in {"siglip", "siglip2"} else _DEFAULT_RULE


def has_text_tower(model: torch.nn.Module) -> bool:
    """Return whether the model maps text into the same space as pictures."""
    return hasattr(model, "get_image_features") and hasattr(model, "get_text_features")


def image_vectors(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Run a batch of n pictures to [n, d]; raises `BadInput` if the family has no such vector."""
    run = getattr(model, "get_image_features", model)
    return _pooled(run(**inputs), model.config.model_type)


def text_vectors(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Run a batch of n texts to [n, d], in the space of `image_vectors`."""
    return _pooled(model.get_text_features(**inputs), model.config.model_type)


def _pooled(output: Any, family: str) -> torch.Tensor:
    pooled = output if isinstance(output, torch.Tensor) else getattr(output, "pooler_output", None)
    if pooled is None or pooled.flatten(1).shape[1] != pooled.shape[1]:
        raise BadInput(
            f"Models of the family {family!r} do not return a single pooled vector for a picture.",
            hint="Use a SigLIP, CLIP, DINOv2 or MobileNet model, or another with a pooler output.",
        )
    return pooled.flatten(1)
