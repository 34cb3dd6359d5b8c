"""Small files that unpack to huge sizes: memory stays bounded, readable rows are read, and the problem names its place."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producer import CatalogOptions, from_path, from_stream, open_catalog
from producer.decompression_limit import FREE_BYTES, MULTIPLE, DecompressionLimit
from producer.preview import preview
from producer.readers import decoder_process, parquet_process
from tests.patience import PATIENCE
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

Outcomes = list[CatalogItem | RejectedRow]
MEBIBYTE = 1024 * 1024
SPARE = 96 * MEBIBYTE
"""Memory limit of the decoder in these tests, low enough to make a value of 120 MB a bomb."""
READER_SPARE = 384 * MEBIBYTE
"""Memory limit of the reader, Arrow's libraries included."""

_LOOK = """
import json, resource, sys
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
from producer import from_path, open_catalog
from producer.readers import parquet_process
from vitrine.core.types import CatalogItem
parquet_process.MEMORY_BYTES = int(sys.argv[1])
told = {}
for path in sys.argv[3:]:
    with open_catalog(from_path(path)) as catalog:
        outcomes = list(catalog)
    problems = [str(outcome) for outcome in outcomes if not isinstance(outcome, CatalogItem)]
    told[path] = [len(outcomes) - len(problems), problems]
print(json.dumps(told))
"""


def one_value_in_every_row(path: Path) -> Path:
    """A 4 MB value, stored once in a dictionary for 1,024 rows between two good ones: 4 GB if they were read at once."""
    named = pa.array([0] + [1] * 1024 + [0], pa.int32())
    titles = pa.DictionaryArray.from_arrays(named, pa.array(["short", "x" * 4_000_000]))
    pictures = [f"http://h/{n}" for n in range(1026)]
    table = pa.table({"id": pictures, "image": pictures, "title": titles})
    pq.write_table(table, path, compression="zstd", store_schema=False)
    return path


def one_value_in_every_list(path: Path) -> Path:
    """The same with lists, whose element type is a dictionary."""
    named = pa.DictionaryArray.from_arrays(pa.array([0] * 512, pa.int32()), pa.array(["x" * 2**20]))
    lists = pa.ListArray.from_arrays(pa.array([0, *range(512)], pa.int32()), named)
    pictures = [f"http://h/{n}" for n in range(len(lists))]
    table = pa.table({"id": pictures, "image": pictures, "tags": lists})
    pq.write_table(table, path, compression="zstd")
    return path


def one_huge_value(path: Path) -> Path:
    """A value of 120 MB, packed into a few KB, in the second row: too large on its own."""
    title = pa.array(["short", "x" * 120_000_000], pa.large_string())
    table = pa.table({"id": ["a", "b"], "image": ["http://h/a", "http://h/b"], "title": title})
    settings = {"use_dictionary": False, "write_statistics": False, "row_group_size": 1}
    pq.write_table(table, path, compression="zstd", **settings)
    return path


def a_list_of_nulls(path: Path, count: int = 2_000_000) -> Path:
    """A row with a list of millions of nulls, stored as one run of a few bytes."""
    nulls = pa.ListArray.from_arrays(
        pa.array([0, 0, count], pa.int32()), pa.nulls(count, pa.int8())
    )
    table = pa.table({"id": ["a", "b"], "image": ["http://h/a", "http://h/b"], "tags": nulls})
    pq.write_table(table, path, compression="zstd", write_statistics=False)
    return path


def read(path: Path) -> Outcomes:
    with open_catalog(from_path(path)) as catalog:
        return list(catalog)


def items(outcomes: Outcomes) -> list[str]:
    return [outcome.id for outcome in outcomes if isinstance(outcome, CatalogItem)]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits of memory are Linux's")
def test_no_parquet_file_fills_the_memory(tmp_path: Path) -> None:
    rows = one_value_in_every_row(tmp_path / "rows.parquet")
    lists = one_value_in_every_list(tmp_path / "lists.parquet")
    huge = one_huge_value(tmp_path / "huge.parquet")
    paths = [str(path) for path in (rows, lists, huge)]
    assert sum(path.stat().st_size for path in (rows, lists, huge)) < MEBIBYTE
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, str(SPARE), str(READER_SPARE), *paths],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    good, problems = told[str(rows)]
    assert (good, len(problems)) == (2, 1024)
    assert (
        problems[0] == f"{rows}:2 [title]: a value of 4,000,016 bytes; at most 1,048,576 are read"
    )
    good, problems = told[str(lists)]
    assert (good, len(problems)) == (1, 511)
    assert problems[0].startswith(f"{lists}:2 [tags]: a value of 1,048,")
    good, [problem] = told[str(huge)]
    assert good == 1
    assert problem.startswith(
        f"{huge}:2: the file cannot be read further: it takes more than 96 MiB"
    )


