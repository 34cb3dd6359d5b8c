"""JSON documents: where their rows are, what a row is, and what a damaged document says."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer import CatalogOptions, Format, from_path, from_stream, open_catalog
from producer.limits import MAX_ROW_CHARS
from producer.readers import ReadingOptions, open_reader
from producer.readers import json_document as reader_module
from producer.readers.json.outline import Outline, shown_path, told_path
from producer.readers.json.scanner import JsonScanner
from producer.row import Row
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

FEEDS = Path(__file__).parents[3] / "cases" / "feeds"
ITEM = {"id": 1, "image": "http://h/a", "variants": [{"id": 9, "image": "http://h/v"}]}
OTHER = {**ITEM, "id": 2}
Outcomes = list[CatalogItem | RejectedRow]


def read(data: bytes, name: str = "shop.json", **options: Any) -> tuple[Outcomes, list[str]]:
    """Return the outcomes and the notes."""
    with open_catalog(from_stream(io.BytesIO(data), name), CatalogOptions(**options)) as catalog:
        return list(catalog), catalog.notes()


def ids(outcomes: Outcomes) -> list[str]:
    return [outcome.id for outcome in outcomes if isinstance(outcome, CatalogItem)]


def problems(outcomes: Outcomes) -> list[tuple[int | None, str]]:
    return [(o.line, o.code) for o in outcomes if isinstance(o, RejectedRow)]


def dumped(value: object) -> bytes:
    return orjson.dumps(value)


def row_values(data: bytes, chunk: int | None = None) -> list[dict[str, Any]]:
    """Return the rows as the reader gives them; they must all be readable."""
    stream: io.BufferedIOBase = io.BytesIO(data) if chunk is None else _Dripping(data, chunk)
    _, reader = open_reader(from_stream(stream, "shop.json"), Format.JSON)  # type: ignore[arg-type]
    rows = list(reader.rows())
    assert all(isinstance(row, Row) for row in rows)
    return [row.values for row in rows if isinstance(row, Row)]


class _Dripping(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self._most = most

    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))


# --- where the rows are -------------------------------------------------------------------------

PLACES: dict[str, tuple[object, str, list[str]]] = {
    "an array": ([ITEM, OTHER], ".", ["1", "2"]),
    "under a key": ({"page": 1, "products": [ITEM, OTHER]}, "products", ["1", "2"]),
    "deeper": ({"data": {"items": [ITEM]}}, "data.items", ["1"]),
    "one item": (ITEM, ".", ["1"]),
    "one item in a frame": ({"product": ITEM}, "product", ["1"]),
    "a feed with an id and a picture": ({**ITEM, "products": [OTHER]}, "products", ["2"]),
    "by category": (
        {"categories": [{"name": "a", "products": [ITEM]}, {"name": "b", "products": [OTHER]}]},
        "categories.products",
        ["1", "2"],
    ),
    "by their ids": ({"products": {"1": ITEM, "2": OTHER}}, "products.*", ["1", "2"]),
    "a frame in an array": ([{"ok": True}, {"data": [ITEM]}], "data", ["1"]),
    "behind a longer list": (
        {"colours": [{"name": "red"}] * 9, "products": [ITEM]},
        "products",
        ["1"],
    ),
    "search hits": ({"hits": {"hits": [{"_id": 5, "_source": ITEM}]}}, "hits.hits._source", ["1"]),
    "schema.org": ({"@graph": [{"sku": "a", "image": "http://h/a"}]}, "@graph", ["a"]),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_rows_are_found(name: str) -> None:
    document, path, items = PLACES[name]
    data = dumped(document)
    assert shown_path(Outline(data).row_path()) == path
    outcomes, notes = read(data)
    assert (ids(outcomes), problems(outcomes)) == (items, [])
    choices = [note for note in notes if note.startswith("the rows are")]
    assert [path.removesuffix(".*") in note for note in choices] == [True] * (path != ".")


def test_shopify_s_products_are_read_as_its_platform_s() -> None:
    with open_catalog(from_path(FEEDS / "c16-shopify-products.json")) as catalog:
        items = [outcome for outcome in catalog if isinstance(outcome, CatalogItem)]
        assert (catalog.format, catalog.preset, catalog.rows) == (Format.JSON, "shopify-json", 2)
    assert [(item.id, len(item.images)) for item in items] == [("111", 2), ("112", 1)]
    assert items[0].payload["title"] == "Coat"


def test_rows_have_the_columns_that_the_caller_names() -> None:
    data = dumped([{"ref_x": "a", "pics": ["http://h/a"], "items": [ITEM]}])
    assert ids(read(data)[0]) == ["1"]
    assert ids(read(data, id="ref_x", images=("pics",))[0]) == ["a"]


def test_the_caller_names_another_place() -> None:
    data = dumped({"shoes": [ITEM], "hats": [OTHER, {**ITEM, "id": 3}]})
    outcomes, notes = read(data)
    assert ids(outcomes) == ["2", "3"]
    assert notes[1] == "the objects at 'shoes' were not read; --row reads those of another place"
    for row in ("shoes", "$.shoes[*]", ".shoes[]", "/shoes"):
        assert ids(read(data, row=row)[0]) == ["1"]
    assert read(data, row="*")[0] == [*read(data, row="shoes")[0], *read(data, row="hats")[0]]


def test_a_place_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadInput, match=r"no object at 'items'; it has .* at 'products'"):
        read(dumped({"products": [ITEM]}), row="items")


def test_the_whole_document_can_be_named() -> None:
    data = dumped({"id": "look", "image": "http://h/l", "items": [ITEM]})
    assert ids(read(data)[0]) == ["1"]
    assert ids(read(data, row=".")[0]) == ["look"]


def test_keys_are_ids_where_rows_have_none() -> None:
    data = dumped({"a-1": {"image": "http://h/a"}, "a-2": {"image": "http://h/b"}})
    outcomes, notes = read(data, id="key")
    assert ids(outcomes) == ["a-1", "a-2"]
    assert "field 'key'" in notes[0]


def test_paths_are_written_in_several_ways() -> None:
    for text in ("data.items", "data/items", "/data/items/", "$.data.items[*]", ".data.items[]"):
        assert told_path(text) == ("data", "items")
    assert told_path(".") == ()
    assert told_path(shown_path(("a.b", "c"))) == ("a.b", "c")


# --- which files these are ----------------------------------------------------------------------

LINE, NEXT = dumped({"id": 1, "image": "http://h/a"}), dumped({"id": 2, "image": "http://h/b"})
KINDS: dict[str, tuple[str, bytes, Format]] = {
    "lines": ("shop.json", LINE + b"\n" + NEXT + b"\n", Format.JSONL),
    "lines without a suffix": ("stdin", LINE + b"\n" + NEXT, Format.JSONL),
    "a damaged line, then lines": ("shop.json", b'{"id": 1, "im\n' + LINE + b"\n" + NEXT, Format.JSONL),
    "one line": ("shop.json", LINE + b"\n", Format.JSONL),
    "one line with objects in it": ("shop.json", dumped(ITEM) + b"\n", Format.JSON),
    "one line that says it is one of many": ("shop.jsonl", LINE + b"\n", Format.JSONL),
    "an array of lines": ("shop.json", b"[\n" + LINE + b",\n" + NEXT + b"\n]", Format.JSON),
    "an array that says it is lines": ("shop.ndjson", b"[" + LINE + b"]", Format.JSON),
    "over several lines": ("shop.json", json.dumps(ITEM, indent=1).encode(), Format.JSON),
    "a list on a line of its own": ("shop.json", b'{"products": [\n' + LINE + b"\n]}", Format.JSON),
    "a longer line than is looked at": ("shop.json", dumped({"products": [ITEM] * 99}), Format.JSON),
    "blank lines first": ("stdin", b"\n\n [" + LINE + b"]", Format.JSON),
    "a mark first": ("stdin", b"\xef\xbb\xbf[" + LINE + b"]", Format.JSON),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_lines_and_documents_are_told_apart(name: str) -> None:
    file, data, expected = KINDS[name]
    found, reader = open_reader(from_stream(io.BytesIO(data), file))
    reader.close()
    assert found is expected


def test_objects_over_several_lines_one_after_another_are_rows() -> None:
    data = b"\n".join(json.dumps(item, indent=2).encode() for item in (ITEM, OTHER))
    outcomes, notes = read(data)
    assert (ids(outcomes), notes) == (["1", "2"], [])


def test_lines_told_to_be_a_document_are_read_all_the_same() -> None:
    assert ids(read(LINE + b"\n" + NEXT, "x.jsonl", format=Format.JSON)[0]) == ["1", "2"]


# --- values -------------------------------------------------------------------------------------


def test_values_are_those_of_json_lines() -> None:
    row = (
        b'{"id":"007","image":"http://h/a","a":1,"b":1.0,"c":-0.5e3,"d":18446744073709551615,"e":123456789012345678901234567890,'
        b'"f":0.1234567890123456789,"g":"\\u00e9\\n","h":null,"i":true,"j":{"k":{"l":[1,"x"]}},"m":[{"n":1}],"a":2}'
    )
    [one] = read(row + b"\n" + row.replace(b"007", b"008"), "shop.jsonl")[0][:1]
    [other] = read(b"[" + row + b"]")[0]
    assert one == other
    assert isinstance(other, CatalogItem)
    assert other.payload["a"] == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
flat_values = json_values.filter(lambda value: not isinstance(value, dict))
objects = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=6), flat_values, max_size=4
)


@given(st.lists(objects, min_size=1, max_size=6), st.integers(1, 9), st.sampled_from([None, 1]))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_however_it_is_cut(
    rows: list[dict[str, Any]], chunk: int, indent: int | None
) -> None:
    data = json.dumps(rows, indent=indent, ensure_ascii=indent is None).encode()
    expected = [orjson.loads(orjson.dumps(row)) for row in rows]
    assert row_values(data, chunk) == row_values(data) == expected


@given(st.lists(json_values, max_size=5), st.integers(1, 40), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_values_end_where_they_end(values: list[Any], chunk: int, limit: int) -> None:
    """A value that is too long is skipped to its end, whatever is in it."""
    pieces = [orjson.dumps(value) for value in values]
    stream = io.BytesIO(b"[" + b" ,\n".join(pieces) + b"]")
    scanner = JsonScanner(lambda _: stream.read(chunk))
    assert scanner.peek() == ord("[")
    found = [scanner.value(limit) for _ in scanner.elements()]
    assert found == [piece if len(piece) <= limit else None for piece in pieces]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_document_gives_rows_or_bad_input(data: st.DataObject) -> None:
    whole = bytearray(json.dumps({"n": 1, "products": [ITEM, OTHER, {"t": 'a"\\b'}]}).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[place] = data.draw(st.sampled_from(b'{}[]",:\\x1\n\xff\0'))
        else:
            del whole[place : place + data.draw(st.integers(1, 30))]
        if not whole:
            return
    try:
        outcomes, _ = read(bytes(whole), format=Format.JSON)
    except BadInput:
        return
    assert all(isinstance(outcome, CatalogItem | RejectedRow) for outcome in outcomes)


# --- damage and attacks -------------------------------------------------------------------------

A, B = dumped(ITEM), dumped(OTHER)
LONG = b'{"id":3,"t":"' + b'\\"' * (MAX_ROW_CHARS // 2) + b'"}'
DEEP = b'{"id":3,"x":' + b"[" * 3000 + b"]" * 3000 + b"}"

DAMAGED: dict[str, tuple[bytes, list[str], list[tuple[int, str]]]] = {
    "a value that is not JSON": (b"[" + A + b',{"id":NaN},' + B + b"]", ["1", "2"], [(2, "malformed_row")]),
    "a comma missing in a row": (b"[" + A + b',{"id":3 "x":1},' + B + b"]", ["1", "2"], [(2, "malformed_row")]),
    "a row that is no object": (b"[" + A + b",7,[8]," + B + b"]", ["1", "2"], [(2, "malformed_row"), (3, "malformed_row")]),
    "half a letter": (b"[" + A + b',{"id":"\\ud800"},' + B + b"]", ["1", "2"], [(2, "malformed_row")]),
    "a byte that is not UTF-8": (b"[" + A + b',{"id":"\xe9"},' + B + b"]", ["1", "2"], [(2, "bad_encoding")]),
    "a row that is too long": (b"[" + A + b"," + LONG + b"," + B + b"]", ["1", "2"], [(2, "row_too_long")]),
    "lists in lists": (b"[" + A + b"," + DEEP + b"," + B + b"]", ["1", "2"], [(2, "malformed_row")]),
    "a comma at the end": (b"[" + A + b"," + B + b",]", ["1", "2"], []),
    "cut off in a row": (b"[" + A + b"," + B[:-9], ["1"], [(2, "unreadable")]),
    "cut off behind a row": (b"[" + A + b"," + B, ["1", "2"], [(3, "unreadable")]),
    "cut off behind the rows": (b'{"products":[' + A + b'],"n":', ["1"], [(2, "unreadable")]),
    "a comma missing between rows": (b"[" + A + B + b"]", ["1"], [(2, "unreadable")]),
    "more behind the end": (b"[" + A + b"] garbage", ["1"], [(2, "unreadable")]),
    "a key without quotes": (b'{"products":[' + A + b"],n:1}", ["1"], [(2, "unreadable")]),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_costs_a_row_or_ends_the_file_and_names_the_place(name: str) -> None:
    data, items, expected = DAMAGED[name]
    outcomes, _ = read(data, encoding="utf-8")
    assert (ids(outcomes), problems(outcomes)) == (items, expected)


def test_the_place_of_damage_is_a_line_too() -> None:
    outcomes, _ = read(b"[\n" + A + b",\n" + B + b"\n" + A + b"\n]")
    assert str(outcomes[-1]) == (
        f"shop.json:3: expected ',' or ']', found {A[:20].decode()!r}, in line 4 of the file"
    )


class _Breaking(_Dripping):
    """A stream that fails at its end, as that of a truncated archive does."""

    def read(self, size: int | None = -1) -> bytes:
        if not (data := super().read(size)):
            raise EOFError("Compressed file ended before the end-of-stream marker was reached")
        return data


@pytest.mark.parametrize("look", [1000, 10**6])
def test_a_stream_that_breaks_off_is_read_up_to_there(
    look: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "LOOK_BYTES", look)
    rows = dumped([{"id": n, "image": "http://h/a"} for n in range(3000)])
    source = from_stream(_Breaking(rows[: rows.index(b'"id":2000')], 5000), "shop.json")
    with open_catalog(source) as catalog:
        outcomes = list(catalog)
    assert (len(ids(outcomes)), problems(outcomes)) == (2000, [(2001, "unreadable")])
    assert "end-of-stream marker" in str(outcomes[-1])


@pytest.mark.parametrize(
    "data",
    [b"[" * 300_000, b'{"a":' * 100_000, b'{"a":[' * 100_000, b'{"' + b"k" * 300_000, b'["' + b"\\" * 300_000],
    ids=["arrays", "objects", "both", "a key", "a string"],
)  # fmt: skip
def test_brackets_without_end_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read(data)


def test_a_string_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_ROW_CHARS", 1000)
    scanner_windows: list[int] = []
    original = JsonScanner._more

    def more(self: JsonScanner, keep: int) -> bool:
        scanner_windows.append(len(self._data) - keep)
        return original(self, keep)

    monkeypatch.setattr(JsonScanner, "_more", more)
    outcomes, _ = read(b"[" + A + b',{"t":"' + b"x" * 5_000_000 + b'"},' + B + b"]")
    assert (ids(outcomes), problems(outcomes)) == (["1", "2"], [(2, "row_too_long")])
    assert max(scanner_windows) < 1_000_000


# --- encodings ----------------------------------------------------------------------------------

TEXT = '[{"id": "größe", "image": "http://h/a"}]'


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode("utf-8-sig"), None),
        (TEXT.encode("utf-16"), None),
        (TEXT.encode("cp1252"), "cp1252"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-16-le"), None),
        (TEXT.encode("utf-32"), None),
        (TEXT.replace("größe", "größe, schön für Äpfel").encode("cp1252"), None),
    ],
)
def test_encodings(data: bytes, encoding: str | None) -> None:
    outcomes, _ = read(data, encoding=encoding)
    assert ids(outcomes)[0].startswith("größe")


def test_a_wrong_encoding_costs_its_rows() -> None:
    data = b"[" + A + ',{"id":"größe","image":"http://h/b"}]'.encode("cp1252")
    outcomes, _ = read(data, encoding="utf-8")
    assert problems(outcomes) == [(2, "bad_encoding")]
    assert "name the file's encoding" in str(outcomes[1])
    outcomes, _ = read(b"[" + A + b',{"id":"\x81","image":"http://h/b"}]', encoding="cp1252")
    assert problems(outcomes) == [(2, "bad_encoding")]


def test_lines_above_the_document_are_skipped_if_told() -> None:
    data = b")]}',\n// a comment\n" + dumped([ITEM])
    assert ids(read(data, skip=2, format=Format.JSON)[0]) == ["1"]
    with pytest.raises(BadInput):
        read(data, format=Format.JSON)


def test_a_reader_closes_its_file() -> None:
    source = from_stream(io.BytesIO(dumped([ITEM])), "shop.json")
    _, reader = open_reader(source, None, ReadingOptions())
    reader.close()
