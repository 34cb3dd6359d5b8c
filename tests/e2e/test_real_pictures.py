"""Real catalog pictures through a real pretrained model: submitted as CSV over HTTP, neighbours counted.

The same weights also run through transformers' own processor and model, picture by picture, and
every stored vector must match.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

from tests.e2e.standalone_process import House, standalone, submit_file, vitrine
from vitrine.demo.shop import Shop

pytestmark = [pytest.mark.e2e]
MODEL = "mobilenet_v2_1.0_224"
Row = dict[str, str]


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[Row]:
    with (shared_data / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def house(
    shared_data: Path, rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("real")
    model = str(shared_data / "models" / MODEL)
    with Shop(shared_data) as shop:
        catalog = folder / "catalog.csv"
        with catalog.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["id", "image_url", "label", "product", "kind"])
            for row in rows:
                url = shop.picture_url(row["file"])
                table.writerow([row["file"], url, row["label"], row["product_id"], row["kind"]])
        extra = {"VITRINE_FETCH_ALLOW": shop.address}
        with standalone(folder / "data", "--model", model, extra=extra) as service:
            job = submit_file(service, catalog, "real", model=model)
            status = service.finished(job)
            assert status["state"] == "completed", status
            assert status["embedded"] == len(rows)
            yield service


@pytest.fixture(scope="module")
def stored(house: House) -> dict[str, NDArray[np.float32]]:
    with house.store() as store:
        return {point.payload["item_id"]: point.vector for point in store.scroll("real")}


def test_every_stored_vector_is_transformers_own(
    shared_data: Path, rows: list[Row], stored: dict[str, NDArray[np.float32]]
) -> None:
    directory = shared_data / "models" / MODEL
    processor = AutoImageProcessor.from_pretrained(directory, backend="pil")  # type: ignore[no-untyped-call]
    model = AutoModel.from_pretrained(directory).eval()
    worst = 1.0
    torch.set_num_threads(1)  # On busy cores, more threads would mostly wait for each other.
    for row in rows:
        with Image.open(shared_data / row["file"]) as picture:
            inputs = processor(images=picture.convert("RGB"), return_tensors="pt")
        with torch.inference_mode():
            expected = model(**inputs).pooler_output[0].numpy()
        cosine = float(expected @ stored[row["file"]] / np.linalg.norm(expected))
        worst = min(worst, cosine)
    assert worst >= 0.9999


def nearest(house: House, item: str) -> Row:
    """Return the nearest other picture, as the API reports it."""
    answer = house.post("/v1/search", collection="real", item=item, top=1)
    fields: Row = answer["hits"][0]["fields"]
    return fields


def test_neighbours_are_of_the_same_class_and_product(house: House, rows: list[Row]) -> None:
    found = {row["file"]: nearest(house, row["file"]) for row in rows}
    same_class = [found[row["file"]]["label"] == row["label"] for row in rows]
    assert np.mean(same_class) >= 0.70
    views: dict[str, int] = {}
    for row in rows:
        views[row["product_id"]] = views.get(row["product_id"], 0) + 1
    several = [row for row in rows if row["product_id"] and views[row["product_id"]] > 1]
    same_product = [found[row["file"]].get("product") == row["product_id"] for row in several]
    assert len(same_product) > 50
    assert np.mean(same_product) >= 0.75


def test_the_collection_is_measured_as_it_was_when_its_figures_were_written_down(
    house: House,
) -> None:
    done = vitrine(
        house.data_dir, "evaluate", "--collection", "real", "--label", "label", "--group", "product",
        "--train", "5", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    measured = orjson.loads(done.stdout)["evaluation"]
    assert (measured["pictures"], measured["classes"]) == (394, 43)
    # From docs/quality.md; the margins allow for another machine's rounding.
    assert measured["few_shot"]["top1"]["share"] == pytest.approx(0.552, abs=0.02)
    assert measured["leave_one_out"]["top1"]["share"] == pytest.approx(0.479, abs=0.02)
    assert measured["retrieval"]["recall_at_1"]["share"] == pytest.approx(0.521, abs=0.02)
    assert measured["retrieval"]["mean_average_precision"] == pytest.approx(0.381, abs=0.01)
    assert measured["index"]["recall_at_10"] == 1.0
