"""Loads a checkpoint's image processor and model with transformers, and turns its errors into readable messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import MODEL_MAPPING, AutoConfig, AutoImageProcessor, AutoModel

from vitrine.core.errors import BadInput, ModelUnavailable
from workers.models.checkpoint import Checkpoint
from workers.models.device_errors import device_errors


def load_processor(checkpoint: Checkpoint) -> Any:
    """Load the image processor with its Pillow backend; raises `BadInput`."""
    loader: Any = AutoImageProcessor  # its methods are not annotated
    with _loading(checkpoint, "image processor"):
        return loader.from_pretrained(
            checkpoint.directory, backend="pil", local_files_only=True, trust_remote_code=False
        )


def load_model(checkpoint: Checkpoint, dtype: torch.dtype, device: str) -> Any:
    """Load the model onto its device, ready to embed; raises `BadInput`, or `ModelUnavailable` if memory runs out."""
    with _loading(checkpoint, "model"):
        model, report = AutoModel.from_pretrained(
            checkpoint.directory,
            dtype=dtype,
            attn_implementation=_attention(checkpoint),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    missing = sorted(report["missing_keys"])
    if missing:
        # transformers fills missing weights with random numbers, so every process would produce different vectors.
        raise BadInput(
            f"The weights in {checkpoint.directory} lack {missing[0]} (of {len(missing)} missing), without "
            f"which a model of the family {checkpoint.family!r} gives random vectors."
        )
    with _loading(checkpoint, "model"):
        return model.eval().to(device)


def _attention(checkpoint: Checkpoint) -> str | None:
    """Choose torch's fused attention if the family supports it; None leaves the choice to transformers."""
    config = AutoConfig.from_pretrained(
        checkpoint.directory, local_files_only=True, trust_remote_code=False
    )
    family = MODEL_MAPPING.get(type(config), None)
    return "sdpa" if getattr(family, "_supports_sdpa", False) else None


@contextmanager
def _loading(checkpoint: Checkpoint, part: str) -> Iterator[None]:
    """Turn any error that transformers raises while loading into a one-sentence error."""
    try:
        with device_errors():
            yield
    except MemoryError as error:
        raise ModelUnavailable(
            f"There is not enough memory for the model in {checkpoint.directory}."
        ) from error
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"transformers cannot load the {part} in {checkpoint.directory} (family "
            f"{checkpoint.family!r}): {reason[:200]}"
        ) from error
