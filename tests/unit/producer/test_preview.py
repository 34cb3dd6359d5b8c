"""The preview of a catalog before it is submitted."""

from __future__ import annotations

import gzip
import io

import pytest

from producer.catalog import CatalogOptions
from producer.formats import Format
from producer.preview import EXAMPLE_CHARS, Preview, Role, preview
from producer.source import from_stream
from vitrine.core.errors import BadInput

GOOD = "sku,picture,price,title\n" + "".join(
    f"a{n},https://h.example/{n}.jpg,{n}.5,Shirt {n}\n" for n in range(20)
)


def seen(
    content: str | bytes,
    *,
    name: str = "catalog.csv",
    options: CatalogOptions | None = None,
    most: int = 1000,
    cut: bool = False,
) -> Preview:
    raw = content if isinstance(content, bytes) else content.encode()
    source = from_stream(io.BytesIO(raw), name)
    return preview(source, options or CatalogOptions(), most=most, cut=cut)


def roles(found: Preview) -> dict[str, Role]:
    return {column.name: column.role for column in found.columns}


def test_columns_are_told_with_role_kind_and_first_values() -> None:
    found = seen(GOOD)
    assert (found.format, found.missing, found.whole) == (Format.CSV, (), True)
    assert roles(found) == {
        "sku": Role.ID, "picture": Role.IMAGE, "price": Role.FIELD, "title": Role.FIELD,
    }  # fmt: skip
    kinds = {column.name: column.kind for column in found.columns}
    assert kinds == {"sku": None, "picture": None, "price": "float", "title": "text"}
    price = found.columns[2]
    assert price.examples == ("0.5", "1.5", "2.5")
    assert (found.report.rows, found.report.items, found.report.images) == (20, 20, 20)


def test_bad_rows_are_told_with_their_line() -> None:
    found = seen(GOOD + "a3,https://h.example/x.jpg,1,Twice\nb,ftp://h.example/y.jpg,1,No\n")
    problems = found.report.problems
    assert [(row.line, row.field, row.code) for row in problems] == [
        (22, "sku", "duplicate_id"),
        (23, "picture", "bad_url"),
    ]
    assert found.report.items == 20


def test_without_a_column_for_the_id_the_columns_are_told_all_the_same() -> None:
    found = seen("name,picture\nShirt,https://h.example/1.jpg\n")
    assert found.missing == (Role.ID,)
    assert roles(found) == {"name": Role.FIELD, "picture": Role.IMAGE}
    assert found.columns[0].examples == ("Shirt",)
    assert (found.report.rows, found.whole) == (0, False)


def test_both_may_be_missing() -> None:
    assert seen("a,b\n1,2\n").missing == (Role.ID, Role.IMAGE)


def test_columns_that_are_named_are_taken() -> None:
    options = CatalogOptions(id="name", images=("link",))
    found = seen("name,link\nShirt,https://h.example/1.jpg\n", options=options)
    assert roles(found) == {"name": Role.ID, "link": Role.IMAGE}
    assert found.report.items == 1


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="no column 'nosuch'"):
        seen(GOOD, options=CatalogOptions(id="nosuch"))
    with pytest.raises(BadInput, match="no column 'nosuch'"):
        seen("a,b\n1,2\n", options=CatalogOptions(images=("nosuch",)))


def test_only_so_many_rows_are_judged() -> None:
    found = seen(GOOD, most=5)
    assert (found.report.rows, found.whole) == (5, False)
    assert seen(GOOD, most=20).whole


def test_of_a_file_that_was_cut_the_last_row_is_not_judged() -> None:
    cut = GOOD[:-7]
    assert seen(cut).report.items == 20
    found = seen(cut[:-20], cut=True)
    assert (found.report.items, found.report.problems, found.whole) == (19, [], False)


def test_a_gzip_that_was_cut_is_judged_as_far_as_it_goes() -> None:
    rows = "".join(f"a{n},https://h.example/{n}-{n * n}.jpg\n" for n in range(20_000))
    packed = gzip.compress(f"id,image\n{rows}".encode())
    found = seen(packed[: len(packed) // 2], name="catalog.csv.gz", most=100_000, cut=True)
    assert found.report.items > 1000
    assert found.report.problems == []


def test_lines_of_json_show_nested_and_large_values_as_text() -> None:
    lines = (
        '{"id": 7, "image": "https://h.example/7.jpg", "size": {"eu": [42, 43]}, "big": 1e300}\n'
    )
    found = seen(lines, name="catalog.jsonl")
    examples = {column.name: column.examples for column in found.columns}
    assert examples["size.eu"] == ("[42,43]",)
    assert examples["id"] == ("7",)
    assert roles(found)["image"] is Role.IMAGE


def test_long_values_are_cut() -> None:
    found = seen(f"id,image,text\na,https://h.example/a.jpg,{'x' * 5000}\n")
    (example,) = found.columns[2].examples
    assert len(example) == EXAMPLE_CHARS


@pytest.mark.parametrize("content", ["", "id,image\n", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04zip"])
def test_what_is_no_catalog_is_refused(content: str | bytes) -> None:
    with pytest.raises(BadInput):
        seen(content)
