"""Workbooks: which sheet and header are read, what cells are, and files that are damaged or hostile."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer import CatalogOptions, Format, from_path, from_stream, open_catalog
from producer.decompression_limit import DecompressionLimit
from producer.preview import preview
from producer.readers import ReadingOptions, decoder_process, open_reader
from producer.readers.base import Reader
from producer.readers.workbook import process
from producer.row import Row
from tests.unit.producer.readers.workbook_files import (
    Cell,
    Error,
    archive,
    ods,
    ods_row,
    sheet_xml,
    xlsx,
)
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

BOOKS = Path(__file__).parents[3] / "cases" / "workbooks"
MOMENT = dt.datetime.fromisoformat("2026-01-02T03:04")
HEADER = ["id", "image", "title"]
A, B = ["a", "http://h/a", "A"], ["b", "http://h/b", "B"]
ON_LINUX = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="limits of memory are Linux's"
)
Outcomes = list[CatalogItem | RejectedRow]


def read(data: bytes, name: str = "shop.xlsx", **options: Any) -> tuple[Outcomes, list[str]]:
    """Return the outcomes and the notes."""
    with open_catalog(from_stream(io.BytesIO(data), name), CatalogOptions(**options)) as catalog:
        return list(catalog), catalog.notes()


def ids(outcomes: Outcomes) -> list[str]:
    return [outcome.id for outcome in outcomes if isinstance(outcome, CatalogItem)]


def rows_of(data: bytes, **reading: Any) -> tuple[Reader, list[Row]]:
    _, reader = open_reader(
        from_stream(io.BytesIO(data), "shop.xlsx"), None, ReadingOptions(**reading)
    )
    try:
        return reader, [row for row in reader.rows() if isinstance(row, Row)]
    finally:
        reader.close()


@pytest.fixture(autouse=True)
def _every_place_is_given_back() -> Iterator[None]:
    yield
    turns = decoder_process._turns
    assert [turns.acquire(blocking=False) for _ in range(decoder_process.AT_ONCE)] == [True] * 4
    for _ in range(decoder_process.AT_ONCE):
        turns.release()


# --- sheets and headers -------------------------------------------------------------------------


def test_a_sheet_is_a_catalog() -> None:
    data = xlsx({"Products": [HEADER, A, B]})
    with open_catalog(from_stream(io.BytesIO(data), "stdin")) as catalog:
        assert catalog.format is Format.XLSX
        assert list(catalog) == [
            CatalogItem("a", ("http://h/a",), {"title": "A"}),
            CatalogItem("b", ("http://h/b",), {"title": "B"}),
        ]
        assert catalog.notes() == []


def test_the_sheet_with_an_id_and_a_picture_is_read_wherever_it_is() -> None:
    sheets: dict[str, list[list[Cell]]] = {
        "Read me": [["Column", "Meaning"], ["id", "the article's number"]],
        "Old": [list(HEADER), ["old", "http://h/o", "O"]],
        "Products": [list(HEADER), list(A)],
        "Empty": [],
    }
    outcomes, notes = read(xlsx(sheets, hidden=["Old"]))
    assert ids(outcomes) == ["a"]
    assert notes == ["the sheet 'Products' was read, and not 'Read me', 'Old', 'Empty'"]


@pytest.mark.parametrize("row", ["Old", "old ", "2"])
def test_a_sheet_can_be_named(row: str) -> None:
    data = xlsx({"Products": [HEADER, A], "Old": [HEADER, B]}, hidden=["Old"])
    assert ids(read(data, row=row)[0]) == ["b"]


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadInput, match=r"no sheet 'Prices'; it has 'Products', 'Old'.*--row"):
        read(xlsx({"Products": [HEADER, A], "Old": []}), row="Prices")


def test_titles_above_the_header_are_passed_over_and_told() -> None:
    rows: list[list[Cell]] = [["Products of the shop"], [], ["As of", dt.date(2026, 1, 2)], list(HEADER), [], list(A)]  # fmt: skip
    outcomes, notes = read(xlsx({"P": rows}))
    assert ids(outcomes) == ["a"]
    assert len(notes) == 1
    assert notes[0].startswith("rows above the header were skipped: row 1 is 'Products of")
    assert "row 3 is 'As of 2026-01-02'" in notes[0]


def test_rows_can_be_skipped() -> None:
    rows = [HEADER, ["sku", "picture", "name"], A]
    outcomes, notes = read(xlsx({"P": rows}), skip=1)
    assert ids(outcomes) == ["a"]
    assert outcomes[0] == CatalogItem("a", ("http://h/a",), {"name": "A"})
    assert notes == ["the first 1 rows of the sheet were skipped, as asked"]


def test_the_header_is_the_row_with_the_columns_that_the_caller_names() -> None:
    rows = [["id", "image", "x"], ["nr", "pic", "x"], A]
    assert ids(read(xlsx({"P": rows}), id="nr", images=("pic",))[0]) == ["a"]


def test_an_amazon_template_has_its_header_in_row_3() -> None:
    rows = [
        ["TemplateType=fptcustom", "Version=2026"],
        ["Seller SKU", "Main Image URL", "Title"],
        ["item_sku", "main_image_url", "item_name"],
        A,
    ]
    with open_catalog(from_stream(io.BytesIO(xlsx({"Template": rows})), "a.xlsm")) as catalog:
        assert (catalog.preset, ids(list(catalog))) == ("amazon", ["a"])


def test_columns_of_one_name_and_of_none() -> None:
    rows: list[list[Cell]] = [
        ["id", "image", "image", None, "price", "price"],
        ["a", "http://h/1", "http://h/2", "lost", 1, 2],
    ]
    outcomes, notes = read(xlsx({"P": rows}))
    assert outcomes == [
        CatalogItem("a", ("http://h/1", "http://h/2"), {"price": 1, "price_2": 2}),
    ]
    assert [note.partition(":")[0] for note in notes] == [
        "2 columns have the name of one before them and are read under another",
        "columns without a name were left out",
    ]
    assert notes[1].endswith(": D")


def test_a_workbook_without_a_header_is_refused() -> None:
    with pytest.raises(BadInput, match=r"no sheet has a row with the names.*'P', 'Q'"):
        read(xlsx({"P": [[1, 2, 3], [4, 5, 6]], "Q": []}))
    with pytest.raises(BadInput, match="holds no rows"):
        read(xlsx({"P": [HEADER]}))


def test_a_row_s_line_is_its_number() -> None:
    rows: list[list[Cell]] = [[], list(HEADER), [], ["x", None, "no picture"], list(A), [None, "http://h/a"]]  # fmt: skip
    outcomes, _ = read(xlsx({"P": rows}))
    problems = [(o.line, o.code) for o in outcomes if isinstance(o, RejectedRow)]
    assert problems == [(4, "no_image"), (6, "empty_id")]


# --- cells --------------------------------------------------------------------------------------


def test_cells_have_their_types() -> None:
    header = ["id", "text", "whole", "part", "on", "day", "moment", "flaw", "large"]
    row: list[Cell] = [
        "00123", " 1.0", 7.0, 19.99, True, dt.date(2026, 1, 2), MOMENT, Error("#REF!"), 1e300,
    ]  # fmt: skip
    reader, rows = rows_of(xlsx({"P": [header, row]}))
    assert rows[0].values == {
        "id": "00123", "text": " 1.0", "whole": 7, "part": 19.99, "on": True, "day": dt.date(2026, 1, 2),
        "moment": MOMENT, "flaw": None, "large": 1e300,
    }  # fmt: skip
    assert type(rows[0].values["whole"]) is int
    assert reader.notes == [
        "cells with an error such as #REF! were read as empty; the workbook has 1"
    ]


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cn"), exclude_characters="\ufffe\uffff_"),
    min_size=1, max_size=8,
)  # fmt: skip
cells = st.one_of(
    st.none(), st.booleans(), texts, st.integers(-(2**53), 2**53), st.dates(dt.date(1950, 1, 1)),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
)  # fmt: skip


@given(st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_what_is_written_is_read(rows: list[list[Cell]]) -> None:
    header = ["id", "image", "c", "d"]
    _, found = rows_of(xlsx({"P": [header, *([*row] for row in rows)]}))
    blank = [None, None, None, None]
    written = [[*row, *blank][:4] for row in rows]
    expected = [(number, row) for number, row in enumerate(written, 2) if row != blank]
    assert [(row.line, list(row.values.values())) for row in found] == expected


def test_opendocument_and_old_excel() -> None:
    table = ods_row(*HEADER) + ods_row("007", "http://h/a", "A") + ods_row("", repeated=1_000_000)
    assert ids(read(ods(table), "shop.ods")[0]) == ["007"]
    with open_catalog(from_path(BOOKS / "old.xls")) as catalog:
        assert list(catalog) == [
            CatalogItem(
                "00123",
                ("http://h/a",),
                {"price": 19.5, "since": "2026-01-02T00:00:00Z", "stock": 7},
            )
        ]


# --- other files and damage ---------------------------------------------------------------------


def test_a_text_that_is_called_xls_is_read_as_text() -> None:
    with open_catalog(from_stream(io.BytesIO(b"id\timage\na\thttp://h/a\n"), "a.xls")) as catalog:
        assert (catalog.format, ids(list(catalog))) == (Format.CSV, ["a"])


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        ((BOOKS / "password.xlsx").read_bytes(), "a.xlsx", "with a password"),
        (b"id,image\na,http://h/a\n", "a.xlsx", "is not an Excel or OpenDocument workbook"),
        (xlsx({"P": [HEADER, A]}), "a.csv", "is an Excel or OpenDocument workbook, but was to be"),
        (archive({"[Content_Types].xml": b"", "word/document.xml": b""}), "a.docx", "a Word document"),
        (archive({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b""}), "a.odt", "a document of the kind"),
        (archive({"[Content_Types].xml": b"", "x.xml": b""}), "a.xlsx", "without a workbook"),
        (xlsx({"P": [HEADER, A]})[:-300], "a.xlsx", "a.xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000, "a.xls", "is not a workbook that can be read"),
        (xlsx({}), "a.xlsx", "without a sheet"),
    ],
    ids=["password", "text", "csv", "word", "odt", "other zip", "cut off", "nothing", "no sheet"],
)  # fmt: skip
def test_what_is_no_workbook_is_refused_by_name(data: bytes, name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(data, name)


def test_a_packed_workbook_is_unpacked_unless_it_is_an_archive_itself() -> None:
    old = gzip.compress((BOOKS / "old.xls").read_bytes())
    assert ids(read(old, "shop.xls.gz")[0]) == ["00123"]
    with pytest.raises(BadInput, match="cannot be unpacked"):
        read(old[:-9], "shop.xls.gz")
    with pytest.raises(BadInput, match="Unpack it once"):
        read(gzip.compress(xlsx({"P": [HEADER, A]})), "shop.xlsx.gz")


def test_a_preview_reads_the_first_rows() -> None:
    data = xlsx({"P": [HEADER, *([f"i{n}", f"http://h/{n}", "t"] for n in range(300))]})
    found = preview(from_stream(io.BytesIO(data), "shop.xlsx"), CatalogOptions(), most=10)
    assert (found.format, found.report.items, found.whole) == (Format.XLSX, 10, False)


@pytest.mark.parametrize("suffix", ["xlsx", "ods", "xls"])
def test_a_damaged_workbook_gives_rows_or_bad_input(suffix: str) -> None:
    table = ods_row(*HEADER) + ods_row("007", "http://h/a", "A")
    whole = {
        "xlsx": xlsx({"P": [HEADER, A, B], "Q": [[1, dt.date(2026, 1, 1)]]}),
        "ods": ods(table),
        "xls": (BOOKS / "old.xls").read_bytes(),
    }[suffix]
    dice = random.Random(7)
    for _ in range(12):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 5)):
            data[dice.randrange(8, len(data))] = dice.randrange(256)
        if dice.random() < 0.3:
            del data[dice.randrange(len(data)) :]
        try:
            outcomes, _ = read(bytes(data), f"shop.{suffix}")
        except BadInput:
            continue
        assert all(isinstance(outcome, CatalogItem | RejectedRow) for outcome in outcomes)


# --- bombs --------------------------------------------------------------------------------------


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MEMORY_BYTES", 128 * 1024 * 1024)


def with_sheet(rows: list[tuple[int, list[Cell]]]) -> bytes:
    return xlsx({"P": []}, more={"xl/worksheets/sheet1.xml": sheet_xml(rows).encode()})


@ON_LINUX
@pytest.mark.usefixtures("small_memory")
def test_a_cell_in_the_last_corner_does_not_fill_the_memory() -> None:
    wide: list[Cell] = [*([None] * 16383), "x"]
    with pytest.raises(BadInput, match=r"takes more than 128 MiB of memory.*CSV"):
        read(with_sheet([(1, [*HEADER]), (2, [*A]), (1_048_576, wide)]))


@pytest.mark.usefixtures("small_memory")
def test_a_far_cell_alone_costs_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its used area is one cell for calamine, but the rows above it are all passed on."""
    monkeypatch.setattr(process, "CELLS", 100_000)
    with pytest.raises(BadInput, match="whose used area is 1,048,576 rows by 1,000 columns"):
        read(with_sheet([(1_048_576, [*([None] * 997), *HEADER])]))


