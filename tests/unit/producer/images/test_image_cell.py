"""The pictures named by one cell or value."""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.images.cell import image_values, split_cell
from producer.images.split import SUFFIXES, split_names
from producer.images.text import is_placeholder
from producer.limits import MAX_NESTING
from producer.row_errors import RowError

_BEGINS_ANOTHER = re.compile(
    r"[,;|](?:[a-z][a-z0-9+.-]{1,15}://|//[a-z0-9-]+\.[a-z0-9.-]+[/:])", re.IGNORECASE
)
_ENTITY = re.compile(r"&[A-Za-z0-9#]+;")
_FILES = re.compile(
    rf"(?:{'|'.join(map(re.escape, SUFFIXES))})(?:\?[^,;|]*)?[,;|](?=/|[,;|]|$)", re.IGNORECASE
)


def is_one(url: str) -> bool:
    """Whether the documented rules read a URL as one: no other one follows a separator, no list of files, no entity."""
    return not (_BEGINS_ANOTHER.search(url) or _ENTITY.search(url) or _FILES.search(url))


RESTS = st.from_regex(r"[A-Za-z0-9_.~,;|=&?%:/+()-]{0,30}", fullmatch=True)
NAMES = st.sampled_from(
    [
        "",
        ".jpg",
        ".PNG",
        ".webp",
        ".jpg?w=300,h=200",
        ".jpeg?v=1;2",
        "?id=7,8&x=9|10",
        ",h_200/6.jpg",
    ]
)
URLS = st.builds(
    "{}://{}.example{}/{}{}".format,
    st.sampled_from(["http", "https", "HTTPS", "s3", "ftp"]),
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    st.sampled_from(["", ":8080"]),
    RESTS,
    NAMES,
).filter(is_one)
LISTED = URLS.filter(lambda url: url[-1] not in ",;|")
"""URLs that can be told from the separator after them."""
FILES = st.builds(
    "{}{}".format,
    st.from_regex(r"/?[A-Za-z0-9_.()-][A-Za-z0-9_./()-]{0,20}[A-Za-z0-9]", fullmatch=True),
    st.sampled_from(SUFFIXES),
)
PATHS = st.from_regex(r"[A-Za-z0-9_.-][A-Za-z0-9_./ ,;-]{0,20}[A-Za-z0-9_]", fullmatch=True).filter(
    lambda path: not is_placeholder(path) and not any(suffix in path.lower() for suffix in SUFFIXES)
)
SEPARATORS = [
    ",",
    ";",
    "|",
    " ",
    "\n",
    "\t",
    ", ",
    "; ",
    " | ",
    " , ",
    "\r\n",
    ",\n",
    "   ",
    "\xa0",
]


@given(URLS)
def test_a_lone_url_is_never_split(url: str) -> None:
    assert split_cell(url) == [url]


@given(st.lists(LISTED, min_size=1, max_size=6), st.sampled_from(SEPARATORS))
def test_joined_urls_are_split_and_none_is_lost(urls: list[str], between: str) -> None:
    assert split_cell(between.join(urls)) == urls


@given(st.lists(FILES, min_size=1, max_size=6), st.sampled_from(SEPARATORS))
def test_joined_files_are_split_and_none_is_lost(paths: list[str], between: str) -> None:
    assert split_cell(between.join(paths)) == paths


@given(st.lists(PATHS, min_size=1, max_size=5), st.sampled_from(["|", " | ", "\n", "\r\n"]))
def test_relative_paths_are_split_at_bars_and_lines(paths: list[str], between: str) -> None:
    assert split_cell(between.join(paths)) == [path.strip() for path in paths]


@given(st.lists(URLS, max_size=5))
def test_lists_are_their_entries(urls: list[str]) -> None:
    assert split_cell(orjson.dumps(urls).decode()) == urls
    assert split_cell(orjson.dumps([{"src": url} for url in urls]).decode()) == urls
    assert split_cell(repr(urls)) == urls
    assert image_values(urls) == urls
    assert split_cell("{" + ",".join(f'"{url}"' for url in urls) + "}") == urls


LONE = [
    "https://res.example/w_300,h_200/6.jpg",
    "http://h.example/s/a;00000115.jpg",
    "http://h.example/s/a|b-14.jpg",
    "https://cdn.example/cdn-cgi/image/width=80,quality=75/https://origin.example/a.jpg",
    "https://images.example/?url=https://origin.example/a.jpg&w=1,2",
    "https://h.example/f_auto,q_auto/v1/a.jpg?x=1;2|3",
    "http://h.example/my coat 1.jpg",
    "data:image/png;base64,iVBORw0KGgo//a==",
    "photos/red, large.jpg",
]


@pytest.mark.parametrize("cell", LONE)
def test_signs_within_one_name_do_not_split_it(cell: str) -> None:
    assert split_cell(cell) == [cell]


