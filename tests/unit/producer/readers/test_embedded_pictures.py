"""Tables with pictures in them as bytes, as Hugging Face's image tables: read by their paths, or refused with the way out."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producer import CatalogOptions, from_path, from_stream, open_catalog
from producer.limits import MAX_ROW_CHARS
from tests.patience import PATIENCE
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

JPEG = b"\xff\xd8\xff and so on"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
Outcomes = list[CatalogItem | RejectedRow]


def parquet(columns: Mapping[str, Sequence[Any]], **types: Any) -> bytes:
    arrays = {name: pa.array(values, types.get(name)) for name, values in columns.items()}
    file = io.BytesIO()
    pq.write_table(pa.table(arrays), file)
    return file.getvalue()


def pictures(*paths: str | None) -> list[dict[str, Any]]:
    return [{"bytes": JPEG, "path": path} for path in paths]


def read(data: bytes, **options: Any) -> tuple[Outcomes, list[str]]:
    source = from_stream(io.BytesIO(data), "shop.parquet")
    with open_catalog(source, CatalogOptions(**options)) as catalog:
        return list(catalog), catalog.notes()


def test_paths_that_are_urls_are_the_pictures() -> None:
    data = parquet({"id": ["a", "b"], "image": pictures("http://h/a", "http://h/b"), "label": [1, 2]}, image=IMAGE)  # fmt: skip
    outcomes, notes = read(data)
    assert outcomes == [
        CatalogItem("a", ("http://h/a",), {"label": 1}),
        CatalogItem("b", ("http://h/b",), {"label": 2}),
    ]
    assert notes == [
        "the pictures in 'image' itself are not read, but those that 'image.path' names"
    ]


def test_paths_that_are_files_beside_the_table_are_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    table = tmp_path / "train.parquet"
    table.write_bytes(parquet({"id": ["a"], "image": pictures("a.jpg")}, image=IMAGE))
    with open_catalog(from_path(table), CatalogOptions(allow_files=True)) as catalog:
        [item] = catalog
    assert isinstance(item, CatalogItem)
    assert item.images == (f"file://{tmp_path}/a.jpg",)


@pytest.mark.parametrize("path", [None, "0001.jpg", ""])
def test_bytes_alone_are_refused_with_lines_that_write_them_into_files(
    path: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = parquet({"image": pictures(path, path), "label": ["x", "y"]}, image=IMAGE)
    (tmp_path / "train.parquet").write_bytes(data)
    with pytest.raises(BadInput, match="holds the pictures of 'image' as bytes") as refused:
        open_catalog(from_stream(io.BytesIO(data), "train.parquet"))
    assert ("--image-root" in str(refused.value)) == (path == "0001.jpg")
    _, _, way_out = str(refused.value.hint).partition("\n")
    subprocess.run([sys.executable, "-c", way_out], cwd=tmp_path, check=True, timeout=PATIENCE)
    monkeypatch.chdir(tmp_path)
    with open_catalog(from_path("train.jsonl"), CatalogOptions(allow_files=True)) as catalog:
        items = [item for item in catalog if isinstance(item, CatalogItem)]
    assert [(item.id, item.payload) for item in items] == [
        ("0", {"label": "x"}),
        ("1", {"label": "y"}),
    ]
    assert [Path(item.images[0].removeprefix("file://")).read_bytes() for item in items] == [JPEG] * 2  # fmt: skip


def test_a_column_of_bare_bytes_is_refused_as_well() -> None:
    with pytest.raises(BadInput, match="holds the pictures of 'photo' as bytes"):
        read(parquet({"id": ["a"], "photo": [JPEG]}))


def test_the_caller_s_word_for_the_paths_is_taken() -> None:
    data = parquet({"id": ["a"], "image": pictures("0001.jpg")}, image=IMAGE)
    outcomes, _ = read(data, images=("image.path",), image_root="http://h/pictures")
    assert outcomes == [CatalogItem("a", ("http://h/pictures/0001.jpg",), {})]


def test_other_pictures_are_read_instead() -> None:
    data = parquet({"id": ["a"], "image": pictures("0001.jpg"), "image_url": ["http://h/a"]}, image=IMAGE)  # fmt: skip
    outcomes, notes = read(data)
    assert [outcome.images for outcome in outcomes if isinstance(outcome, CatalogItem)] == [
        ("http://h/a",)
    ]
    assert notes == ["the pictures in 'image' itself are not read"]


def test_bytes_of_any_size_cost_no_row() -> None:
    large = [{"bytes": b"x" * (MAX_ROW_CHARS + 1), "path": "http://h/a"}]
    outcomes, _ = read(parquet({"id": ["a"], "image": large}, image=IMAGE))
    assert outcomes == [CatalogItem("a", ("http://h/a",), {})]


def test_bytes_are_left_out_wherever_they_are() -> None:
    audio = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    deep = pa.struct([("meta", pa.struct([("raw", pa.large_binary()), ("n", pa.int64())]))])
    columns: dict[str, Sequence[Any]] = {
        "id": ["a"],
        "image": ["http://h/a"],
        "audio": [{"bytes": b"x", "path": "a.wav"}],
        "deep": [{"meta": {"raw": b"x", "n": 1}}],
        "many": [[{"bytes": b"x", "path": "p"}]],
        "blobs": [[b"x", b"y"]],
        "map": [[("k", b"x")]],
        "end": [7],
    }
    types = {
        "audio": audio,
        "deep": deep,
        "many": pa.list_(audio),
        "blobs": pa.list_(pa.binary()),
        "map": pa.map_(pa.string(), pa.binary()),
    }
    outcomes, notes = read(parquet(columns, **types))
    assert outcomes == [
        CatalogItem(
            "a",
            ("http://h/a",),
            {"audio.path": "a.wav", "deep.meta.n": 1, "many": '[{"path":"p"}]', "end": 7},
        )
    ]
    assert notes == []
