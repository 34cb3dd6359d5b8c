"""The model that only takes time: its name, its duration, its vectors."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vitrine.core.errors import BadInput
from vitrine.core.types import model_name
from workers.models.factory import open_model
from workers.models.simulated import SimulatedModel

RANDOM = np.random.default_rng(7)


def picture() -> Image.Image:
    return Image.fromarray(RANDOM.integers(0, 256, (90, 120, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("name", "base", "batch"),
    [
        ("timed-64-in-100ms", 0.0, 0.1),
        ("timed-64-in-100ms-base-30ms", 0.03, 0.1),
        ("timed-32-in-50ms-at-64", 0.0, 0.1),
        ("timed-1-in-0ms", 0.0, 0.0),
    ],
)
def test_a_name_says_what_a_batch_takes(name: str, base: float, batch: float) -> None:
    model = SimulatedModel(name)
    assert model.seconds(0) == pytest.approx(base)
    assert model.seconds(64) == pytest.approx(batch)
    assert model_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["timed-", "timed-fast", "timed-0-in-100ms", "timed-8-in-10ms-base-11ms", "timed-8-in-10ms-at-10"],
)  # fmt: skip
def test_a_name_that_cannot_be_read_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(BadInput, match=name):
        open_model(name, device="cpu")


def test_it_runs_on_no_gpu() -> None:
    with pytest.raises(BadInput, match="runs only on the CPU"):
        open_model("timed-64-in-100ms", device="cuda")


def test_equal_pictures_have_equal_vectors_and_others_do_not() -> None:
    model = open_model("timed-64-in-0ms-at-32", device="auto")
    one, other = model.preprocess(picture()), model.preprocess(picture())
    vectors = model.embed([one, other, one])
    assert vectors.shape == (3, model.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert not np.array_equal(vectors[0], vectors[1])


def test_pixels_and_normalised_pixels_give_nearly_the_same_vector() -> None:
    model = SimulatedModel("timed-64-in-0ms-at-32")
    pixels = RANDOM.integers(0, 256, (3, 32, 32), dtype=np.uint8)
    floats = (pixels.astype(np.float32) / 255 - 0.5) / 0.5
    vectors = model.embed([{"pixel_values": pixels}, {"pixel_values": floats}])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def test_a_batch_is_never_early_and_its_lateness_is_kept() -> None:
    model = SimulatedModel("timed-2-in-20ms-at-32")
    inputs = model.preprocess(picture())
    for _ in range(3):
        model.embed([inputs, inputs])
    assert len(model.late_ms) == 3
    assert min(model.late_ms) >= 0


def test_it_knows_no_words() -> None:
    with pytest.raises(BadInput, match="no text tower"):
        SimulatedModel("timed-64-in-100ms").embed_texts(["a hat"])