def test_a_list_that_is_a_run_of_nulls_costs_its_row(tmp_path: Path) -> None:
    good, bad = read(a_list_of_nulls(tmp_path / "shop.parquet"))
    assert isinstance(good, CatalogItem)
    assert isinstance(bad, RejectedRow)
    assert (bad.line, bad.field, bad.code) == (2, "tags", "row_too_long")


def test_a_list_column_without_measure_is_refused_by_its_row_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_process, "GROUP_VALUES", 1_000_000)
    path = a_list_of_nulls(tmp_path / "shop.parquet")
    with pytest.raises(
        BadInput, match=r"values of the column 'tags.*' in its row group 1, of 2 rows"
    ):
        read(path)


def test_rows_of_nothing_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.decompression_limit.FREE_BYTES", 100_000)
    path = tmp_path / "shop.parquet"
    empty = pa.nulls(1_000_000, pa.string())
    pq.write_table(pa.table({"id": empty, "image": empty}), path, compression="zstd")
    source = from_stream(
        io.BytesIO(path.read_bytes()), "shop.parquet", unfold=DecompressionLimit(10**9)
    )
    with open_catalog(source) as catalog:
        *_, last = catalog
    assert isinstance(last, RejectedRow)
    assert last.code == "unreadable"
    assert last.line is not None
    assert 1_000 < last.line < 100_000
    assert "unfolds to more than" in last.message


def test_a_decoder_s_place_is_given_back_however_it_ends(tmp_path: Path) -> None:
    """Otherwise the last file would wait forever."""
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table({"id": ["a"], "image": ["http://h/a"]}), good)
    for _ in range(decoder_process.AT_ONCE):
        with good.open("rb") as file:
            parquet_process.DecoderProcess(file, "good.parquet", batch_rows=1).close()
        with io.BytesIO(b"PAR1 and nothing else PAR1") as damaged, pytest.raises(BadInput):
            open_catalog(from_stream(damaged, "bad.parquet"))
    assert items(read(good)) == ["a"]


# --- gzip ---------------------------------------------------------------------------------------


def csv_bomb(size: int) -> bytes:
    """A good row, then `size` bytes of blank lines."""
    return gzip.compress(b"id,image\n1,http://h/a\n" + b"\n" * size)


def line_bomb(size: int) -> bytes:
    """A good row, then one line of `size` bytes."""
    return gzip.compress(b"id,image\n1,http://h/a\n" + b"x" * size)


@pytest.mark.parametrize("bomb", [csv_bomb, line_bomb], ids=["lines", "one line"])
@pytest.mark.parametrize("total", [100_000, 10**9], ids=["in all", "its multiple"])
def test_a_gzip_ends_where_it_unfolds_too_far_and_says_where(
    monkeypatch: pytest.MonkeyPatch, bomb: Callable[[int], bytes], total: int
) -> None:
    monkeypatch.setattr("producer.decompression_limit.FREE_BYTES", 50_000)
    source = from_stream(
        io.BytesIO(bomb(8_000_000)), "shop.csv.gz", unfold=DecompressionLimit(total)
    )
    with open_catalog(source) as catalog:
        first, last = catalog
    assert isinstance(first, CatalogItem)
    assert isinstance(last, RejectedRow)
    assert (last.code, last.source) == ("unreadable", "shop.csv.gz")
    assert last.line is not None
    assert 3 <= last.line < 4_000_000
    assert "it unfolds to more than" in last.message
    assert "`vitrine submit`" in last.message


def test_a_gzip_that_only_is_well_packed_is_read_whole() -> None:
    rows = b"".join(b"%d,http://h/%d\n" % (number, number) for number in range(2000))
    packed = gzip.compress(b"id,image\n" + rows)
    bound = DecompressionLimit(100 * MEBIBYTE)
    assert bound.allowed(len(packed)) == FREE_BYTES
    assert bound.allowed(MEBIBYTE) == min(100 * MEBIBYTE, MULTIPLE * MEBIBYTE)
    with open_catalog(from_stream(io.BytesIO(packed), "shop.csv.gz", unfold=bound)) as catalog:
        assert len(items(list(catalog))) == 2000


def test_a_file_of_one_s_own_may_unfold_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.decompression_limit.FREE_BYTES", 1)
    with open_catalog(from_stream(io.BytesIO(csv_bomb(2_000_000)), "shop.csv.gz")) as catalog:
        assert items(list(catalog)) == ["1"]


def test_a_preview_of_a_gzip_bomb_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.decompression_limit.FREE_BYTES", 50_000)
    source = from_stream(
        io.BytesIO(line_bomb(8_000_000)), "a.csv.gz", unfold=DecompressionLimit(10**9)
    )
    found = preview(source, CatalogOptions())
    assert [column.examples for column in found.columns] == [("1",), ("http://h/a",)]
    assert (found.report.items, found.report.problems[-1].code) == (1, "unreadable")
