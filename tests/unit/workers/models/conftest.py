"""The tiny checkpoints, made once per session, and pictures for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from PIL import Image

from tests.tiny_models import BUILDERS
from workers.image import as_image
from workers.images.transforms import downscaled
from workers.models.silence_logging import silence_libraries

TinyModel: TypeAlias = Callable[[str], Path]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """Make a family's directory once per session, and return its path."""
    silence_libraries()
    made: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp(f"tiny-{family}")
            BUILDERS[family](made[family])
        return made[family]

    return make


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Five pictures of different sizes and contents: smooth colour fields with some noise."""
    random = np.random.default_rng(7)
    made = []
    for width, height in ((64, 48), (40, 90), (33, 33), (120, 31), (70, 70)):
        field = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        smooth = np.asarray(field.resize((width, height)), dtype=np.int16)
        noisy = smooth + random.integers(-20, 20, smooth.shape)
        made.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    return made


@pytest.fixture(scope="session")
def camera_pictures(shared_data: Path) -> list[Image.Image]:
    """The two catalog pictures with the most bytes, enlarged to a camera's 12 megapixels, with its grain."""
    paths = sorted((shared_data / "images").rglob("*.jpg"), key=lambda path: path.stat().st_size)
    random = np.random.default_rng(12)
    made = []
    for path in paths[-2:]:
        with Image.open(path) as small:
            large = small.convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC)
        # Without grain, an enlarged picture has no fine detail that a cap could lose.
        grain = random.normal(0, 4, (3000, 4000, 1)).astype(np.float32)
        made.append(Image.fromarray(np.clip(np.asarray(large) + grain, 0, 255).astype(np.uint8)))
    return made


@pytest.fixture(scope="session")
def capped_pictures(camera_pictures: list[Image.Image]) -> list[Image.Image]:
    """The same pictures with a longest side of 2048 pixels."""
    made = [as_image(downscaled(picture, 2048)) for picture in camera_pictures]
    assert {picture.size for picture in made} == {(2048, 1536)}
    return made
