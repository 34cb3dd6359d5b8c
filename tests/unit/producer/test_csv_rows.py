"""Odd CSV files: which rows are read, which problems are reported, and that line numbers stay correct."""

from __future__ import annotations

import gzip
import io
import random

import pytest

from producer import CatalogOptions, catalog_of, from_stream, open_catalog
from producer.limits import MAX_ROW_CHARS
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

Outcomes = list[CatalogItem | RejectedRow]


def read(data: bytes, name: str = "shop.csv", options: CatalogOptions | None = None) -> Outcomes:
    with open_catalog(from_stream(io.BytesIO(data), name), options) as catalog:
        return list(catalog)


def items(outcomes: Outcomes) -> list[CatalogItem]:
    return [outcome for outcome in outcomes if isinstance(outcome, CatalogItem)]


def problems(outcomes: Outcomes) -> list[RejectedRow]:
    return [outcome for outcome in outcomes if isinstance(outcome, RejectedRow)]


def test_a_row_becomes_an_item_with_typed_payload() -> None:
    [item] = read(b"id,image,title,price,stock\nA1,https://h/a.jpg,Shirt,19.50,3\n")
    assert item == CatalogItem(
        "A1", ("https://h/a.jpg",), {"title": "Shirt", "price": 19.5, "stock": 3}
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_header(separator: str) -> None:
    data = f"id{separator}image\nA1{separator}https://h/a.jpg\n".encode()
    assert items(read(data))[0].id == "A1"


def test_a_separator_within_a_quoted_heading_does_not_count() -> None:
    outcomes = read(b'id;image;"a,b,c,d"\nA1;https://h/a.jpg;x\n')
    assert items(outcomes)[0].payload == {"a,b,c,d": "x"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_and_without_a_mark(encoding: str) -> None:
    data = "id,image,title\nÄ1,https://h/a.jpg,größe\n".encode(encoding)
    assert read(data) == [CatalogItem("Ä1", ("https://h/a.jpg",), {"title": "größe"})]


def test_a_row_with_a_broken_byte_is_named_and_the_others_go_on() -> None:
    data = "id,image,title\n1,http://h/a,größe\n2,http://h/b,?\n3,http://h/c,ok\n".encode()
    outcomes = read(data.replace(b"?", b"\xff"))
    assert [item.id for item in items(outcomes)] == ["1", "3"]
    [problem] = problems(outcomes)
    assert (problem.line, problem.code) == (3, "bad_encoding")
    assert "expected UTF-8, found the byte 0xFF at character 14 of line 3" in problem.message


def test_utf_16_that_breaks_off_ends_with_a_problem() -> None:
    rows = "".join(f"{number},http://h/{number}\n" for number in range(3000))
    outcomes = read(f"id,image\n{rows}".encode("utf-16")[:-1])
    assert problems(outcomes)[-1].code == "unreadable"
    assert len(items(outcomes)) > 1000


def test_gzip_is_found_by_content_not_by_name() -> None:
    data = gzip.compress(b"id,image\nA1,https://h/a.jpg\n")
    assert items(read(data, "shop.csv"))[0].id == "A1"
    assert items(read(data, "stdin"))[0].id == "A1"


def test_a_cut_gzip_gives_its_rows_and_then_a_problem_that_says_where() -> None:
    draw = random.Random(1)  # compresses badly, so half of the file holds many rows
    rows = "".join(f"{number},http://h/{draw.getrandbits(64)}\n" for number in range(5000))
    data = gzip.compress(f"id,image\n{rows}".encode())
    outcomes = read(data[: len(data) // 2], "shop.csv.gz")
    assert len(items(outcomes)) > 100
    assert problems(outcomes)[-1].code == "unreadable"
    last = problems(outcomes)[-1]
    assert last.line == len(outcomes) + 1  # the header, and the truncated line
    assert last.message.startswith("the file cannot be read further: ")
    assert str(last).count("shop.csv.gz") == 1
    assert not str(last).endswith(".")


def test_a_gzip_that_breaks_off_within_an_overlong_row_is_a_problem_too() -> None:
    draw = random.Random(2)
    long = "".join(chr(draw.randrange(33, 127)) for _ in range(MAX_ROW_CHARS * 3 // 2))
    data = gzip.compress(f"id,image\n1,http://h/1\n2,'{long.replace(chr(34), 'x')}".encode())
    outcomes = read(data[: len(data) * 9 // 10])
    assert items(outcomes)[0].id == "1"
    assert problems(outcomes)[-1].code == "unreadable"


def test_a_gzip_that_is_broken_at_its_head_names_the_file() -> None:
    good = gzip.compress(b"id,image\n1,http://h/a\n")
    with pytest.raises(BadInput, match=r"^shop\.csv begins like gzip") as caught:
        read(good[:10] + b"\xff" * 40)
    assert ".." not in str(caught.value)
    with pytest.raises(BadInput, match=r"^shop\.csv:1: .* ends in the middle\.$"):
        read(good[:12])


def test_quoted_newlines_keep_the_line_numbers_right() -> None:
    outcomes = read(
        b'id,image,title\n1,http://h/a,"two\nlines"\n2,http://h/b\n3,http://h/c,"x\n\ny"\n,http://h/d,t\n'
    )
    assert items(outcomes)[0].payload["title"] == "two\nlines"
    assert [(p.line, p.code) for p in problems(outcomes)] == [(4, "malformed_row"), (8, "empty_id")]


def test_a_ragged_row_says_how_many_columns_it_has() -> None:
    [problem] = problems(read(b"id,image\nA1,http://h/a,surplus\n"))
    assert problem == RejectedRow("shop.csv", 2, None, "expected 2 columns, found 3")


def test_an_unclosed_quote_costs_only_its_own_row() -> None:
    good = b"".join(b"%d,http://h/%d,t\n" % (number, number) for number in range(2, 200))
    outcomes = read(b'id,image,title\n1,http://h/a,"30 inch\n' + good)
    assert len(items(outcomes)) == 198
    [problem] = problems(outcomes)
    assert problem.line == 2
    assert "not closed" in problem.message


def test_an_unclosed_quote_in_a_large_file_is_noticed_before_the_end() -> None:
    rows = b"".join(b"%d,http://h/%d,%s\n" % (n, n, b"t" * 1000) for n in range(2, 3000))
    outcomes = read(b'id,image,title\n1,http://h/a,"30 inch\n' + rows)
    assert len(items(outcomes)) == 2998
    assert [problem.line for problem in problems(outcomes)] == [2]


def test_a_quote_that_is_not_doubled_is_reported_rather_than_guessed() -> None:
    outcomes = read(b'id,image,title\n1,http://h/a,"30" inch"\n2,http://h/b,t\n')
    assert [(p.line, "doubled" in p.message) for p in problems(outcomes)] == [(2, True)]
    assert items(outcomes)[0].id == "2"


def test_a_huge_line_is_one_problem() -> None:
    data = b"id,image\n1,http://h/a\n2," + b"x" * (MAX_ROW_CHARS + 10) + b"\n3,http://h/c\n"
    outcomes = read(data)
    assert [item.id for item in items(outcomes)] == ["1", "3"]
    assert [(p.line, p.code) for p in problems(outcomes)] == [(3, "row_too_long")]


def test_a_row_of_endless_quoted_lines_is_bounded() -> None:
    endless = b'2,"\n' + b'","\n' * (MAX_ROW_CHARS // 4 + 10)
    outcomes = read(b"id,image\n1,http://h/a\n" + endless)
    assert [item.id for item in items(outcomes)] == ["1"]
    assert problems(outcomes)[0].code == "row_too_long"


def test_blank_lines_are_passed_over_and_counted_as_lines() -> None:
    outcomes = read(b"id,image\n\n1,http://h/a\n\n,http://h/b\n")
    assert [problem.line for problem in problems(outcomes)] == [5]


def test_a_nul_in_an_id_is_refused() -> None:
    [problem] = problems(read(b"id,image\nA\x001,http://h/a\n"))
    assert (problem.field, problem.code) == ("id", "bad_id")
    assert "\\x00" in problem.message


def test_duplicates_name_the_first_line() -> None:
    [problem] = problems(read(b"id,image\n1,http://h/a\n2,http://h/b\n1,http://h/c\n"))
    assert (problem.line, problem.field, problem.code) == (4, "id", "duplicate_id")
    assert "line 2" in problem.message


def test_a_bad_row_does_not_take_its_id() -> None:
    outcomes = read(b"id,image\n1,\n1,http://h/b\n")
    assert [item.id for item in items(outcomes)] == ["1"]
    assert [problem.code for problem in problems(outcomes)] == ["no_image"]


def test_a_column_with_text_among_numbers_stays_text() -> None:
    sizes = [item.payload["size"] for item in items(
        read(b"id,image,size\n1,http://h/a,38\n2,http://h/b,M\n3,http://h/c,40\n")
    )]  # fmt: skip
    assert sizes == ["38", "M", "40"]


def test_a_column_with_fractions_is_floats_throughout() -> None:
    outcomes = read(b"id,image,price\n1,http://h/a,38\n2,http://h/b,1.5\n3,http://h/c,\n")
    first, second, third = items(outcomes)
    assert isinstance(first.payload["price"], float)
    assert (first.payload["price"], second.payload["price"]) == (38.0, 1.5)
    assert "price" not in third.payload


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"id,image\n", "holds no rows"),
        (b"a,b\n1,2\n", "no column named like a picture; it has 'a', 'b'"),
        (b"image,title\nhttp://h/a,2\n", "no column named like an id"),
        (b'id,"image\n', "header cannot be read"),
        (b"PK\x03\x04rest", "shop.csv is a damaged zip archive: it has no directory"),
        (b"\xff\xd8\xff\xe0rest", "a JPEG picture, not a table. Give the folder"),
        (b"\x89PNG\r\n\x1a\nrest", "a PNG picture, not a table"),
        (b"%PDF-1.7", "a PDF document, not a table"),
        (gzip.compress(b"id,image\n1,http://h/a\n", mtime=0)[:12], "ends in the middle"),
    ],
)
def test_what_is_no_catalog_is_refused_with_what_was_seen(data: bytes, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        read(data)


def test_an_option_that_names_no_column_lists_those_there_are() -> None:
    with pytest.raises(
        BadInput, match=r"no column 'foto'; it has 'id', 'image'. Name one of these in --image"
    ):
        read(b"id,image\n", options=CatalogOptions(images=("foto",)))


def test_payload_columns_can_be_chosen() -> None:
    options = CatalogOptions(payload=("title",))
    [item] = items(read(b"id,image,title,notes\n1,http://h/a,t,n\n", options=options))
    assert item.payload == {"title": "t"}


def test_objects_at_hand_are_a_catalog_too() -> None:
    with catalog_of([{"id": 7, "images": ["http://h/a"], "price": 3}]) as catalog:
        assert list(catalog) == [CatalogItem("7", ("http://h/a",), {"price": 3})]


def test_the_payload_s_kinds_are_known_once_rows_are_drawn() -> None:
    data = (
        b"id,image,title,price,size,stock,note\n1,http://h/a,t,3,38,7,\n2,http://h/b,u,4.5,M,8,\n"
    )
    with open_catalog(from_stream(io.BytesIO(data), "shop.csv")) as catalog:
        assert catalog.payload is None
        list(catalog)
        assert catalog.payload == {
            "title": "text",
            "price": "float",
            "size": "text",
            "stock": "int",
            "note": "empty",
        }
