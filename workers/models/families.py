"""What each family of models calls its one vector per picture or text, and how its texts are cut.

A model with a shared space for pictures and words says so by `get_image_features`: attention-pooled
for SigLIP and SigLIP 2, projected for CLIP. Any other gives its `pooler_output`: the class token after
the last layer norm for DINOv2, the globally averaged map for the MobileNets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vitrine.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class TextRule:
    """How a family wants its texts."""

    padding: bool | str  #: As transformers' tokenisers take it.
    lowercase: bool
    attention_mask: bool  #: Whether padding is hidden from the model.


_SIGLIP_RULE = TextRule(padding="max_length", lowercase=True, attention_mask=False)
"""SigLIP was trained on padded, unmasked, lowercased text; without the padding ImageNet zero-shot
falls from 0.82 to 0.51. The fixed SigLIP 2 checkpoints are of the family `siglip` too."""
_DEFAULT_RULE = TextRule(padding=True, lowercase=False, attention_mask=True)


def text_rule(family: str) -> TextRule:
    """The rule of a family (`model_type`)."""
    return _SIGLIP_RULE if family in {"siglip", "siglip2"} else _DEFAULT_RULE


def has_text_tower(model: torch.nn.Module) -> bool:
    """Whether the model maps words into the space of its pictures."""
    return hasattr(model, "get_image_features") and hasattr(model, "get_text_features")


def image_vectors(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Run a batch of n pictures to [n, d]; raises `BadInput` where the family has no such vector."""
    run = getattr(model, "get_image_features", model)
    return _pooled(run(**inputs), model.config.model_type)


def text_vectors(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Run a batch of n texts to [n, d], in the space of `image_vectors`."""
    return _pooled(model.get_text_features(**inputs), model.config.model_type)


def _pooled(output: Any, family: str) -> torch.Tensor:
    pooled = output if isinstance(output, torch.Tensor) else getattr(output, "pooler_output", None)
    if pooled is None or pooled.flatten(1).shape[1] != pooled.shape[1]:
        raise BadInput(
            f"Models of the family {family!r} give no single pooled vector for a picture.",
            hint="Use a SigLIP, CLIP, DINOv2 or MobileNet model, or another with a pooler output.",
        )
    return pooled.flatten(1)