A, B = "http://h.example/1.jpg", "http://h.example/2"


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        (f"{A},{B}", [A, B]),
        (f"{A};/s/2.jpg", [A, "/s/2.jpg"]),
        (f"{A},{B}?x=1,2;{A}", [A, f"{B}?x=1,2", A]),
        (f"{A},//cdn.example/2.jpg", [A, "//cdn.example/2.jpg"]),
        (f"{A}, N/A, {B}", [A, B]),
        (f"{A},", [A]),
        ("/s/2.jpg,/s/3.jpg", ["/s/2.jpg", "/s/3.jpg"]),
        ("a.jpg;b.png?v=2;no_selection;", ["a.jpg", "b.png?v=2"]),
        ("a.jpg b.JPG", ["a.jpg", "b.JPG"]),
        ("a.jpg;b.jpg,c.jpg", ["a.jpg", "b.jpg", "c.jpg"]),
        # Lists as other programs write them
        (f"['{A}', '{B}']", [A, B]),
        (f"['{A}' '{B}']", [A, B]),
        (f"('{A}', None)", [A]),
        (f'"{A}","{B}"', [A, B]),
        (r"['it\'s.jpg']", ["it's.jpg"]),
        (f"{{{A},{B}}}", [A, B]),
        ('{"a,b.jpg",NULL,c.jpg}', ["a,b.jpg", "c.jpg"]),
        ("{}", []),
        (f"[{A}, {B}]", [A, B]),
        (f'{{"url": "{A}"}}', [A]),
        (f"[&quot;{A}&quot;]", [A]),
        (f'<p><img alt="a > b" src="{A}?a=1&amp;b=2"><IMG src=\'{B}\' /></p>', [f"{A}?a=1&b=2", B]),
        (f'<img src="data:image/gif;base64,R0" data-src="{A}">', [A]),
        (f"&lt;img src=&quot;{A}&quot;&gt;", [A]),
        # What is wrapped around a name
        (f"{A}?w=1&amp;h=2", [f"{A}?w=1&h=2"]),
        (f"{A}?w=1&#38;copy=2", [f"{A}?w=1&copy=2"]),
        (f"{A}?w=1&copy=2", [f"{A}?w=1&copy=2"]),
        (f"<{A}>", [A]),
        (f'"{A}"', [A]),
        (f"\ufeff\u200b {A}\xa0", [A]),
        (f'=HYPERLINK("{A}")', [A]),
        (f'=HYPERLINK("{A}";"Photo")', [A]),
        (f'=IMAGE("{A}", 1)', [A]),
    ],
)
def test_names_are_found_in_every_usual_form(cell: str, names: list[str]) -> None:
    assert split_cell(cell) == names


@pytest.mark.parametrize(
    "cell",
    ["null", "None", "NIL", "n/a", "NA", "NaN", "#N/A", "-", "--", "–", "undefined", "no_selection", "No image", "no-image",  # noqa: RUF001
     '""', "null, null", "[null]", " ", "\u200b", "[]", "|", ",,", "N/A; N/A"],
)  # fmt: skip
def test_placeholders_are_no_pictures(cell: str) -> None:
    assert split_cell(cell) == []


def test_objects_and_nested_lists() -> None:
    value = [
        {"src": A, "alt": "front"},
        {"url": B, "type": "external_video"},
        {"media_type": "MODEL_3D", "original": {"url": B}},
        {"type": "image", "image": {"contentUrl": B}},
        [["c.jpg"], None, False, float("nan"), ""],
        {"url": None},
        f"{A},{B}",
    ]
    assert image_values(value) == [A, B, "c.jpg", A, B]


def test_nesting_is_bounded() -> None:
    deep: object = A
    for _ in range(MAX_NESTING + 1):
        deep = [deep]
    with pytest.raises(RowError):
        image_values(deep)


def test_a_separator_that_is_given_is_the_only_one() -> None:
    assert split_cell("a.jpg,b.jpg", ",") == ["a.jpg", "b.jpg"]
    assert split_cell(f"{A}#x,y#/s/1", "#") == [A, "x,y", "/s/1"]
    assert split_cell(f"{A}?a=1&amp;b=2;c", ";") == [f"{A}?a=1&b=2", "c"]
    assert split_cell(f'["{A}"]', "#") == [A]


@given(st.text(max_size=400))
def test_splitting_never_gives_a_blank_and_only_flaws_are_raised(cell: str) -> None:
    try:
        parts = split_cell(cell)
    except RowError:
        return
    assert all(part == part.strip() and part for part in parts)


@given(st.text(alphabet="[]{}()'\"<>img src=,;|\\ ahtp:/.j&#;1\n", max_size=200))
def test_hostile_signs_raise_only_flaws(cell: str) -> None:
    try:
        parts = split_cell(cell)
    except RowError:
        return
    assert all(parts)


@pytest.mark.parametrize(
    "piece",
    ["<img ", "<img src=\"", '"', "'\\", "{'", "[\"", " |", ", ", "a:", "//a.", "&#1", "=IMAGE(\"", ".jpg,", "<img a='b'c=\"d\" ", "(((", "http:/"],
)  # fmt: skip
def test_a_large_cell_of_signs_is_read_in_linear_time(piece: str) -> None:
    cell = (piece * 300_000)[:250_000]
    for text in (cell, f"['{cell}", f"{{{cell}}}", f"[{cell}]", f"http://h/{cell}"):
        try:
            split_cell(text)
        except RowError:
            continue


def test_a_cell_of_a_million_blanks_is_quickly_nothing() -> None:
    assert split_cell(" " * 1_000_000) == []
    with pytest.raises(RowError, match="characters"):
        split_cell(f"a{' ' * 1_000_000}b")


@pytest.mark.parametrize(
    "value", [7, {"alt": "x"}, '[{"alt": 1}]', "[1]", "[red]", "<img alt=x>", True]
)
def test_a_value_that_names_no_picture_is_a_flaw(value: object) -> None:
    with pytest.raises(RowError):
        image_values(value)


PLAIN = (
    "https://h.example/1.jpg",
    "http://h.example/a/b?x=1&y=2",
    "https://h.example/(a)*b",
    "HTTPS://h.example/c#d",
)


@given(
    st.lists(st.sampled_from(PLAIN), min_size=2, max_size=6),
    st.sampled_from([" | ", "|", ", ", ",", " ", " ,", "| "]),
)
def test_the_short_way_for_plain_urls_splits_like_the_long_one(
    urls: list[str], between: str
) -> None:
    text = between.join(urls)
    assert split_cell(text) == urls
    assert [name.strip() for name in split_names(text)] == urls
