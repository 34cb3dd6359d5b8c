"""Any model directory in transformers' format as an `EmbeddingModel`.

Pixels equal those of transformers' own image processor on its Pillow backend (exactly in the reference way, within
rounding in the fast way, see `workers.models.preprocess.preprocessing`), and vectors those of its own model. Weights
are loaded only from safetensors, and code from a model is never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vitrine.core.errors import BadInput
from vitrine.core.types import model_name
from workers.image import Picture
from workers.models.base import Compile, Inputs, Way
from workers.models.checkpoint import inspect_directory
from workers.models.compile import choose_runner
from workers.models.conv_folding import with_folded_convolutions
from workers.models.device import default_dtype, device_title, resolve_device, resolve_dtype
from workers.models.device_backends import HostBatch, backend_of
from workers.models.device_errors import device_errors
from workers.models.families import has_text_tower, image_vectors, text_vectors
from workers.models.loading import load_model, load_processor
from workers.models.logit_scale import learned_scoring
from workers.models.pinned_buffers import PinnedBufferPool
from workers.models.preprocess.normalisation import Tensors
from workers.models.preprocess.preprocessing import Preprocessing
from workers.models.runners import BatchRunner, EagerRunner
from workers.models.silence_logging import silence_libraries
from workers.models.staged import StagedBatch
from workers.models.tokenizer import Tokenizer, load_tokenizer

_SIDE = 64


class TransformersModel:
    """One checkpoint on one device; see `EmbeddingModel` for the contract.

    Opening it embeds one grey picture (and one word). This determines the dimension, and detects a family
    without a vector per picture before the first batch.
    """

    def __init__(
        self,
        directory: Path,
        *,
        given: str,
        device: str = "auto",
        dtype: str | None = None,
        preprocess: Way = "fast",
        compiling: Compile = "auto",
    ) -> None:
        """Load `directory`; `given` is the name that the user gave.

        Raises `BadInput` for a directory, device or dtype that cannot be used, and `ModelUnavailable` if the device
        has too little memory. On a CPU, operations use as many threads as torch does in the calling thread.
        """
        silence_libraries()
        checkpoint = inspect_directory(directory)
        self.name = model_name(given)
        self.device = resolve_device(device)
        self._dtype = resolve_dtype(dtype, self.device)
        self._compiling = compiling
        self._preprocessing = Preprocessing(load_processor(checkpoint), way=preprocess)
        self._place = backend_of(self.device)
        self._slabs = PinnedBufferPool(pinned=self._place.pinned)
        self._runner: BatchRunner = EagerRunner(self._pictures)
        self._model = load_model(checkpoint, self._dtype, self.device)
        if dtype is None and default_dtype(self._model, self._dtype) != self._dtype:
            self._dtype = default_dtype(self._model, self._dtype)
            self._model = load_model(checkpoint, self._dtype, self.device)
        self.revision = checkpoint.revision()
        grey = Image.new("RGB", (64, 64), (128, 128, 128))
        self.dimension = self.embed([self.preprocess(grey)]).shape[1]
        self._model = with_folded_convolutions(self._model, self._probed)
        self._tokens, self._why_no_text = self._open_text(directory)
        self.supports_text = self._tokens is not None
        self.scoring = learned_scoring(checkpoint, self._model) if self.supports_text else None

    def preprocess(self, picture: Picture) -> Inputs:
        """Make one picture's inputs like the checkpoint's own processor, without the batch axis."""
        return self._preprocessing(picture)

    def scaled_size(self, width: int, height: int) -> tuple[int, int] | None:
        """Return the width and height to which a picture is scaled; None if that is not known beforehand."""
        return self._preprocessing.scaled_size(width, height)

    @property
    def fingerprint(self) -> str:
        """Describes what the speed depends on: models with equal fingerprints have the same best batch size."""
        parts = (
            self.revision,
            device_title(self.device),
            str(self._dtype),
            self._preprocessing.way,
        )
        return ", ".join((*parts, f"torch {torch.__version__}", f"compile {self._compiling}"))

    def enter(self) -> None:
        """Set up the calling thread as the one that owns the device."""
        self._place.enter()

    def stage(self, batch: Sequence[Inputs]) -> StagedBatch:
        """Gather n pictures; raises `ValueError` if their inputs differ in shape, `MemoryError` if memory runs out."""
        with device_errors():  # pinning a buffer can also raise a GPU error
            slab = self._slabs.gather(batch, self._runner.rows(len(batch)))
        release = partial(self._slabs.give_back, slab)
        return self._place.stage(HostBatch(slab.tensors, len(batch), self._runner, release))

    def stage_texts(self, texts: Sequence[str]) -> StagedBatch:
        """Tokenise n texts; raises `BadInput` if the model cannot embed text."""
        if self._tokens is None:
            raise BadInput(self._why_no_text, hint="Search by picture or by item instead.")
        return self._staged_tokens(self._tokens, texts)

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Embed n pictures to float32 [n, dimension]; raises `MemoryError` if the device's memory is full."""
        return self.stage(batch).launch().vectors()

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed n texts to float32 [n, dimension]; raises `BadInput` if the model cannot embed text."""
        return self.stage_texts(texts).launch().vectors()

    def tune(self, size: int) -> None:
        """Prepare for batches of up to `size` (compile if that is faster), in the thread that owns the device."""
        self._runner = choose_runner(
            self._pictures, self._sample, size, mode=self._compiling, device=self.device
        )

    def _pictures(self, tensors: Tensors) -> torch.Tensor:
        normalised = self._preprocessing.on_device(tensors)
        typed = {name: self._typed(one) for name, one in normalised.items()}
        return image_vectors(self._model, typed).float()

    def _texts(self, tensors: Tensors) -> torch.Tensor:
        return text_vectors(self._model, tensors).float()

    def _staged_tokens(self, tokens: Tokenizer, texts: Sequence[str]) -> StagedBatch:
        return self._place.stage(HostBatch(tokens(texts), len(texts), self._texts, lambda: None))

    def _typed(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._dtype) if tensor.is_floating_point() else tensor

    def _sample(self, rows: int) -> Tensors:
        """Make inputs with `rows` rows on the device, of noise, because some kernels run faster on equal numbers."""
        noise = np.random.default_rng(rows).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
        slab = self._slabs.gather([self.preprocess(noise)], rows)
        return {name: tensor.to(self.device) for name, tensor in slab.tensors.items()}

    def _probed(self, model: Any) -> torch.Tensor:
        """Return the vector that a given model, in place of this one, computes for noise."""
        normalised = self._preprocessing.on_device(self._sample(1))
        return image_vectors(model, {name: self._typed(one) for name, one in normalised.items()})

    def _open_text(self, directory: Path) -> tuple[Tokenizer | None, str]:
        if not has_text_tower(self._model):
            return None, f"The model {self.name} understands pictures only: it has no text tower."
        try:
            tokens = load_tokenizer(directory, self._model.config)
        except BadInput as error:
            return None, error.message
        width = self._staged_tokens(tokens, ["picture"]).launch().vectors().shape[1]
        if width != self.dimension:
            return None, f"The model {self.name} embeds words and pictures into different spaces."
        return tokens, ""
