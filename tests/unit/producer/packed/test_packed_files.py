"""Packed catalogs: each packing is recognised by its first bytes, streamed, and refused or reported if it is damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producer import CatalogOptions, from_path, from_stream, open_catalog
from producer.decompression_limit import DecompressionLimit
from producer.formats import Format
from producer.packed import PACKED_SUFFIXES, PACKINGS, packing_of
from producer.packed.decoders import MAX_WINDOW_BYTES
from producer.preview import preview
from producer.row_errors import FileBrokenOff
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

if TYPE_CHECKING:
    from typing_extensions import Buffer

Outcomes = list[CatalogItem | RejectedRow]
Pack = Callable[[bytes], bytes]
GOOD = b"id,image\nA1,https://h/a.jpg\n"


def zipped(data: bytes, name: str = "shop.csv", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.writestr(name, data)
    return whole.getvalue()


def zipped_by_bzip2(data: bytes) -> bytes:
    return zipped(data, method=zipfile.ZIP_BZIP2)


def stored(data: bytes) -> bytes:
    return zipped(data, method=zipfile.ZIP_STORED)


PACKERS: Mapping[str, Pack] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zip": zipped,
    "zip with bzip2": zipped_by_bzip2,
    "zip, stored": stored,
}
STREAMS = ("gzip", "zstd", "xz", "bzip2")
"""The packings in which one file can be appended to another."""


class Pipe(io.RawIOBase):
    """A stream that cannot seek, and gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._rest = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        return self._rest.readinto(memoryview(buffer)[:1000])


def read(data: bytes, name: str = "shop.csv", unfold: DecompressionLimit | None = None) -> Outcomes:
    with open_catalog(from_stream(io.BytesIO(data), name, unfold=unfold)) as catalog:
        return list(catalog)


def ids(outcomes: Outcomes) -> list[str]:
    return [outcome.id for outcome in outcomes if isinstance(outcome, CatalogItem)]


def many_rows(count: int = 5000) -> bytes:
    """Rows that compress badly, so that a half of the file holds many of them."""
    draw = random.Random(1)
    rows = "".join(f"{number},http://h/{draw.getrandbits(64)}\n" for number in range(count))
    return f"id,image\n{rows}".encode()


def test_every_packing_of_the_table_is_tried_here() -> None:
    assert {packing_of(pack(GOOD)) for pack in PACKERS.values()} == set(PACKINGS)
    assert set(PACKED_SUFFIXES) == {".gz", ".zst", ".xz", ".bz2", ".zip"}
    assert packing_of(GOOD) is None
    assert packing_of(b"BZhoe,image\n") is None


@pytest.mark.parametrize("kind", PACKERS)
def test_it_is_recognised_by_content_not_by_name(kind: str) -> None:
    assert ids(read(PACKERS[kind](GOOD), "shop.csv")) == ["A1"]
    assert ids(read(PACKERS[kind](GOOD), "stdin")) == ["A1"]


@pytest.mark.parametrize("kind", PACKERS)
def test_it_is_read_from_a_pipe(kind: str) -> None:
    data = PACKERS[kind](many_rows())
    source = from_stream(io.BufferedReader(Pipe(data)), "stdin")
    with open_catalog(source) as catalog:
        assert len(ids(list(catalog))) == 5000


@pytest.mark.parametrize("kind", PACKERS)
def test_a_preview_reads_it_twice(kind: str) -> None:
    data = b"not ours" + PACKERS[kind](GOOD)
    stream = io.BytesIO(data)
    stream.seek(8)
    assert preview_items(stream) == 1


def preview_items(stream: io.BytesIO) -> int:
    return preview(from_stream(stream, "shop.csv"), CatalogOptions()).report.items


