"""JPEGs of about 100 KB and 800 x 800 pixels, as in shops: from real photographs, or generated if there are none.

Real ones come from the folder named by VITRINE_TEST_DATA (the tests' data set), or from `../shared/data`. They are
scaled to the same size and saved at the highest quality whose file fits 100 KB.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

SIDE = 800
WANTED_BYTES = 100_000
_LIKELY = range(60, 99)
"""Range of qualities to try: lower ones show artefacts, higher ones only make larger files."""
_NAMED = "VITRINE_TEST_DATA"
_USUAL = Path(__file__).resolve().parents[3] / "shared" / "data"


def jpegs(count: int) -> tuple[list[bytes], str]:
    """Return `count` different pictures, the same in every run, and their source (`photographs` or `drawn`)."""
    found = photographs()
    if not found:
        return [as_jpeg(drawn(seed)) for seed in range(count)], "drawn"
    step = max(1, len(found) // count)
    chosen = [found[number * step % len(found)] for number in range(count)]
    return [as_jpeg(_opened(path)) for path in chosen], "photographs"


def photographs() -> list[Path]:
    """Return the paths of this machine's real pictures, sorted; empty if there are none."""
    return sorted((data_folder() / "images").glob("*/*.jpg"))


def data_folder() -> Path:
    """Return the folder of the tests' data set, which may not exist."""
    return Path(os.environ.get(_NAMED) or _USUAL)


def drawn(seed: int) -> Image.Image:
    """Generate a picture with detail at every scale, like photographs: octaves of noise, the coarse ones strongest."""
    random = np.random.default_rng(seed)
    total = np.zeros((SIDE, SIDE, 3), np.float32)
    for octave in range(3, 10):
        cells = random.standard_normal((2**octave, 2**octave, 3)).astype(np.float32)
        for channel in range(3):
            plane = Image.fromarray(cells[:, :, channel]).resize(
                (SIDE, SIDE), Image.Resampling.BICUBIC
            )
            total[:, :, channel] += np.asarray(plane) * 90 / 2 ** (octave - 3)
    image = Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(0.6))


def as_jpeg(image: Image.Image) -> bytes:
    """Encode the picture at the highest quality whose file fits 100 KB, found by bisection."""
    low, high = _LIKELY[0], _LIKELY[-1]
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if len(_saved(image, middle)) <= WANTED_BYTES else (low, middle - 1)
        )
    return _saved(image, low)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _saved(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
