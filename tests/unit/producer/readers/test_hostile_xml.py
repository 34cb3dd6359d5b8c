"""XML that somebody made to do harm, or that a tool made badly: good rows are taken, and problems have their place."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from producer import CatalogOptions, from_stream, open_catalog
from producer.limits import MAX_CELL_CHARS, MAX_ROW_CHARS
from producer.readers.xml.elements import MAX_ROW_ELEMENTS
from producer.readers.xml.parser import MAX_DEPTH, MAX_TOKEN_BYTES
from tests.conftest import REPOSITORY
from tests.patience import PATIENCE
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

Outcomes = list[CatalogItem | RejectedRow]


def row(item: str | bytes, more: bytes = b"") -> bytes:
    name = item if isinstance(item, bytes) else item.encode()
    return b"<item><id>%s</id><image>http://h/a.jpg</image>%s</item>\n" % (name, more)


def feed(*rows: bytes) -> bytes:
    """Two good rows, in lines 2 and 3, and these."""
    return b"<feed>\n" + row("a") + row("b") + b"".join(rows) + b"</feed>"


def read(data: bytes, options: CatalogOptions | None = None) -> Outcomes:
    with open_catalog(from_stream(io.BytesIO(data), "f.xml"), options) as catalog:
        return list(catalog)


def ids(outcomes: Outcomes) -> list[str]:
    return [one.id for one in outcomes if isinstance(one, CatalogItem)]


def problems(outcomes: Outcomes) -> list[tuple[int | None, str, str]]:
    return [(one.line, one.code, one.message) for one in outcomes if isinstance(one, RejectedRow)]


# Declarations and entities --------------------------------------------------------------------------

LAUGHS = (
    '<!DOCTYPE feed [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{"&a;" * 10}">' for n in range(10))
    + "]>"
)


@pytest.mark.parametrize(
    "doctype",
    [
        LAUGHS,
        f'<!DOCTYPE feed [<!ENTITY a "{"x" * 100_000}">]>',
        '<!DOCTYPE feed [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE feed [<!ENTITY % p SYSTEM "http://h/evil.dtd"> %p;]>',
        '<!DOCTYPE feed SYSTEM "http://h/x.dtd" [<!ATTLIST item id CDATA "1">]>',
        "<!DOCTYPE feed [<!ELEMENT item ANY>]>",
    ],
)
def test_declarations_are_refused_by_name(doctype: str) -> None:
    with pytest.raises(BadInput, match=r"f\.xml:1: .*entity declarations are not read"):
        read(doctype.encode() + feed(row("&a;")))


def test_a_dtd_is_neither_needed_nor_read(tmp_path: Path) -> None:
    dtd = tmp_path / "x.dtd"
    dtd.write_text('<!ENTITY a "expanded">')
    doctype = f'<!DOCTYPE feed SYSTEM "{dtd.as_uri()}">\n'.encode()
    outcomes = read(doctype + feed(row("&a;"), row("c&nbsp;d&euro;")))
    assert ids(outcomes) == ["a", "b", "c\xa0d€"]
    assert problems(outcomes) == [
        (5, "malformed_row", "&a; is not declared; write &amp; for an ampersand")
    ]


def test_named_characters_of_html_are_known_in_a_standalone_document() -> None:
    declaration = b'<?xml version="1.0" standalone="yes"?>'
    assert ids(read(declaration + feed(row("&auml;"))))[-1] == "ä"


# Limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "field", "says"),
    [
        (row("x" * (MAX_ROW_CHARS + 1)), None, "longer than 4 MiB"),
        (row("c", b"<t>%s</t>" % (b"x" * (MAX_CELL_CHARS + 1))), "t", "a text of more than 1 MiB"),
        (row("c", b"<t><![CDATA[%s]]></t>" % (b"<" * 20_000_000)), None, "longer than 4 MiB"),
        (row("c", b"<a/>" * (3 * MAX_ROW_ELEMENTS)), None, "more than 20,000 elements"),
        (row("c", b"<a>" * 20 + b"</a>" * 20), "a.a.a.a.a.a.a.a.a", "nested more than 8 deep"),
        (
            row("c", b"<a><b>x</b></a>" * 2 + b"<a><b>%s</b></a>" % (b"<c>" * 9 + b"</c>" * 9)),
            None,
            "nested more",
        ),
    ],
)
def test_a_row_above_a_limit_costs_only_itself(bad: bytes, field: str | None, says: str) -> None:
    outcomes = read(feed(bad, row("d")))
    assert ids(outcomes) == ["a", "b", "d"]
    [problem] = [one for one in outcomes if isinstance(one, RejectedRow)]
    assert problem.line == 4
    assert field in (problem.field, None)
    assert says in problem.message


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"<item>" + b"<a>" * 40_000, f"nested more than {MAX_DEPTH:,} deep"),
        (b"<x>" * 40_000, f"nested more than {MAX_DEPTH:,} deep"),
        (b"<!--%s-->" % (b"x" * 3 * MAX_TOKEN_BYTES), "a tag or comment longer than 1 MiB"),
        (b'<item a="%s"/>' % (b"\xff" * 3 * MAX_TOKEN_BYTES), "a tag or comment longer than 1 MiB"),
        (b"<item %s/>" % b" ".join(b'a%d=""' % n for n in range(300_000)), "a tag or comment"),
    ],
)
def test_the_file_ends_where_it_would_take_too_much_memory(bad: bytes, says: str) -> None:
    tracemalloc.start()
    try:
        outcomes = read(feed(bad, row("d")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ids(outcomes) == ["a", "b"]
    *_, (line, code, message) = problems(outcomes)
    assert (line, code) == (4, "unreadable")
    assert says in message
    assert peak < 64 * 2**20 + 4 * len(bad)


def test_the_file_ends_after_too_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.readers.xml.parser.MAX_NAMES", 5000)
    outcomes = read(feed(*(b"<item><n%d/></item>\n" % number for number in range(20_000))))
    assert ids(outcomes) == ["a", "b"]
    line, code, message = problems(outcomes)[-1]
    assert code == "unreadable"
    assert line is not None
    assert 5000 < line < 10_000
    assert message == "more than 5,000 different names of elements and attributes"


@pytest.mark.parametrize("before", [b"<!---->" * 500, b"<?x?>" + b" \n" * 1500, b"<?x?>" * 600])
def test_much_before_the_first_element_takes_linear_time(before: bytes) -> None:
    assert ids(read(before + feed())) == ["a", "b"]


def test_more_paths_than_are_remembered_hide_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.readers.xml.outline.MAX_PATHS", 20)
    odd = b"<odd>" + b"".join(b"<n%d/>" % number for number in range(1000)) + b"</odd>"
    assert ids(read(feed(odd, row("c")))) == ["a", "b", "c"]


def test_deeply_mixed_text_in_a_row_is_read_without_recursion() -> None:
    deep = b"<t>x" + b"<b>" * 900 + b"y" + b"</b>" * 900 + b"</t>"
    [*_, last] = read(feed(row("c", deep)))
    assert isinstance(last, CatalogItem)
    assert last.payload == {"t": "xy"}


def many(count: int) -> Iterator[bytes]:
    yield b"<feed>"
    for number in range(count):
        yield row(str(number), b"<t>%s</t><images><image>x</image></images>" % (b"x" * 1000))
    yield b"</feed>"


class Streamed(io.RawIOBase):
    """A document that is made while it is read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size and (part := next(self._parts, b"")):
            self._left += part
        data, self._left = self._left[:size], self._left[size:]
        return data


