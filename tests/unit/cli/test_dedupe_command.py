from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from click.testing import CliRunner, Result

from vitrine.cli import main
from vitrine.core.types import point_id
from vitrine.store import EmbeddingSpace, PointBatch, Provenance
from vitrine.store.embedded.store import EmbeddedStore

SPACE = EmbeddingSpace("builtin", "r1", "p1", 32)
Dedupe: TypeAlias = Callable[..., Result]


def _points(name: str) -> PointBatch:
    """Eighty distant pictures, near copies of three of them, and one picture that is used four times."""
    drawn = np.random.default_rng(11)
    vectors = drawn.standard_normal((80, SPACE.dimension))
    near = vectors[[0, 0, 1, 2]] + 0.01 * drawn.standard_normal((4, SPACE.dimension))
    rows = np.concatenate([vectors, near, vectors[[3, 3, 3]]])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    items = [f"item-{row:02}" for row in range(80)]
    items += ["copy-a", "copy-b", "=copy-c", "<i>copy-d", "used-1", "used-2", "item-03"]
    indexes = [items[:row].count(item) for row, item in enumerate(items)]
    contents = [hashlib.sha256(row.tobytes()).hexdigest() for row in rows]
    return PointBatch(
        ids=[point_id(name, item, index) for item, index in zip(items, indexes, strict=True)],
        vectors=rows.astype(np.float32),
        item_ids=items,
        indexes=indexes,
        urls=[f"https://shop.example/{row}.jpg?a=1&b=2" for row in range(len(items))],
        fields=[{}] * len(items),
        provenance=[
            Provenance("job", "builtin", "r1", "p1", content, None, "2026-01-01T00:00:00Z")
            for content in contents
        ],
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed embedded store with the collections `summer` and `empty`."""
    path = tmp_path_factory.mktemp("store")
    opened = EmbeddedStore(path)
    for name in ("summer", "empty"):
        opened.ensure(name, SPACE)
    opened.upsert("summer", _points("summer"))
    opened.close()
    return path


@pytest.fixture
def dedupe(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dedupe:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VITRINE_QDRANT_URL", f"edge://{store}")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, collection: str = "summer") -> Result:
        return CliRunner().invoke(main, ["dedupe", "--collection", collection, *arguments])

    return run


GROUPS = [
    {"item-03", "used-1", "used-2"},
    {"item-00", "copy-a", "copy-b"},
    {"item-01", "=copy-c"},
    {"item-02", "<i>copy-d"},
]


def test_groups_are_found_at_a_threshold_of_the_collection_s_own(dedupe: Dedupe) -> None:
    result = dedupe("--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    found = [{member["item_id"] for member in group} for group in told["groups"]]
    assert sorted(map(sorted, found)) == sorted(map(sorted, GROUPS))
    assert [len(group) for group in told["groups"]] == [4, 3, 2, 2]
    assert told["pictures"] == 87
    assert told["threshold"]["chosen"]
    assert all(member["same_bytes"] for member in told["groups"][0])
    assert [member["same_bytes"] for member in told["groups"][1]] == [True, False, False]


def test_a_threshold_that_is_given_is_used(dedupe: Dedupe) -> None:
    told = json.loads(dedupe("--json", "--threshold", "1").stdout)
    assert [len(group) for group in told["groups"]] == [4]
    assert not told["threshold"]["chosen"]


def test_people_get_a_table_and_how_it_came_about(dedupe: Dedupe) -> None:
    result = dedupe()
    assert result.exit_code == 0, result.output
    assert "item-03" in result.stdout
    said = " ".join(result.stderr.split())
    assert "87 pictures of summer: 11 are in 4 groups" in said
    assert "chosen" in said


def test_a_collection_without_copies_is_told_in_words(dedupe: Dedupe) -> None:
    said = " ".join(dedupe(collection="empty").stderr.split())
    assert "0 pictures of empty: none is near-identical to another" in said


def test_where_files_are_is_told(dedupe: Dedupe, tmp_path: Path) -> None:
    path = tmp_path / "copies.csv"
    assert f"lines to {path}" in "".join(dedupe("--csv", str(path)).stderr.splitlines())


def test_the_csv_has_a_line_a_picture_and_no_formula(dedupe: Dedupe, tmp_path: Path) -> None:
    path = tmp_path / "copies.csv"
    assert dedupe("--csv", str(path)).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert len(rows) == 11
    assert {row["group"] for row in rows} == {"1", "2", "3", "4"}
    assert "'=copy-c" in {row["item_id"] for row in rows}
    assert {len(row["content_sha256"]) for row in rows} == {64}


def test_the_page_shows_the_groups_and_runs_nothing(dedupe: Dedupe, tmp_path: Path) -> None:
    path = tmp_path / "copies.html"
    assert dedupe("--page", str(path)).exit_code == 0
    page = path.read_text(encoding="utf-8")
    assert page.count("<figure>") == 11
    assert "&lt;i&gt;copy-d" in page
    assert "<i>copy-d" not in page
    assert 'src="https://shop.example/80.jpg?a=1&amp;b=2"' in page
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_a_collection_without_pictures_has_no_groups(dedupe: Dedupe) -> None:
    result = dedupe("--json", collection="empty")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["groups"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--threshold", "1.5"), "--threshold"),
        (("--csv", "/no/such/folder/x.csv"), "cannot be written"),
    ],
    ids=["a cosine above 1", "no folder"],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    dedupe: Dedupe, arguments: tuple[str, ...], told: str
) -> None:
    result = dedupe(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output


def test_an_unknown_collection_is_named(dedupe: Dedupe) -> None:
    result = dedupe(collection="winter")
    assert result.exit_code == 2
    assert "winter" in result.stderr
