"""Where a table begins: titles, comments and templates above the header, its separator, and columns of one name."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.error_hints import sentence_of
from producer import CatalogOptions, from_stream, open_catalog
from producer.catalog import Catalog
from producer.readers.csv_header import declared_separator, find_header, find_separator
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

ROWS = "1,http://h/a,Coat\n2,http://h/b,Hat\n"


def opened(text: str | bytes, name: str = "shop.csv", **options: Any) -> Catalog:
    data = text.encode() if isinstance(text, str) else text
    return open_catalog(from_stream(io.BytesIO(data), name), CatalogOptions(**options))


def ids(text: str, **options: Any) -> tuple[list[str], list[str]]:
    """The ids that are read, and the notes."""
    with opened(text, **options) as catalog:
        outcomes = list(catalog)
        assert not [each for each in outcomes if isinstance(each, RejectedRow)]
        return [each.id for each in outcomes if isinstance(each, CatalogItem)], catalog.notes()


@pytest.mark.parametrize(
    ("above", "notes"),
    [
        ("", []),
        ("\n\n", []),
        (",,\n", []),
        ("Product report 30.11.2026,,\n,,\n", ["lines 1 to 2 above the header were skipped: 'Product report 30.11.2026,,'"]),
        ("Report; all, products\n", ["line 1 above the header was skipped: 'Report; all, products'"]),
        ('"A title\nof two lines"\n', ["lines 1 to 2 above the header were skipped: '\"A title', 'of two lines\"'"]),
        ("# one\n#two\n# three\n# four\n", ["lines 1 to 4 above the header were skipped: '# one', '#two', '# three' and 1 more"]),
        ("# id, image, title\n", ["line 1 above the header was skipped: '# id, image, title'"]),
        ("Shop,ACME\nDate,2026-11-30\n\n", ["lines 1 to 3 above the header were skipped: 'Shop,ACME', 'Date,2026-11-30'"]),
        ("sep=,\n", ["line 1 says that the separator is ','"]),
        ('"sep=,"\n', ["line 1 says that the separator is ','"]),
        ("\n" * 60, []),
        ("# comment\n" * 40, ["lines 1 to 40 above the header were skipped: '# comment', '# comment', '# comment' and 37 more"]),
    ],
)  # fmt: skip
def test_what_is_above_the_header_is_passed_over_and_reported(above: str, notes: list[str]) -> None:
    assert ids(f"{above}id,image,title\n{ROWS}") == (["1", "2"], notes)


def test_line_numbers_count_the_lines_above() -> None:
    with opened("Report\n\nid,image\n1,http://h/a\n,http://h/b\n") as catalog:
        *_, bad = catalog
    assert isinstance(bad, RejectedRow)
    assert bad.line == 5


def test_an_amazon_template_s_third_line_is_the_header() -> None:
    text = (
        "TemplateType=fptcustom,Version=2022.0101,The top 3 rows are for Amazon.com use only.\n"
        "Seller SKU,Main Image URL,Product Name\nitem_sku,main_image_url,item_name\n"
        "S1,http://h/a,Shirt\n"
    )
    found, notes = ids(text)
    assert found == ["S1"]
    assert notes[0].startswith("lines 1 to 2 above the header were skipped: 'TemplateType=")


def test_a_first_line_that_can_be_a_header_is_kept() -> None:
    """Rows beneath it are rows, even if their texts are names of columns."""
    with opened("a,b\nsku,foto\n", id="a", images=("b",)) as catalog:
        assert catalog.columns.id == "a"
    with pytest.raises(BadInput, match="no column named like a picture; it has 'nummer', 'text'"):
        opened("nummer,text\ncode,x\n")


def test_a_comment_sign_in_the_header_is_a_name() -> None:
    assert ids(f"#id,image,title\n{ROWS}") == (["1", "2"], [])
    assert ids("#,id,image\n7,1,http://h/a\n") == (["1"], [])


def test_columns_that_were_named_find_their_header() -> None:
    text = "Export 2026,,\nSchl,Datei,Text\n1,http://h/a,x\n"
    found, notes = ids(text, id="Schl", images=("Datei",))
    assert found == ["1"]
    assert notes == ["line 1 above the header was skipped: 'Export 2026,,'"]


def test_lines_are_skipped_by_hand_whatever_they_hold() -> None:
    text = f"id,image,title\nx,y,z\n\nid,image,title\n{ROWS}"
    assert ids(text, skip=3) == (["1", "2"], ["lines 1 to 3 were skipped, as asked"])
    assert ids("sep=;\nid;image\n1;http://h/a\n", skip=1)[0] == ["1"]
    long = "x" * 5_000_000
    assert ids(f"{long}\nid,image,title\n{ROWS}", skip=1)[0] == ["1", "2"]
    with pytest.raises(BadInput, match="is empty"):
        opened("id,image\n", skip=3)


def test_a_skipped_header_is_not_judged() -> None:
    with opened("Report\n1,2,3\n4,http://h/a,5\n", skip=1, id="1", images=("2",)) as catalog:
        assert [each.id for each in catalog if isinstance(each, CatalogItem)] == ["4"]


def test_without_a_header_the_first_lines_are_shown_with_the_way_out() -> None:
    with pytest.raises(BadInput) as caught:
        opened("\n1,Coat,http://h/a.jpg\n2,Hat,http://h/b.jpg\n")
    assert caught.value.message == (
        "shop.csv: none of its first lines looks like a header, with the names of columns: "
        "line 2 is '1,Coat,http://h/a.jpg', line 3 is '2,Hat,http://h/b.jpg'."
    )
    assert "--skip LINES" in str(caught.value)
    assert "skip=LINES" in sentence_of(caught.value)
    assert "--" not in sentence_of(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '"id,image,title"\n"1,http://h/a,x"\n',
        '"id,""image"",title"\n"1,""http://h/a"",x"\n',
        '"id;image;title"\n"1;http://h/a;x"\n',
        '"id,image,title";;\n"1,http://h/a,x";;\n',
    ],
)
def test_lines_that_are_quoted_as_a_whole_are_recognised(text: str) -> None:
    with pytest.raises(BadInput, match=r"every line is one quoted cell.*Text to Columns"):
        opened(text)


def test_the_separator_is_that_of_the_header() -> None:
    assert ids("Report, of, all, our, products\nid;image\n1;http://h/a\n")[0] == ["1"]
    assert ids("id;image;size, in, cm, or, inches\n1;http://h/a;x\n")[0] == ["1"]
    assert find_separator("a,b;c;d") == ";"
    assert find_separator("a") == ","


@pytest.mark.parametrize(
    ("line", "separator"),
    [("sep=;", ";"), ("SEP=|\r\n", "|"), ("sep=\t\n", "\t"), ('"sep=^"', "^"), ("sep=;;;;", ";"), ("sep=ab", None), ("sep=", None), ("separator", None), ('sep="', None)],
)  # fmt: skip
def test_a_line_that_names_the_separator(line: str, separator: str | None) -> None:
    assert declared_separator(line) == separator


def test_a_second_column_of_one_name_gets_a_number_that_is_free() -> None:
    with opened("id,price,price,price_2,price,,,image,image\n1,a,b,c,d,e,f,http://h/a,http://h/b\n") as catalog:  # fmt: skip
        [item] = catalog
        assert isinstance(item, CatalogItem)
        assert item.payload == {"price": "a", "price_3": "b", "price_2": "c", "price_4": "d"}
        assert item.images == ("http://h/a", "http://h/b")
        [note] = catalog.notes()
        assert note == (
            "3 columns have the name of one before them and are read under another: "
            "'price' as 'price_3', 'price' as 'price_4', 'image' as 'image_2'"
        )


def test_many_columns_of_one_name_are_read_in_linear_time() -> None:
    with opened("id,image" + ",x" * 50_000 + "\n1,http://h/a" + ",y" * 50_000 + "\n") as catalog:
        assert "and 49994 more" in catalog.notes()[0]


def test_a_footer_is_a_rejected_row_that_is_shown() -> None:
    with opened(f"id,image,title\n{ROWS}Total: 2\n") as catalog:
        *_, last = catalog
    assert str(last) == "shop.csv:4: expected 3 columns, found 1: 'Total: 2'"


def test_a_file_that_breaks_off_above_the_header_says_where() -> None:
    header = find_header([], "shop.csv")
    assert (header.above, header.separator, header.notes) == (0, ",", ())


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='id,image;\t|"#=sep\n\r\\x0.:/-ü', max_size=300))
def test_no_beginning_crashes_the_reader(text: str) -> None:
    try:
        with opened(text) as catalog:
            assert all(isinstance(each, CatalogItem | RejectedRow) for each in catalog)
    except BadInput as error:
        assert "shop.csv" in str(error)  # noqa: PT017


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(alphabet="abc 1,;", max_size=20), max_size=8),
    st.integers(1, 5),
)
def test_no_row_is_swallowed_by_what_is_above_the_header(above: list[str], rows: int) -> None:
    """Whatever is above a good header, every row beneath it is read."""
    text = "".join(f"{line}\n" for line in above) + "id,image\n"
    text += "".join(f"{number},http://h/{number}\n" for number in range(rows))
    with opened(text) as catalog:
        found = [each.id for each in catalog if isinstance(each, CatalogItem)]
    assert found == [str(number) for number in range(rows)]
