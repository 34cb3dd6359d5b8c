"""Two models at once behind one API: a CLIP with a text tower, asked in words, and the built-in one beside it.

Each has a worker of its own; jobs and questions find theirs by its queue.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from tests.e2e.house import PATIENCE, House, environment, standalone, until, vitrine
from tests.tiny_models import BUILDERS
from workers.grey import as_grey
from workers.models.base import EmbeddingModel
from workers.models.descriptor import DescriptorModel
from workers.models.open import open_model
from workers.normalise import l2_normalise

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

WORDS = "a red dress"


@dataclass
class Shop:
    """The running service, with the pictures in two collections."""

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
        # The second model, with an image policy of its own.
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
    """The score of each stored item for a picture, by the model itself."""
    asked, _ = l2_normalise(model.embed([model.preprocess(picture)]))
    with shop.house.store() as store:
        return {
            str(point.payload["item_id"]): float(point.vector @ asked[0])
            for point in store.scroll(collection)
        }


def searched(shop: Shop, collection: str, picture: Path) -> dict[str, float]:
    """The score of each item as the service tells it."""
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
    collections = shop.house.get("/v1/collections")["collections"]
    assert {one["name"]: one["space"] for one in collections} == {
        "words": workers["tiny-clip"]["space"],
        "shapes": workers["builtin"]["space"],
    }


def test_a_picture_is_asked_of_the_collections_own_model(shop: Shop) -> None:
    picture = shop.pictures / "3.png"
    image = Image.open(picture).convert("RGB")
    clip = open_model(str(shop.model), device="cpu")
    grey = as_grey(image)
    assert isinstance(grey, Image.Image)
    for collection, wanted in (
        ("words", expected(shop, clip, image, "words")),
        ("shapes", expected(shop, DescriptorModel(), grey, "shapes")),
    ):
        assert searched(shop, collection, picture) == pytest.approx(wanted, abs=1e-4)
        assert max(wanted.values()) == pytest.approx(1.0, abs=1e-4)
