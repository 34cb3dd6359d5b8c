"""Two models behind one API: a CLIP with a text tower, searched by words, and the built-in model.

Each has its own worker; jobs and questions reach it through its queue.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import requests
from numpy.typing import NDArray
from PIL import Image
from redis import Redis
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from tests.e2e.standalone_process import House, environment, standalone, until, vitrine
from tests.patience import PATIENCE
from tests.tiny_models import BUILDERS
from vitrine.messaging.worker_registry import live_workers
from workers.images.transforms import to_grayscale
from workers.models.base import EmbeddingModel
from workers.models.builtin.model import DescriptorModel
from workers.models.factory import open_model
from workers.normalize import l2_normalise

pytestmark = [pytest.mark.e2e]

WORDS = "a red dress"


@dataclass
class Shop:
    """A running service with the pictures in two collections."""

    house: House
    pictures: Path
    model: Path  #: The CLIP's directory.


def draw(folder: Path) -> None:
    folder.mkdir()
    random = np.random.default_rng(5)
    for n in range(6):
        field = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        field.resize((64, 64)).save(folder / f"{n}.png")


def sent(data: Path, pictures: Path, collection: str, model: str) -> None:
    done = vitrine(
        data, "submit", str(pictures), "--collection", collection, "--model", model, "--wait"
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = tmp_path_factory.mktemp("two-models")
    model, data = root / "tiny-clip", root / "data"
    model.mkdir()
    BUILDERS["clip"](model)
    draw(root / "pictures")
    with (
        standalone(data, "--model", str(model)) as house,
        (root / "worker.log").open("wb") as log,
        # The second model, with its own image policy.
        subprocess.Popen(
            [sys.executable, "-m", "vitrine", "worker", "--model", "builtin"],
            env=environment(data, {"VITRINE_GREY": "true", "VITRINE_FETCH_FILES": "true"}),
            stdout=log,
            stderr=log,
        ) as worker,
    ):
        try:
            until(lambda: len(house.get("/v1/workers")["workers"]) == 2, "two workers")
            sent(data, root / "pictures", "words", str(model))
            sent(data, root / "pictures", "shapes", "builtin")
            yield Shop(house, root / "pictures", model)
        finally:
            worker.terminate()
            worker.wait(PATIENCE)


def expected(shop: Shop, model: EmbeddingModel, picture: Image.Image, collection: str) -> dict[str, float]:  # fmt: skip
    """Compute the score of each stored item for a picture with the model itself."""
    asked, _ = l2_normalise(model.embed([model.preprocess(picture)]))
    with shop.house.store() as store:
        return {
            str(point.payload["item_id"]): float(point.vector @ asked[0])
            for point in store.scroll(collection)
        }


def searched(shop: Shop, collection: str, picture: Path) -> dict[str, float]:
    """Return the score of each item from the service."""
    answer = requests.post(
        f"{shop.house.api}/v1/search",
        data={"collection": collection, "top": "6"},
        files={"image": picture.read_bytes()},
        timeout=PATIENCE,
    )
    assert answer.ok, answer.text
    return {hit["item_id"]: hit["score"] for hit in answer.json()["hits"]}


def test_words_find_what_the_models_own_text_tower_says(shop: Shop) -> None:
    answer = shop.house.post("/v1/search", collection="words", text=WORDS, top=6)
    with shop.house.store() as store:
        stored = {point.payload["item_id"]: point.vector for point in store.scroll("words")}
    shown = vitrine(
        shop.house.data_dir, "search", "--collection", "words", "--text", WORDS, "--top", "6"
    )
    asked, _ = l2_normalise(open_model(str(shop.model), device="cpu").embed_texts([WORDS]))
    wanted = {item: float(vector @ asked[0]) for item, vector in stored.items()}
    found = {hit["item_id"]: hit["score"] for hit in answer["hits"]}
    assert found == pytest.approx(wanted, abs=1e-4)
    assert list(found) == sorted(wanted, key=lambda item: -wanted[item])
    assert shown.returncode == 0, shown.stderr
    assert next(iter(found)) in shown.stdout


def test_each_model_has_its_worker_its_policy_and_its_collection(shop: Shop) -> None:
    workers = {one["space"]["model"]: one for one in shop.house.get("/v1/workers")["workers"]}
    assert {name: one["space"]["policy"] for name, one in workers.items()} == {
        "tiny-clip": "rgb-1",
        "builtin": "grey-1",
    }
    assert {name: one["supports_text"] for name, one in workers.items()} == {
        "tiny-clip": True,
        "builtin": False,
    }
    with Redis.from_url(shop.house.running["redis_url"]) as redis:
        scorings = {worker.model: worker.scoring for worker in live_workers(redis)}
    assert scorings["builtin"] is None
    assert scorings["tiny-clip"] is not None
    assert scorings["tiny-clip"].kind == "clip"
    collections = shop.house.get("/v1/collections")["collections"]
    assert {one["name"]: one["space"] for one in collections} == {
        "words": workers["tiny-clip"]["space"],
        "shapes": workers["builtin"]["space"],
    }


def test_a_picture_is_asked_of_the_collections_own_model(shop: Shop) -> None:
    picture = shop.pictures / "3.png"
    image = Image.open(picture).convert("RGB")
    clip = open_model(str(shop.model), device="cpu")
    grey = to_grayscale(image)
    assert isinstance(grey, Image.Image)
    for collection, wanted in (
        ("words", expected(shop, clip, image, "words")),
        ("shapes", expected(shop, DescriptorModel(), grey, "shapes")),
    ):
        assert searched(shop, collection, picture) == pytest.approx(wanted, abs=1e-4)
        assert max(wanted.values()) == pytest.approx(1.0, abs=1e-4)


def test_pixels_that_a_client_made_itself_give_the_picture_s_own_vector(shop: Shop) -> None:
    picture = (shop.pictures / "2.png").read_bytes()
    processor = CLIPImageProcessorPil.from_pretrained(shop.model)
    pixels = processor(Image.open(shop.pictures / "2.png").convert("RGB"), return_tensors="np")
    made = np.asarray(pixels["pixel_values"], "<f4")
    given = {"name": "PIXEL_VALUES", "datatype": "FP32", "shape": list(made.shape)}
    by_pixels = inferred(shop, {"inputs": [given | {"data": made.ravel().tolist()}]})
    text = {"name": "IMAGE", "datatype": "BYTES", "shape": [1]}
    by_bytes = inferred(shop, {"inputs": [text | {"data": [base64.b64encode(picture).decode()]}]})
    assert np.linalg.norm(by_pixels) == pytest.approx(1, abs=1e-5)
    assert float(by_pixels @ by_bytes) >= 0.9999


def inferred(shop: Shop, body: dict[str, Any]) -> NDArray[np.float64]:
    """Return the single vector of an inference over the Open Inference Protocol."""
    answer = requests.post(
        f"{shop.house.api}/v2/models/tiny-clip/infer", json=body, timeout=PATIENCE
    )
    assert answer.ok, answer.text
    return np.asarray(answer.json()["outputs"][0]["data"])


def test_both_models_are_measured_and_words_by_the_one_that_knows_them(shop: Shop) -> None:
    classes = ["dots", "stripes"]
    labels = shop.pictures.parent / "labels.csv"
    rows = [f"{n}.png,pictures/{n}.png,{classes[n % 2]}" for n in range(6)]
    labels.write_text("\n".join(["id,image,label", *rows]) + "\n")
    done = vitrine(
        shop.house.data_dir, "evaluate", str(labels), "--json", "--train", "2",
        "--model", str(shop.model), "--against", "builtin",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = orjson.loads(done.stdout)
    sentences = [f"A photo of {name}." for name in classes]
    texts, _ = l2_normalise(open_model(str(shop.model), device="cpu").embed_texts(sentences))
    with shop.house.store() as store:
        stored = {point.payload["item_id"]: point.vector for point in store.scroll("words")}
    right = sum(int(np.argmax(texts @ stored[f"{n}.png"])) == n % 2 for n in range(6))
    measured, rival = answer["evaluation"], answer["against"]
    assert (
        measured["zero_shot"]["top1"] | {"correct": right, "of": 6} == measured["zero_shot"]["top1"]
    )
    assert (measured["model"]["model"], rival["model"]["model"]) == ("tiny-clip", "builtin")
    assert rival["zero_shot"] is None
    assert measured["few_shot"]["top1"]["of"] == rival["few_shot"]["top1"]["of"] == 2
    assert set(answer["comparison"]) == {"leave_one_out_top1", "few_shot_top1", "recall_at_1"}
