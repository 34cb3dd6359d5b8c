"""JSON Lines, Parquet, URL lists and folders."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producer import CatalogOptions, Format, catalog_of, from_path, from_stream, open_catalog
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

Outcomes = list[CatalogItem | RejectedRow]
FILES = CatalogOptions(allow_files=True)


def read(data: bytes, name: str, options: CatalogOptions | None = None) -> Outcomes:
    with open_catalog(from_stream(io.BytesIO(data), name), options) as catalog:
        return list(catalog)


def lines(*rows: object) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def parquet(**columns: list[object]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def test_json_keeps_its_types_and_flattens_objects() -> None:
    row = {
        "sku": 12,
        "images": [{"src": "http://h/a"}, {"url": "http://h/b"}],
        "price": {"eur": 19.5, "net": None},
        "code": "007",
        "on": True,
        "tags": ["red", 4, False],
        "variants": [{"size": "M"}],
        "note": "",
    }
    assert read(lines(row), "stdin") == [
        CatalogItem(
            "12",
            ("http://h/a", "http://h/b"),
            {
                "price.eur": 19.5,
                "code": "007",
                "on": True,
                "tags": ["red", "4", "false"],
                "variants": '[{"size":"M"}]',
            },
        )
    ]


def test_json_rows_that_are_no_objects_are_named_by_line() -> None:
    data = lines({"id": "a", "image": "http://h/a"}) + b'\n[1]\n{"id": "b"\n' + b'{"id": NaN}\n'
    outcomes = read(data, "shop.jsonl")
    assert [o.line for o in outcomes if isinstance(o, RejectedRow)] == [3, 4, 5]


def test_json_ids_that_are_fractions_or_missing_are_refused() -> None:
    rows = [{"id": value, "image": "http://h/a"} for value in ("a", 1.5, None, True, " ")]
    outcomes = read(lines(*rows), "shop.jsonl")
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, RejectedRow)]
    assert codes == ["bad_id", "empty_id", "bad_id", "empty_id"]


def test_a_json_id_that_is_an_object_is_told_as_one() -> None:
    rows = [{"id": "a", "image": "http://h/a"}, {"id": {"x": 1}, "image": "http://h/b"}]
    _, problem = read(lines(*rows), "shop.jsonl")
    assert isinstance(problem, RejectedRow)
    assert (problem.field, problem.code) == ("id", "bad_id")
    assert problem.message.endswith("found an object")


def test_the_kinds_of_typed_rows_are_those_they_have() -> None:
    rows = [
        {"id": "a", "image": "http://h/a", "n": 1, "tags": ["x"], "on": True, "size": {"eu": 4}},
        {"id": "b", "image": "http://h/b", "n": "two", "bad": float("inf")},
    ]
    with catalog_of(rows) as catalog:
        list(catalog)
        assert catalog.payload == {
            "n": "int", "tags": "list", "on": "bool", "size.eu": "int", "bad": "empty",
        }  # fmt: skip
    with catalog_of([{**row, "bad": None} for row in rows]) as catalog:
        list(catalog)
        assert catalog.payload is not None
        assert catalog.payload["n"] == "int or text"


def test_json_nested_without_end_is_one_problem() -> None:
    deep: object = "x"
    for _ in range(20):
        deep = {"a": deep}
    outcomes = read(lines({"id": "a", "image": "http://h/a"}, {"id": "b", "deep": deep}), "x.jsonl")
    assert isinstance(outcomes[0], CatalogItem)
    assert isinstance(outcomes[1], RejectedRow)
    assert "nested more than" in outcomes[1].message


def test_an_array_that_was_to_be_json_lines_is_no_row() -> None:
    options = CatalogOptions(format=Format.JSONL)
    with pytest.raises(BadInput, match="expected a JSON object"):
        read(b'[{"id": 1}]', "shop.json", options)


def test_json_without_one_readable_row_tells_the_first_problem() -> None:
    with pytest.raises(BadInput, match=r"shop\.jsonl:1: expected a JSON object"):
        read(b"nonsense\n", "shop.jsonl")


def test_parquet_by_content_with_dates_decimals_and_structs() -> None:
    data = parquet(
        id=["a", "b"],
        image=["http://h/a", "http://h/b"],
        day=[date(2026, 1, 2), None],
        price=[Decimal("1.50"), None],
        size=[{"eu": 42}, None],
        weight=[1.5, float("nan")],
        raw=[b"x", b"y"],
    )
    assert read(data, "stdin") == [
        CatalogItem(
            "a", ("http://h/a",), {"day": "2026-01-02", "price": 1.5, "size.eu": 42, "weight": 1.5}
        ),
        CatalogItem("b", ("http://h/b",), {}),
    ]


def test_parquet_row_numbers_and_duplicates() -> None:
    data = parquet(id=[1, 2, 1], image=[["http://h/a"], [], ["http://h/c"]])
    outcomes = read(data, "shop.parquet")
    found = [(o.line, o.code) for o in outcomes if isinstance(o, RejectedRow)]
    assert found == [(2, "no_image"), (3, "duplicate_id")]


def test_parquet_of_several_batches_is_read_whole(tmp_path: Path) -> None:
    count = 3000
    path = tmp_path / "shop.parquet"
    path.write_bytes(parquet(id=list(range(count)), image=["http://h/a"] * count))
    with open_catalog(from_path(path)) as catalog:
        assert [int(o.id) for o in catalog if isinstance(o, CatalogItem)] == list(range(count))


def test_parquet_that_is_cut_off_is_refused() -> None:
    with pytest.raises(BadInput, match="no Parquet file that can be read"):
        read(parquet(id=["a"], image=["http://h/a"])[:-20], "shop.parquet")


def test_a_suffix_that_lies_is_told() -> None:
    with pytest.raises(BadInput, match="is not Parquet"):
        read(b"id,image\n", "shop.parquet")
    with pytest.raises(BadInput, match="is Parquet, but was to be read as csv"):
        read(parquet(id=["a"], image=["b"]), "shop.csv")


def test_a_url_list_is_found_by_content_and_its_urls_are_ids() -> None:
    long = f"https://h/{'x' * 600}.jpg"
    data = f"# mine\nhttps://h/a.jpg\n\n{long}\nftp://h/b\nhttps://h/a.jpg\n".encode()
    first, second, bad, again = read(data, "stdin")
    assert first == CatalogItem("https://h/a.jpg", ("https://h/a.jpg",), {})
    assert isinstance(second, CatalogItem)
    assert len(second.id) == 32
    assert isinstance(bad, RejectedRow)
    assert (bad.line, bad.code) == (5, "bad_url")
    assert isinstance(again, RejectedRow)
    assert again.code == "duplicate_id"


def test_a_line_that_is_neither_url_nor_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "there.jpg").write_bytes(b"")
    path = tmp_path / "list.txt"
    path.write_text("https://h/a.jpg\nthere.jpg\nwhatever this is\nabsent.jpg\n")
    with open_catalog(from_path(path), FILES) as catalog:
        outcomes = list(catalog)
    assert [o.id for o in outcomes if isinstance(o, CatalogItem)] == [
        "https://h/a.jpg",
        "there.jpg",
    ]
    bad = [o for o in outcomes if isinstance(o, RejectedRow)]
    assert [(o.line, o.code) for o in bad] == [(3, "bad_url"), (4, "bad_url")]
    assert "expected an http(s) URL or the path of a file" in bad[0].message


def test_a_table_s_paths_need_not_be_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,absent.jpg\n")
    with open_catalog(from_path(path), FILES) as catalog:
        assert isinstance(next(iter(catalog)), CatalogItem)


def test_parquet_that_breaks_off_later_is_a_problem_with_its_row() -> None:
    count = 1024  # a batch, which is read as a whole or not at all
    file = io.BytesIO()
    table = pa.table({"id": list(range(count)), "image": ["http://h/a"] * count})
    with pq.ParquetWriter(file, table.schema, compression="snappy") as writer:
        writer.write_table(table)
        begin = file.tell()
        writer.write_table(table)
        end = file.tell()
    whole = file.getvalue()
    *good, last = read(whole[:begin] + b"\xff" * (end - begin) + whole[end:], "shop.parquet")
    assert len(good) == count
    assert str(last).startswith("shop.parquet:1025: the file cannot be read further: ")


def test_parquet_of_categories_and_of_lists_of_them_is_read_like_text() -> None:
    kinds = pa.array(["red", "blue", "red"]).dictionary_encode()
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 2, 3], pa.int32()), kinds)
    file = io.BytesIO()
    table = pa.table(
        {"id": [1, 2, 3], "image": ["http://h/a"] * 3, "kind": kinds, "kinds": lists,
         "size": pa.array([{"eu": n} for n in (40, 41, 42)])}
    )  # fmt: skip
    pq.write_table(table, file)
    first, second, third = read(file.getvalue(), "shop.parquet")
    assert isinstance(first, CatalogItem)
    assert first.payload == {"kind": "red", "kinds": ["red", "blue"], "size.eu": 40}
    assert isinstance(second, CatalogItem)
    assert second.payload == {"kind": "blue", "size.eu": 41}
    assert isinstance(third, CatalogItem)
    assert third.payload == {"kind": "red", "kinds": ["red"], "size.eu": 42}


def test_a_folder_gives_its_pictures_in_order(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "b/1.png", "a.webp", "notes.txt", ".hidden.jpg", "b/.x/3.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "circle").symlink_to(tmp_path, target_is_directory=True)
    with open_catalog(from_path(tmp_path), FILES) as catalog:
        found = [outcome for outcome in catalog if isinstance(outcome, CatalogItem)]
    assert [(item.id, dict(item.payload)) for item in found] == [
        ("a.webp", {}),
        ("b/1.png", {"folder": "b"}),
        ("b/2.JPG", {"folder": "b"}),
    ]
    assert found[0].images == (f"file://{tmp_path.resolve()}/a.webp",)


def test_a_folder_without_pictures_holds_no_rows(tmp_path: Path) -> None:
    with (
        open_catalog(from_path(tmp_path), FILES) as catalog,
        pytest.raises(BadInput, match="no rows"),
    ):
        list(catalog)


def test_a_folder_cannot_be_read_as_csv(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        open_catalog(from_path(tmp_path), CatalogOptions(format=Format.CSV))


def test_the_real_catalog_is_read_whole(shared_data: Path) -> None:
    with open_catalog(from_path(shared_data / "catalog.csv"), FILES) as catalog:
        outcomes = list(catalog)
    assert catalog.columns.id == "product_id"
    assert all(isinstance(outcome, CatalogItem) for outcome in outcomes)
    paths = [url for o in outcomes if isinstance(o, CatalogItem) for url in o.images]
    assert len(paths) > len(outcomes)
    assert all(Path(url.removeprefix("file://")).is_file() for url in paths)
