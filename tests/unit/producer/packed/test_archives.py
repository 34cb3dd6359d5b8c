"""Zip archives: one table among pictures and hidden files is read; all else is refused by name."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Mapping

import pytest

from producer import from_stream, open_catalog
from producer.formats import Format
from producer.packed import archive as archives
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow

GOOD = b"id,image\nA1,https://h/a.jpg\n"


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return whole.getvalue()


def read(data: bytes) -> tuple[list[CatalogItem | RejectedRow], list[str], Format | None]:
    with open_catalog(from_stream(io.BytesIO(data), "shop.zip")) as catalog:
        return list(catalog), catalog.notes(), catalog.format


def test_the_one_table_is_read_and_what_is_not_is_reported() -> None:
    data = zipped(
        {
            "export/": b"", "export/1.JPG": b"\xff\xd8", "export/2.png": b"x", "export/shop.tsv": b"id\timage\nA1\thttps://h/a.jpg\n",
            "__MACOSX/export/._shop.tsv": b"x", "export/.DS_Store": b"x",
        }
    )  # fmt: skip
    outcomes, notes, found = read(data)
    assert [item.id for item in outcomes if isinstance(item, CatalogItem)] == ["A1"]
    assert found is Format.TSV
    assert notes[:2] == [
        "read 'export/shop.tsv' of the archive",
        "2 pictures within the archive are not read",
    ]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.csv": GOOD, "b.csv": GOOD}, "holds 2 files that could be the table: 'a.csv', 'b.csv'"),
        ({f"{n}.csv": GOOD for n in range(9)}, "holds 9 files .* '4.csv' and 4 more"),
        ({"a.jpg": b"x", ".hidden": b"x"}, "holds no table, only 'a.jpg', '.hidden'"),
        ({}, "holds no table, no file"),
    ],
)
def test_an_archive_without_exactly_one_table_is_refused_with_what_it_holds(
    files: Mapping[str, bytes], told: str
) -> None:
    with pytest.raises(BadInput, match=f"^shop.zip {told}"):
        read(zipped(files))


def test_an_encrypted_archive_is_refused_by_name() -> None:
    data = bytearray(zipped({"shop.csv": GOOD}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadInput, match=r"shop\.zip is encrypted: 'shop\.csv' needs a password"):
        read(bytes(data))


def test_an_archive_that_hides_its_encryption_in_its_directory_is_refused_too() -> None:
    data = bytearray(zipped({"shop.csv": GOOD}))
    data[6] |= 1
    with pytest.raises(BadInput, match="is encrypted"):
        read(bytes(data))


@pytest.mark.parametrize(
    ("method", "named"), [(9, "Deflate64"), (14, "LZMA"), (93, "Zstandard"), (77, "method 77")]
)
def test_an_unusual_method_is_refused_by_name(method: int, named: str) -> None:
    data = bytearray(zipped({"shop.csv": GOOD}))
    struct.pack_into("<H", data, 8, method)
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 10, method)
    with pytest.raises(BadInput, match=rf"'shop\.csv' by {named}\. Pack it with Deflate"):
        read(bytes(data))


def test_a_wrong_checksum_is_reported_after_the_rows() -> None:
    data = bytearray(zipped({"shop.csv": GOOD}, zipfile.ZIP_STORED))
    place = data.index(b"h/a.jpg")
    data[place] = ord("x")
    (good, bad), _, _ = read(bytes(data))
    assert isinstance(good, CatalogItem)
    assert isinstance(bad, RejectedRow)
    assert "checksum is wrong" in bad.message


def test_a_member_that_is_not_where_it_is_listed_is_refused() -> None:
    data = bytearray(zipped({"shop.csv": GOOD}))
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 42, 9)
    with pytest.raises(BadInput, match=re.escape("'shop.csv' is not where it is listed")):
        read(bytes(data))


def test_an_archive_without_its_directory_gives_its_first_table_and_says_what_is_missing() -> None:
    data = zipped({"shop.csv": GOOD, "more.csv": GOOD})
    (good, bad), _, _ = read(data[: data.index(b"PK\x01\x02")])
    assert isinstance(good, CatalogItem)
    assert isinstance(bad, RejectedRow)
    assert "no readable directory" in bad.message
    pictures = zipped({"a.jpg": b"x" * 100, "shop.csv": GOOD})
    with pytest.raises(BadInput, match=r"breaks off; its first file is 'a\.jpg', not a table"):
        read(pictures[: pictures.index(b"PK\x01\x02")])


def test_a_directory_of_too_many_files_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 70_000)
    data = zipped({f"{number}.jpg": b"" for number in range(2000)}, zipfile.ZIP_STORED)
    with pytest.raises(BadInput, match="more files than are read"):
        read(data)


@pytest.mark.parametrize("first", ["[Content_Types].xml", "_rels/.rels", "mimetype"])
def test_a_workbook_is_not_taken_for_an_archive(first: str) -> None:
    data = zipped({first: b"x", "xl/workbook.xml": b"x"})
    with pytest.raises(BadInput, match="workbook"):
        read(data)
    with pytest.raises(BadInput, match="workbook"):  # cut off
        read(data[:60])


def test_an_archive_within_a_stream_that_began_before_it_is_read() -> None:
    stream = io.BytesIO(b"before" + zipped({"shop.csv": GOOD}))
    stream.seek(6)
    with open_catalog(from_stream(stream, "shop.zip")) as catalog:
        assert len(list(catalog)) == 1