def test_memory_does_not_grow_with_the_file() -> None:
    tracemalloc.start()
    try:
        source = from_stream(cast("io.BufferedReader", Streamed(many(20_000))), "f.xml")
        with open_catalog(source, CatalogOptions(images=("image",))) as catalog:
            outcomes = iter(catalog)
            for _ in range(3000):
                next(outcomes)
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            rest = sum(isinstance(one, CatalogItem) for one in outcomes)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rest == 17_000
    # SeenIds keeps a few bytes for each item.
    assert peak - before < 6 * 2**20


_READ = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from tests.unit.producer.readers import test_hostile_xml as hostile
from producer import CatalogOptions, from_stream, open_catalog
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + 96 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, most))
with open_catalog(from_stream(hostile.Streamed(hostile.many(200_000)), "f.xml"), CatalogOptions(images=("image",))) as catalog:
    print(sum(1 for _ in catalog))
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits of memory are Linux's")
def test_a_file_of_200_mb_is_read_in_little_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(REPOSITORY)],
        capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "200000"


# Encodings ------------------------------------------------------------------------------------------

DECLARED = '<?xml version="1.0" encoding="{}"?>\n'


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("UTF-16", "utf-16"),
        ("UTF-16", "utf-16-le"),
        ("UTF-16", "utf-16-be"),
        ("utf-16", "utf-8"),
        ("UTF-32", "utf-32"),
        ("windows-1252", "cp1252"),
        ("ISO-8859-1", "cp1252"),
        ("iso-8859-15", "iso8859-15"),
        ("us-ascii", "utf-8"),
    ],
)
def test_an_encoding_is_that_of_the_mark_or_the_declaration(declared: str, codec: str) -> None:
    document = DECLARED.format(declared) + feed(row("é€")).decode()
    assert ids(read(document.encode(codec))) == ["a", "b", "é€"]


def test_shift_jis() -> None:
    document = (DECLARED.format("Shift_JIS") + feed(row("赤い靴")).decode()).encode("shift_jis")
    assert ids(read(document))[-1] == "赤い靴"


def test_an_encoding_can_be_named() -> None:
    document = feed(row("é")).decode().encode("cp1252")
    assert ids(read(document, CatalogOptions(encoding="cp1252")))[-1] == "é"


@pytest.mark.parametrize("declared", ["klingon", "utf-7", "unicode_escape", "idna", "base64"])
def test_an_encoding_that_is_not_known_is_refused(declared: str) -> None:
    with pytest.raises(BadInput, match=f"f.xml declares the encoding '{declared}', which is not"):
        read(DECLARED.format(declared).encode() + feed())


