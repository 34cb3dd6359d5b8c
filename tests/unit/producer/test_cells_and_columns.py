"""Types of CSV cells, splitting of picture cells, and guessing of columns."""

from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.cells import cell_value, choose_cast
from producer.columns import choose_columns, guess_id, guess_images
from producer.image_cell import image_values, split_cell
from producer.row_errors import RowError
from vitrine.core.errors import BadInput

URLS = st.from_regex(r"https?://[a-z]{1,8}\.example/[A-Za-z0-9_.~,;|=&?%:/-]{0,30}", fullmatch=True).filter(
    # A URL that contains another one after a bar or semicolon is split in two, as documented.
    lambda url: "://" not in url.partition("://")[2]
)  # fmt: skip
PATHS = st.from_regex(r"[A-Za-z0-9_.-][A-Za-z0-9_./ ,;-]{0,20}[A-Za-z0-9_]", fullmatch=True)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("42", 42), ("-7", -7), ("0", 0), ("3.50", 3.5), ("-0.5", -0.5), (" 12 ", 12),
        ("true", True), ("FALSE", False),
        ('["red", 4, true]', ["red", "4", "true"]), ("[]", []),
        ("007", "007"), ("+1", "+1"), ("1e5", "1e5"), ("nan", "nan"), ("inf", "inf"), ("-", "-"),
        ("-0", "-0"), ("1,5", "1,5"), (".5", ".5"), ("5.", "5."), ("00.5", "00.5"), ("yes", "yes"),
        ("1234567890123456", "1234567890123456"), ("0.1234567890123456", "0.1234567890123456"),
        ("١٢", "١٢"), ("[red]", "[red]"), ('[{"a": 1}]', '[{"a": 1}]'), ("1_000", "1_000"),
        ("", None), ("  ", None),
    ],
)  # fmt: skip
def test_a_cell_is_typed_conservatively(cell: str, value: object) -> None:
    found = cell_value(cell)
    assert found == value
    assert type(found) is type(value)


@given(st.text())
def test_no_cell_raises_and_texts_are_only_stripped(cell: str) -> None:
    value = cell_value(cell)
    if isinstance(value, str):
        assert value == cell.strip()
    elif value is None:
        assert not cell.strip()


@given(st.from_regex(r"[-+]?[0-9]{1,25}(\.[0-9]{1,20})?([eE][0-9]{1,3})?", fullmatch=True))
def test_a_number_is_only_taken_where_nothing_of_it_changes(cell: str) -> None:
    value = cell_value(cell)
    if isinstance(value, int):
        assert str(value) == cell
    elif isinstance(value, float):
        assert math.isfinite(value)
        digits = cell.rpartition(".")[2]
        assert f"{value:.{len(digits)}f}" == cell or value == 0
    else:
        assert value == cell


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_integer_of_fifteen_digits_is_an_integer(number: int) -> None:
    assert cell_value(str(number)) == number


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["1", "2.5", ""], [1.0, 2.5, None]),
        (["1", "M"], ["1", "M"]),
        (["1", "true"], ["1", "true"]),
        (["true", "false"], [True, False]),
        (["1", "2"], [1, 2]),
        (["", ""], [None, None]),
    ],
)
def test_a_column_is_of_one_kind(cells: list[str], read: list[object]) -> None:
    cast = choose_cast(cells)
    found = [cast(cell) for cell in cells]
    assert found == read
    assert [type(value) for value in found] == [type(value) for value in read]


@given(URLS)
def test_a_lone_url_is_never_split(url: str) -> None:
    assert split_cell(url) == [url]


@given(
    st.lists(URLS, min_size=1, max_size=6), st.sampled_from([" | ", " ", "\n", ", ", "\t", " ; "])
)
def test_urls_with_blanks_between_them_are_split(urls: list[str], between: str) -> None:
    # ` ; ` splits before the next URL; the rest of the separator must not stick to a URL.
    clean = [url for url in urls if not url.endswith((",", ";", "|"))]
    assert split_cell(between.join(clean)) == clean


@given(st.lists(PATHS, min_size=1, max_size=5), st.sampled_from(["|", " | ", "\n", "\r\n"]))
def test_relative_paths_are_split_at_bars_and_lines(paths: list[str], between: str) -> None:
    assert split_cell(between.join(paths)) == [path.strip() for path in paths]


@given(st.lists(URLS, max_size=5))
def test_a_json_array_is_its_entries(urls: list[str]) -> None:
    assert split_cell(orjson.dumps(urls).decode()) == urls


@given(st.text(max_size=400))
def test_splitting_never_gives_a_blank_and_only_flaws_are_raised(cell: str) -> None:
    try:
        parts = split_cell(cell)
    except RowError:
        return
    assert all(part == part.strip() and part for part in parts)


def test_commas_without_a_blank_split_only_when_told() -> None:
    cell = "https://h/w_300,q_80/a.jpg,https://h/b.jpg"
    assert split_cell(cell) == [cell]
    assert split_cell("a.jpg,b.jpg", ",") == ["a.jpg", "b.jpg"]


def test_a_cell_of_a_million_blanks_is_quickly_nothing() -> None:
    assert split_cell(" " * 1_000_000) == []
    with pytest.raises(RowError, match="characters"):
        split_cell(f"a{' ' * 1_000_000}b")


@pytest.mark.parametrize("value", [7, {"alt": "x"}, [""], [["http://h/a"]], '[{"alt": 1}]', "[1]"])
def test_a_value_that_names_no_picture_is_a_flaw(value: object) -> None:
    with pytest.raises(RowError):
        image_values(value)


@pytest.mark.parametrize(
    ("names", "key", "pictures"),
    [
        (("id", "image"), "id", ("image",)),
        (("Handle", "Title", "Image Src", "Image Position"), "Handle", ("Image Src",)),
        (("product_id", "id", "images"), "id", ("images",)),
        (("g:id", "g:additional_image_link", "g:image_link"), "g:id",
         ("g:image_link", "g:additional_image_link")),
        (("sku", "image_10", "image_2", "image_1"), "sku", ("image_1", "image_2", "image_10")),
        (("SKU", "Photo", "image_width", "image_alt", "url"), "SKU", ("Photo",)),
        (("uuid", "url", "path"), "uuid", ("path",)),
        (("title", "price"), None, ()),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_usual_names(
    names: tuple[str, ...], key: str | None, pictures: tuple[str, ...]
) -> None:
    assert guess_id(names) == key
    assert guess_images(names) == pictures


def test_options_win_over_guesses() -> None:
    columns = choose_columns(("id", "ean", "image", "hero"), id_column="ean", images=("hero",))
    assert (columns.id, columns.images) == ("ean", ("hero",))
    assert columns.payload_of(("id", "ean", "image", "hero", "")) == ("id", "image")


def test_many_columns_are_listed_in_part() -> None:
    with pytest.raises(BadInput, match="and 20 more"):
        choose_columns([f"c{number}" for number in range(50)])