@pytest.mark.parametrize("packing", PACKINGS, ids=lambda packing: packing.title)
def test_the_table_s_suffix_is_before_the_packing_s(packing: object) -> None:
    kind = packing.title  # type: ignore[attr-defined]
    suffix = packing.suffix  # type: ignore[attr-defined]
    data = PACKERS[kind](b"id\timage\ttitle, with commas\nA1\thttps://h/a.jpg\tx\n")
    source = from_stream(io.BytesIO(data), f"SHOP.TSV{suffix.upper()}")
    with open_catalog(source) as catalog:
        assert catalog.format is (Format.CSV if kind == "zip" else Format.TSV)
        assert ids(list(catalog)) == ["A1"]


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_a_cut_file_gives_its_rows_and_then_a_problem_that_says_where(
    kind: str, kept: float
) -> None:
    data = PACKERS[kind](many_rows(60_000))
    outcomes = read(data[: int(len(data) * kept)], "shop.csv")
    last = outcomes[-1]
    assert isinstance(last, RejectedRow)
    assert last.code == "unreadable"
    assert last.message.startswith("the file cannot be read further: ")
    assert len(ids(outcomes)) > 1000
    assert last.line is not None
    assert last.line >= len(outcomes)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_file_that_is_broken_at_its_head_names_its_packing(kind: str) -> None:
    data = PACKERS[kind](GOOD)
    for broken in (data[:14], data[:24]):
        with pytest.raises(BadInput, match=r"^shop\.csv[ :]") as caught:
            read(broken)
        assert ".." not in str(caught.value)


@pytest.mark.parametrize("kind", STREAMS)
def test_files_that_were_appended_are_all_read(kind: str) -> None:
    pack = PACKERS[kind]
    data = pack(GOOD) + pack(b"A2,https://h/b.jpg\n") + pack(b"") + pack(b"A3,https://h/c.jpg\n")
    assert ids(read(data)) == ["A1", "A2", "A3"]


@pytest.mark.parametrize("kind", STREAMS)
def test_bytes_after_the_end_are_reported_unless_they_are_zeros(kind: str) -> None:
    data = PACKERS[kind](GOOD)
    assert ids(read(data + b"\0" * 512)) == ["A1"]
    good, bad = read(data + b"and some text")
    assert isinstance(good, CatalogItem)
    assert isinstance(bad, RejectedRow)
    assert bad.code == "unreadable"


@pytest.mark.parametrize("outer", PACKERS)
@pytest.mark.parametrize("inner", ["gzip", "zstd", "zip"])
def test_a_file_that_is_packed_twice_is_refused_by_name(outer: str, inner: str) -> None:
    title = outer.partition(" ")[0].rstrip(",")
    with pytest.raises(BadInput, match=f"shop.csv is packed twice: {inner} within {title}"):
        read(PACKERS[outer](PACKERS[inner](GOOD)))


@pytest.mark.parametrize("kind", PACKERS)
def test_an_empty_table_is_reported_as_one(kind: str) -> None:
    with pytest.raises(BadInput, match="is empty"):
        read(PACKERS[kind](b""))


def test_a_window_that_takes_too_much_memory_is_refused_with_the_way_out() -> None:
    settings_ = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    compressing = zstandard.ZstdCompressor(compression_params=settings_).compressobj()
    data = compressing.compress(GOOD) + compressing.flush()
    with pytest.raises(BadInput, match=r"128 MiB of memory; pack it with a smaller window"):
        read(data)
    filters = [
        {
            "id": lzma.FILTER_LZMA2,
            "dict_size": 2 * MAX_WINDOW_BYTES,
            "mode": lzma.MODE_FAST,
            "mf": lzma.MF_HC3,
        }
    ]
    header = lzma.compress(b"", lzma.FORMAT_XZ, filters=filters)
    assert header.startswith(b"\xfd7zXZ")
    small = [{"id": lzma.FILTER_LZMA2, "preset": 9}]
    assert ids(read(lzma.compress(GOOD, filters=small))) == ["A1"]


def test_a_skippable_frame_is_passed_over() -> None:
    """`pzstd` writes one at the beginning."""
    frame = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size"
    assert ids(read(frame + zstandard.compress(GOOD) + frame)) == ["A1"]


@pytest.mark.parametrize("kind", ["tar", "7z", "rar", "lz4"])
def test_other_packings_are_refused_by_name(kind: str) -> None:
    data, named = {
        "tar": (b"shop.csv".ljust(257, b"\0") + b"ustar\x0000", "a tar archive"),
        "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive"),
        "rar": (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
        "lz4": (b"\x04\x22\x4d\x18\x64", "an LZ4 file"),
    }[kind]
    with pytest.raises(BadInput, match=rf"shop\.csv is {named}, not a table\. Unpack it"):
        read(data)
    with pytest.raises(BadInput, match=named):
        read(gzip.compress(data))


