"""Words through the whole service: a CLIP with a text tower ingests pictures and is asked in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.house import standalone, vitrine
from tests.tiny_models import BUILDERS
from workers.models.open import open_model
from workers.normalise import l2_normalise

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

WORDS = "a red dress"


def test_words_find_what_the_models_own_text_tower_says(tmp_path: Path) -> None:
    model, pictures, data = tmp_path / "tiny-clip", tmp_path / "pictures", tmp_path / "data"
    model.mkdir()
    BUILDERS["clip"](model)
    pictures.mkdir()
    random = np.random.default_rng(5)
    for n in range(6):
        field = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        field.resize((64, 64)).save(pictures / f"{n}.png")
    with standalone(data, "--model", str(model)) as house:
        sent = vitrine(data, "submit", str(pictures), "--collection", "words", "--wait")
        assert sent.returncode == 0, sent.stderr
        answer = house.post("/v1/search", collection="words", text=WORDS, top=6)
        with house.store() as store:
            stored = {point.payload["item_id"]: point.vector for point in store.scroll("words")}
        shown = vitrine(data, "search", "--collection", "words", "--text", WORDS, "--top", "6")
    asked, _ = l2_normalise(open_model(str(model), device="cpu").embed_texts([WORDS]))
    expected = {item: float(vector @ asked[0]) for item, vector in stored.items()}
    found = {hit["item_id"]: hit["score"] for hit in answer["hits"]}
    assert found == pytest.approx(expected, abs=1e-4)
    assert list(found) == sorted(expected, key=lambda item: -expected[item])
    assert shown.returncode == 0, shown.stderr
    assert next(iter(found)) in shown.stdout
