from __future__ import annotations

import csv
import io

import pytest

from vitrine.core.failures_csv import HEADER, ROWS_A_BLOCK, failures_csv, safe_cell
from vitrine.core.types import Failure, FailureReason, ImageRef


def failure(item: str, *, url: str = "https://h.example/a.jpg", detail: str = "gone") -> Failure:
    image = ImageRef(0, item, 2, url)
    return Failure(image, FailureReason.NOT_FOUND, detail, attempts=3, failed_at=1_700_000_000)


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_no_failures_are_a_header() -> None:
    assert rows("".join(failures_csv([]))) == [list(HEADER)]


def test_a_failure_is_a_row() -> None:
    text = "".join(failures_csv([failure("a,b", detail='the host said "no"\nand hung up')]))
    assert rows(text)[1] == [
        "a,b", "2", "https://h.example/a.jpg", "not_found",
        'the host said "no"\nand hung up', "3", "2023-11-14T22:13:20+00:00",
    ]  # fmt: skip
    assert text.endswith("\r\n")


def test_many_failures_stream_in_blocks() -> None:
    many = [failure(str(number)) for number in range(2 * ROWS_A_BLOCK + 1)]
    blocks = list(failures_csv(many))
    assert len(blocks) == 3
    assert [row[0] for row in rows("".join(blocks))[1:]] == [each.image.item_id for each in many]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1"]
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"
    assert rows("".join(failures_csv([failure(cell, url=cell, detail=cell)])))[1][0][0] == "'"


@pytest.mark.parametrize("cell", ["", "sku-1", "https://h.example/=1", "a=b", "'=1"])
def test_plain_text_stays_as_it_is(cell: str) -> None:
    assert safe_cell(cell) == cell
