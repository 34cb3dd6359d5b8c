"""Malicious or badly generated catalogs: each row is either a problem with its place, or accepted as plain text."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass

import pytest

from producer import CatalogOptions, from_stream, open_catalog
from producer.decompression_limit import DecompressionLimit
from producer.limits import MAX_ID_BYTES
from producer.preview import preview
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

GOOD = "good,https://h.example/good.jpg,plain"
Place = tuple[int, str]
"""A problem's line and code."""


@dataclass(frozen=True)
class Case:
    """A file, the ids accepted from it, and its problems."""

    name: str
    data: bytes
    ids: tuple[str, ...] = ("good",)
    problems: tuple[Place, ...] = ()


def csv(*rows: str, encoding: str = "utf-8") -> bytes:
    """Return a CSV with a header, a good row, and these rows from line 3."""
    return "".join(f"{row}\n" for row in ("id,image,title", GOOD, *rows)).encode(encoding)


def lines(*rows: object) -> bytes:
    """Return JSON Lines with a good object, then these from line 2."""
    good = {"id": "good", "image": "https://h.example/good.jpg"}
    return b"".join(
        (row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n"
        for row in (good, *rows)
    )


def row(item: str) -> str:
    return f"{item},https://h.example/a.jpg,t"


def deep(levels: int) -> bytes:
    return b'{"id":"b","image":"http://h/b","x":' + b"[" * levels + b"]" * levels + b"}"


TAKEN_IDS = (
    "😀👩‍👩‍👧",
    "../../etc/passwd",
    "..\\..\\x",
    "%2e%2e%2f",
    "-rf",
    "a/b/c",
    "<script>",
    "\u202eevil",
    "é" * 256,
)
"""Accepted as ids: paths, options or markup elsewhere are plain text here, and escaped wherever they are shown."""
FORMULAS = ("=HYPERLINK(1)", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "=1+1")

CASES = {
    **{f"id {ascii(item)[:20]}": Case("a.csv", csv(row(item)), ("good", item)) for item in TAKEN_IDS},
    **{f"formula {cell}": Case("a.csv", csv(row(cell)), ("good", cell)) for cell in FORMULAS},
    "id of 10 KB": Case("a.csv", csv(row("x" * 10_240), row("b")), ("good", "b"), ((3, "bad_id"),)),
    "id of 10 KB of emoji": Case("a.csv", csv(row("😀" * 2_560)), problems=((3, "bad_id"),)),
    "id just too long": Case("a.csv", csv(row("é" * 257)), problems=((3, "bad_id"),)),
    "id with NUL": Case("a.csv", csv(row("b\0c"), row("d")), ("good", "d"), ((3, "bad_id"),)),
    "id with an escape": Case("a.csv", csv(row("b\x1b[31m")), problems=((3, "bad_id"),)),
    "id that is NUL in JSON": Case("a.jsonl", lines({"id": "\0", "image": "http://h/b"}), problems=((2, "bad_id"),)),
    "id that is half a letter": Case(
        "a.jsonl", lines(rb'{"id":"\ud800","image":"http://h/b"}'), problems=((2, "malformed_row"),)
    ),
    "JSON nested in lists": Case("a.jsonl", lines(deep(100_000)), problems=((2, "malformed_row"),)),
    "JSON nested in objects": Case(
        "a.jsonl", lines(b'{"id":"b","x":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001), problems=((2, "malformed_row"),)
    ),
    "JSON nested in a cell": Case("a.csv", csv("b,https://h.example/b.jpg," + "[" * 5_000 + "]" * 5_000), ("good", "b")),
    "pictures nested in a cell": Case("a.csv", csv("b," + "[" * 100_000 + "]" * 100_000 + ",t"), problems=((3, "bad_image"),)),
    "JSON of a number without end": Case(
        "a.jsonl", lines(b'{"id":' + b"9" * 100_000 + b',"image":"http://h/b"}'), problems=((2, "malformed_row"),)
    ),
    "JSON with a key twice": Case("a.jsonl", lines(b'{"id":"b","id":"c","image":"http://h/b"}'), ("good", "c")),
    "mark, then rows": Case("a.csv", csv(row("b"), encoding="utf-8-sig"), ("good", "b")),
    "mark within JSON": Case("a.jsonl", b"\xef\xbb\xbf" + lines(), ("good",)),
    "a second mark within": Case("a.csv", csv(row("\ufeffb")), ("good", "\ufeffb")),
    "UTF-16 with a mark": Case("a.csv", csv(row("é"), encoding="utf-16"), ("good", "é")),
    "Windows-1252": Case("a.csv", csv(row("caf\xe9"), row("d"), encoding="cp1252"), ("good", "caf\xe9", "d")),
    "Shift JIS": Case("a.csv", csv(row("赤い靴"), encoding="shift_jis"), problems=((3, "bad_encoding"),)),
    "overlong UTF-8": Case("a.csv", csv() + b"\xc0\xaf,https://h.example/a.jpg,t\n", problems=((3, "bad_encoding"),)),
    "NULs in a cell": Case("a.csv", csv("b,https://h.example/\0b.jpg,t"), problems=((3, "bad_url"),)),
    "gzip within gzip": Case("a.csv.gz", gzip.compress(gzip.compress(csv())), ids=()),
}  # fmt: skip


def read(name: str, data: bytes) -> list[CatalogItem | RejectedRow]:
    source = from_stream(io.BytesIO(data), name, unfold=DecompressionLimit(2**30))
    with open_catalog(source) as catalog:
        return list(catalog)


@pytest.mark.parametrize("name", list(CASES))
def test_it_is_taken_as_text_or_told_with_its_line(name: str) -> None:
    case = CASES[name]
    if not case.ids:
        with pytest.raises(BadInput, match=case.name):
            read(case.name, case.data)
        return
    outcomes = read(case.name, case.data)
    problems = [outcome for outcome in outcomes if isinstance(outcome, RejectedRow)]
    assert tuple((problem.line, problem.code) for problem in problems) == case.problems
    assert tuple(o.id for o in outcomes if isinstance(o, CatalogItem)) == case.ids
    for problem in problems:
        assert str(problem).startswith(f"{case.name}:{problem.line}")
        assert len(str(problem)) < 1000
        assert str(problem).isprintable()


@pytest.mark.parametrize("name", list(CASES))
def test_a_preview_of_it_tells_the_same(name: str) -> None:
    case = CASES[name]
    source = from_stream(io.BytesIO(case.data), case.name, unfold=DecompressionLimit(2**30))
    if not case.ids:
        with pytest.raises(BadInput, match=case.name):
            preview(source, CatalogOptions())
        return
    report = preview(source, CatalogOptions()).report
    assert report.items == len(case.ids)
    assert tuple((problem.line, problem.code) for problem in report.problems) == case.problems


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_line_of_100_mb_is_one_problem_and_the_rows_after_it_are_read(*, packed: bool) -> None:
    data = csv() + b"b,https://h.example/b.jpg," + b"x" * 100_000_000 + b"\n" + row("c").encode()
    source = from_stream(io.BytesIO(gzip.compress(data, 1) if packed else data), "a.csv")
    with open_catalog(
        source
    ) as catalog:  # a local file: an upload packed this tightly ends earlier
        good, long, after = catalog
    assert isinstance(good, CatalogItem)
    assert isinstance(long, RejectedRow)
    assert (long.line, long.code) == (3, "row_too_long")
    assert isinstance(after, CatalogItem)
    assert after.id == "c"


def test_a_formula_stays_what_it_is_in_every_field() -> None:
    data = b"id,image,title,price\na,https://h.example/a.jpg,=1+1,=2\n"
    [item] = read("a.csv", data)
    assert isinstance(item, CatalogItem)
    assert item.payload == {"title": "=1+1", "price": "=2"}


def test_the_longest_id_is_of_so_many_bytes() -> None:
    good, bad = read("a.csv", b"id,image\n%b,http://h/a\n%b,http://h/b\n" % (
        b"x" * MAX_ID_BYTES, b"x" * (MAX_ID_BYTES + 1),
    ))  # fmt: skip
    assert isinstance(good, CatalogItem)
    assert isinstance(bad, RejectedRow)
    assert (bad.line, bad.field, bad.code) == (3, "id", "bad_id")