def test_a_byte_in_another_encoding_costs_its_row_only() -> None:
    one_line = feed(row(b"caf\xe9"), row("c"), row("d", b"<t>\xff\xfe</t>"), row("e")).replace(
        b"\n", b""
    )
    outcomes = read(one_line)
    assert ids(outcomes) == ["a", "b", "c", "e"]
    assert [code for _, code, _ in problems(outcomes)] == ["bad_encoding"] * 2
    assert "found the byte 0xE9" in problems(outcomes)[0][2]


@pytest.mark.parametrize("length", [60_000, 65_500, 130_000, 400_000])
def test_bad_bytes_are_found_in_their_rows_wherever_the_pieces_end(length: int) -> None:
    comment = b"<!--%s-->" % (b"x" * length)
    rows = [row(b"bad%d\xff" % n) if n % 3 else row(f"good{n}") for n in range(300)]
    outcomes = read(feed(comment, *rows))
    assert ids(outcomes) == ["a", "b", *(f"good{n}" for n in range(0, 300, 3))]
    assert len(problems(outcomes)) == 200


def test_utf_16_that_is_cut_within_a_character() -> None:
    outcomes = read(feed().decode().encode("utf-16")[:-1])
    assert ids(outcomes) == ["a", "b"]
    assert problems(outcomes)[0][1] == "unreadable"


def test_characters_that_xml_does_not_allow_are_blanks() -> None:
    data = feed(row("c", b"<t>a\x0bb&#11;&#x1F;&#55357;c&#228;</t>"))
    with open_catalog(from_stream(io.BytesIO(data), "f.xml")) as catalog:
        *_, last = catalog
        assert catalog.notes()[-1] == "Characters that XML does not allow were read as blanks: 4."
    assert isinstance(last, CatalogItem)
    assert str(last.payload["t"]).split() == ["a", "b", "cä"]


# Broken documents -----------------------------------------------------------------------------------


def test_blanks_and_skipped_lines_before_the_declaration() -> None:
    document = b"\n \n" + DECLARED.format("utf-8").encode() + feed(b"<item/>")
    assert problems(read(document))[0][0] == 7
    warned = b"PHP Warning: x < 3\r\n" + document
    outcomes = read(warned, CatalogOptions(skip=1))
    assert (ids(outcomes), problems(outcomes)[0][0]) == (["a", "b"], 8)


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (feed(row("c"))[:-30], 4, "the file ends before its last element does"),
        (feed(b"<item>\n<id>c"), 5, "in the row that begins at line 4"),
        (feed(b"\n<item><id>c</item>", row("d")), 5, "mismatched tag"),
        (feed(row("x & y"), row("d")), 4, "not well-formed"),
        (feed() + b"<feed/>", 4, "junk after document element"),
    ],
)
def test_what_comes_before_a_fault_is_taken(data: bytes, line: int, says: str) -> None:
    outcomes = read(data)
    assert ids(outcomes) == ["a", "b"]
    [(where, code, message)] = problems(outcomes)
    assert (where, code) == (line, "unreadable")
    assert says in message


@pytest.mark.parametrize(
    "data", [b"", b"  \n", b"hello, world", b"<", b"<?xml version='1.0'?>", b"\0" * 100]
)
def test_what_is_not_xml_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"^f\.xml"):
        read(data)


class Failing(Streamed):
    def read(self, size: int = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise zlib.error("damaged")
        return data


def test_a_stream_that_fails_is_reported_with_its_line() -> None:
    parts = iter([feed(*(row(str(number)) for number in range(5000)))[:-100]])
    with open_catalog(from_stream(cast("io.BufferedReader", Failing(parts)), "f.xml")) as catalog:
        outcomes = list(catalog)
    assert len(ids(outcomes)) > 4900
    [(line, code, message)] = problems(outcomes)
    assert code == "unreadable"
    assert line is not None
    assert line > 4900
    assert message.endswith("damaged")


def test_whatever_is_changed_in_a_feed_nothing_else_is_raised() -> None:
    pick = random.Random(14)
    good = (REPOSITORY / "tests/cases/feeds/c01-google-rss.xml").read_bytes()
    tokens = [
        b"<",
        b">",
        b"&",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"<item>",
        b"</item>",
        b"\0",
        b"\xff",
        b"&#0;",
        b"<?x?>",
        b'="',
        b"<!DOCTYPE a [",
        b"g:",
    ]
    for _ in range(1500):
        data = bytearray(good)
        for _ in range(pick.randrange(1, 6)):
            at = pick.randrange(len(data))
            change = pick.randrange(4)
            if change == 0:
                data[at] = pick.randrange(256)
            elif change == 1:
                del data[at : at + pick.randrange(1, 40)]
            elif change == 2:
                data[at:at] = pick.choice(tokens)
            else:
                data[at:at] = data[at : at + pick.randrange(1, 200)]
            data = data or bytearray(b"<")
        try:
            outcomes = read(bytes(data))
        except BadInput:
            continue
        for one in outcomes:
            assert isinstance(one, CatalogItem) or len(str(one)) < 1000