def test_a_packed_file_of_this_machine_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv.zst"
    path.write_bytes(zstandard.compress(GOOD))
    with open_catalog(from_path(path)) as catalog:
        assert ids(list(catalog)) == ["A1"]


# --- bombs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in PACKERS if not kind.startswith("zip")])
@pytest.mark.parametrize("total", [100_000, 10**9], ids=["in all", "its multiple"])
def test_a_bomb_ends_where_it_unfolds_too_far_and_says_where(
    monkeypatch: pytest.MonkeyPatch, kind: str, total: int
) -> None:
    monkeypatch.setattr("producer.decompression_limit.FREE_BYTES", 50_000)
    data = PACKERS[kind](b"id,image\n1,http://h/a\n" + b"\n" * 8_000_000)
    outcomes = read(data, unfold=DecompressionLimit(total))
    assert ids(outcomes) == ["1"]
    last = outcomes[-1]
    assert isinstance(last, RejectedRow)
    assert last.code == "unreadable"
    assert "it unfolds to more than" in last.message
    assert "`vitrine submit`" in last.message
    assert last.line is not None
    assert 3 <= last.line < 4_000_000


@pytest.mark.parametrize("kind", ["zip", "zip with bzip2"])
def test_an_archive_that_says_itself_that_it_is_a_bomb_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("producer.decompression_limit.FREE_BYTES", 50_000)
    data = PACKERS[kind](b"id,image\n1,http://h/a\n" + b"\n" * 8_000_000)
    with pytest.raises(BadInput, match=r"shop\.csv unfolds to more than"):
        read(data, unfold=DecompressionLimit(10**9))
    assert ids(read(data)) == ["1"]  # a file of this machine


def test_an_archive_without_a_directory_is_counted_as_it_unfolds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("producer.decompression_limit.FREE_BYTES", 50_000)
    data = zipped(b"id,image\n1,http://h/a\n" + b"\n" * 8_000_000)
    streamed = bytearray(data[: data.index(b"PK\x01\x02")])
    streamed[6] |= 8  # the sizes follow
    *_, last = read(bytes(streamed), unfold=DecompressionLimit(10**9))
    assert isinstance(last, RejectedRow)
    assert "it unfolds to more than" in last.message


# --- damage -------------------------------------------------------------------------------------

SAMPLES = {kind: pack(many_rows(300)) for kind, pack in PACKERS.items()}
Change = tuple[int, int]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(SAMPLES)),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6),
    cut=st.floats(0, 1),
    tail=st.binary(max_size=40),
)
def test_a_damaged_file_gives_rows_or_a_problem_and_never_a_crash(
    kind: str, changes: list[Change], cut: float, tail: bytes
) -> None:
    data = bytearray(SAMPLES[kind])
    for place, value in changes:
        data[place % len(data)] = value
    damaged = bytes(data[: int(len(data) * cut)]) + tail
    for stream in (io.BytesIO(damaged), io.BufferedReader(Pipe(damaged))):
        source = from_stream(stream, "shop.csv", unfold=DecompressionLimit(10**7))
        try:
            with open_catalog(source) as catalog:
                assert all(isinstance(found, CatalogItem | RejectedRow) for found in catalog)
        except (BadInput, FileBrokenOff) as error:
            assert str(error).startswith("shop.csv")  # noqa: PT017


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(sorted(SAMPLES)), place=st.floats(0, 1), bit=st.integers(0, 7))
def test_what_is_lost_to_damage_is_reported(kind: str, place: float, bit: int) -> None:
    """A flipped bit either costs nothing, or a row or the file's end is reported."""
    data = bytearray(SAMPLES[kind])
    data[int(place * (len(data) - 1))] ^= 1 << bit
    try:
        outcomes = read(bytes(data))
    except BadInput:
        return
    good = len(ids(outcomes))
    assert good == 300 or good < len(outcomes)
