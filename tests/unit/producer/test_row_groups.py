from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer import CatalogOptions, from_stream, inspect, open_catalog, row_groups
from producer.row_groups import RowGroups
from vitrine.core.types import CatalogItem, RejectedRow


def read(text: str, **options: object) -> list[CatalogItem | RejectedRow]:
    source = from_stream(io.BytesIO(text.encode()), "c.csv")
    with open_catalog(source, CatalogOptions(**options)) as catalog:  # type: ignore[arg-type]
        return list(catalog)


def merge(rows: list[CatalogItem], **limits: int) -> Iterator[CatalogItem]:
    groups = RowGroups(**limits)
    for line, row in enumerate(rows):
        yield from (group.merged("image") for group in groups.add(row, line))
    yield from (group.merged("image") for group in groups.rest())


def test_rows_with_one_value_are_one_item() -> None:
    (item,) = read(
        "product,size,price,image\n"
        "p,S,10,https://h/1.jpg\n"
        "p,M,12,https://h/2.jpg\n"
        "p,M,12,https://h/1.jpg\n",
        group_by="product",
    )
    assert item == CatalogItem(
        "p",
        ("https://h/1.jpg", "https://h/2.jpg"),
        {"size": ["S", "M"], "price": [10.0, 12.0]},
        rows=3,
    )


def test_a_bad_row_costs_itself_alone() -> None:
    outcomes = read(
        "id,image\np,https://h/1.jpg\np,https://u:p@h/2.jpg\np,https://h/3.jpg\n", group_by="id"
    )
    assert [type(one) for one in outcomes] == [RejectedRow, CatalogItem]
    assert isinstance(outcomes[0], RejectedRow)
    assert outcomes[0].line == 3
    assert isinstance(outcomes[1], CatalogItem)
    assert outcomes[1].images == ("https://h/1.jpg", "https://h/3.jpg")


def test_an_item_without_a_picture_in_any_row_is_rejected_at_its_first() -> None:
    (flaw,) = read("id,size,image\np,S,\np,M,\n", group_by="id")
    assert isinstance(flaw, RejectedRow)
    assert (flaw.line, flaw.code) == (2, "no_image")
    assert "2 rows" in flaw.message


def test_more_pictures_than_an_item_has_are_told() -> None:
    rows = "".join(f"p,https://h/{n}.jpg\n" for n in range(65))
    (flaw,) = read(f"id,image\n{rows}", group_by="id")
    assert isinstance(flaw, RejectedRow)
    assert flaw.code == "too_many_images"


def test_rows_too_far_apart_are_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        row_groups.RowGroups.__init__, "__kwdefaults__", {"max_apart": 1, "max_weight": 10**6}
    )
    outcomes = read(
        "id,image\na,https://h/1.jpg\nb,https://h/2.jpg\nc,https://h/3.jpg\na,https://h/4.jpg\n",
        group_by="id",
    )
    flaws = [one for one in outcomes if isinstance(one, RejectedRow)]
    assert [(flaw.line, flaw.code) for flaw in flaws] == [(5, "duplicate_id")]
    assert "sort the file by 'id'" in flaws[0].message
    assert len(outcomes) == 4


def test_the_report_counts_rows_not_items() -> None:
    source = from_stream(io.BytesIO(b"id,image\np,https://h/1.jpg\np,https://h/2.jpg\nq,-\n"), "c")
    with open_catalog(source, CatalogOptions(group_by="id")) as catalog:
        report = inspect(catalog)
    assert (report.rows, report.items, report.images) == (3, 1, 2)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 9)), max_size=60))
def test_no_picture_is_lost_and_items_keep_their_order(rows: list[tuple[str, int]]) -> None:
    items = list(merge([CatalogItem(key, (f"u{key}{n}",)) for key, n in rows]))
    expected: dict[str, dict[str, None]] = {}
    for key, n in rows:
        expected.setdefault(key, {})[f"u{key}{n}"] = None
    assert {item.id: item.images for item in items} == {
        key: tuple(urls) for key, urls in expected.items()
    }
    assert len(items) == len(expected)
    assert sum(item.rows for item in items) == len(rows)


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 200))
def test_the_weight_bounds_what_waits(keys: list[str], weight: int) -> None:
    items = list(merge([CatalogItem(key, ("u" * 50,)) for key in keys], max_weight=weight))
    assert sum(item.rows for item in items) == len(keys)


def test_one_item_of_every_row_is_rejected_in_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_groups, "MAX_ITEM_WEIGHT", 1000)
    rows = "".join(f"p,{n},https://h/{n}.jpg\n" for n in range(500))
    (flaw,) = read(f"shop,sku,image\n{rows}", group_by="shop")
    assert isinstance(flaw, RejectedRow)
    assert (flaw.line, flaw.code) == (2, "payload_too_large")
    assert "the 500 rows of 'p' differ" in flaw.message
    group = row_groups.RowGroup("p", 1, 1)
    for n in range(500):
        group.add(CatalogItem("p", (f"u{n}",), {"sku": n}), n)
    assert len(group.images) < 500
    assert len(group.values["sku"]) < 500


def test_true_and_one_are_different_values() -> None:
    (item,) = merge([CatalogItem("a", ("u",), {"f": True}), CatalogItem("a", ("u",), {"f": 1})])
    assert item.payload == {"f": ["true", "1"]}


def test_items_whose_rows_were_read_come_before_the_place_where_the_file_broke_off() -> None:
    packer = zlib.compressobj(wbits=31)
    rows = "".join(f"p{n // 2},https://h/{n}.jpg\n" for n in range(3000)) + "x," + "z" * 100_000
    cut_off = packer.compress(f"product,image\n{rows}".encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    source = from_stream(io.BytesIO(cut_off), "c.csv.gz")
    with open_catalog(source, CatalogOptions(group_by="product")) as catalog:
        *items, end = catalog
    assert isinstance(end, RejectedRow)
    assert end.code == "unreadable"
    assert [item.id for item in items if isinstance(item, CatalogItem)] == [
        f"p{n}" for n in range(1500)
    ]