def test_a_million_blank_rows_and_many_columns_are_read() -> None:
    many = [f"c{n}" for n in range(16_000)]
    header: list[Cell] = [*HEADER, *many]
    outcomes, _ = read(with_sheet([(1, header), (2, [*A]), (5, [*B])]))
    assert ids(outcomes) == ["a", "b"]
    outcomes, _ = read(with_sheet([(1, [*HEADER]), (2, [*A]), (1_000_000, [*B])]))
    assert ids(outcomes) == ["a", "b"]


@ON_LINUX
@pytest.mark.usefixtures("small_memory")
def test_repeated_cells_do_not_fill_the_memory() -> None:
    row = ods_row("x" * 1000, repeated=1_000_000)
    with pytest.raises(BadInput, match="takes more than 128 MiB"):
        read(ods(ods_row(*HEADER) + row), "shop.ods")


def test_an_archive_that_unfolds_too_far_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = xlsx({"P": [HEADER, A]}, more={"xl/media/image1.png": b"\0" * 5_000_000})
    assert ids(read(data)[0]) == ["a"]
    monkeypatch.setattr("producer.decompression_limit.FREE_BYTES", 50_000)
    source = from_stream(io.BytesIO(data), "shop.xlsx", unfold=DecompressionLimit(10**9))
    with pytest.raises(BadInput, match="unfolds to more than"):
        open_catalog(source)
    monkeypatch.setattr(process, "UNPACKED_BYTES", 1_000_000)
    with pytest.raises(BadInput, match=r"of 5,00.* bytes unpacked; at most 1,000,000"):
        read(data)


def test_a_cell_that_is_too_long_costs_its_row() -> None:
    rows: list[list[Cell]] = [list(HEADER), list(A), ["x", "http://h/x", "t" * 1_100_000], list(B)]
    outcomes, _ = read(xlsx({"P": rows}))
    assert ids(outcomes) == ["a", "b"]
    [problem] = [outcome for outcome in outcomes if isinstance(outcome, RejectedRow)]
    assert (problem.line, problem.code) == (3, "row_too_long")
    assert "a cell of 1,100,000 characters" in problem.message


@ON_LINUX
def test_memory_that_runs_out_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MEMORY_BYTES", 12 * 1024 * 1024)
    rows = ([f"i{n}", f"http://h/{n}", f"title {n}" * 5] for n in range(60_000))
    with pytest.raises(BadInput, match="Save the sheet as CSV"):
        read(xlsx({"P": [HEADER, *rows]}))


def test_a_reader_is_closed_in_the_middle() -> None:
    data = xlsx({"P": [HEADER, *([f"i{n}", f"http://h/{n}", "t" * 500] for n in range(3000))]})
    _, reader = open_reader(from_stream(io.BytesIO(data), "shop.xlsx"))
    assert isinstance(next(iter(reader.rows())), Row)
    reader.close()
