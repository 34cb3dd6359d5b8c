"""Any model directory in transformers' format as an `EmbeddingModel`.

Pixels are those of transformers' own image processor on its Pillow backend (to the last bit the reference way,
within rounding the fast way, see `workers.models.preprocessing`), and vectors those of its own model. Weights come from safetensors only
and no code from a model is ever run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

from vitrine.contracts import model_name
from vitrine.errors import BadInput, ModelUnavailable
from workers.models.base import Inputs, Way
from workers.models.checkpoint import Checkpoint, inspect_directory
from workers.models.device import resolve_device, resolve_dtype
from workers.models.families import has_text_tower, image_vectors, text_vectors
from workers.models.preprocessing import Preprocessing
from workers.models.quiet import quieten
from workers.models.tokens import Tokens, load_tokens
from workers.picture import Picture

Tensors: TypeAlias = dict[str, torch.Tensor]


class TransformersModel:
    """One checkpoint on one device; see `EmbeddingModel` for the contract.

    Opening it runs one grey picture (and one word) through, which gives the dimension and finds a
    family that has no vector for a picture before the first batch does.
    """

    def __init__(
        self,
        directory: Path,
        *,
        given: str,
        device: str = "auto",
        dtype: str | None = None,
        preprocess: Way = "fast",
    ) -> None:
        """Load `directory`; `given` is the name by which a person asked for it.

        Raises `BadInput` for a directory, device or dtype that cannot be used, `ModelUnavailable` where
        the device has no memory for it. The number of intra-op threads is left to the caller.
        """
        quieten()
        checkpoint = inspect_directory(directory)
        self.name = model_name(given)
        self.device = resolve_device(device)
        self._dtype = resolve_dtype(dtype, self.device)
        self._preprocessing = Preprocessing(_load_processor(checkpoint), way=preprocess)
        self._model = _load_model(checkpoint, self._dtype, self.device)
        self.revision = checkpoint.revision()
        grey = Image.new("RGB", (64, 64), (128, 128, 128))
        self.dimension = self.embed([self.preprocess(grey)]).shape[1]
        self._tokens, self._why_no_text = self._open_text(directory)
        self.supports_text = self._tokens is not None

    def preprocess(self, picture: Picture) -> Inputs:
        """Make one picture's inputs as the checkpoint's own processor does, without the batch axis."""
        return self._preprocessing(picture)

    def scaled_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The width and height to which a picture is scaled; None where that is not known beforehand."""
        return self._preprocessing.scaled_size(width, height)

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Embed n pictures to float32 [n, dimension]; raises `MemoryError` where the device is full."""
        names = batch[0].keys()
        stacked = {name: torch.from_numpy(np.stack([one[name] for one in batch])) for name in names}
        return self._run(image_vectors, stacked)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed n texts to float32 [n, dimension]; raises `BadInput` where the model has no words."""
        if self._tokens is None:
            raise BadInput(self._why_no_text, hint="Search by picture or by item instead.")
        return self._run(text_vectors, self._tokens(texts))

    def _run(
        self, tower: Callable[[Any, Tensors], torch.Tensor], inputs: Tensors
    ) -> NDArray[np.float32]:
        with _memory_errors(), torch.inference_mode():
            there = {name: one.to(self.device) for name, one in inputs.items()}
            normalised = self._preprocessing.on_device(there)
            vectors = tower(
                self._model, {name: self._typed(one) for name, one in normalised.items()}
            )
            result: NDArray[np.float32] = vectors.float().cpu().numpy()
        return result

    def _typed(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._dtype) if tensor.is_floating_point() else tensor

    def _open_text(self, directory: Path) -> tuple[Tokens | None, str]:
        if not has_text_tower(self._model):
            return None, f"The model {self.name} embeds pictures only, it has no text tower."
        try:
            tokens = load_tokens(directory, self._model.config)
        except BadInput as error:
            return None, error.message
        width = self._run(text_vectors, tokens(["picture"])).shape[1]
        if width != self.dimension:
            return None, f"The model {self.name} puts words and pictures into different spaces."
        return tokens, ""


def _load_processor(checkpoint: Checkpoint) -> Any:
    loader: Any = AutoImageProcessor  # its methods are not annotated
    with _loading(checkpoint, "image processor"):
        return loader.from_pretrained(
            checkpoint.directory, backend="pil", local_files_only=True, trust_remote_code=False
        )


def _load_model(checkpoint: Checkpoint, dtype: torch.dtype, device: str) -> Any:
    with _loading(checkpoint, "model"):
        model, report = AutoModel.from_pretrained(
            checkpoint.directory,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    missing = sorted(report["missing_keys"])
    if missing:
        # transformers fills them with random numbers: every process would have vectors of its own.
        raise BadInput(
            f"The weights in {checkpoint.directory} lack {missing[0]} (of {len(missing)} missing), without "
            f"which a model of the family {checkpoint.family!r} gives random vectors."
        )
    with _loading(checkpoint, "model"):
        return model.eval().to(device)


@contextmanager
def _loading(checkpoint: Checkpoint, part: str) -> Iterator[None]:
    """Turn whatever transformers raises while it loads into one sentence."""
    try:
        with _memory_errors():
            yield
    except MemoryError as error:
        raise ModelUnavailable(
            f"There is no memory for the model in {checkpoint.directory}."
        ) from error
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"transformers cannot load the {part} in {checkpoint.directory} (family "
            f"{checkpoint.family!r}): {reason[:200]}"
        ) from error


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Raise torch's out-of-memory errors, of the GPU and of the CPU's allocator, as `MemoryError`."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise MemoryError("the GPU is out of memory") from error
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(error):
            raise
        raise MemoryError("the machine is out of memory") from error
