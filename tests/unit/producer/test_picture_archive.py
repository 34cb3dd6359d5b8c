from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producer import CatalogOptions, open_catalog
from producer.decompression_limit import FREE_BYTES, DecompressionLimit
from producer.picture_archive import PictureArchive, holds_pictures, unpack
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem

PICTURE = b"\xff\xd8\xff\xe0 a picture"


def zipped(members: dict[str, bytes]) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return io.BytesIO(made.getvalue())


def unpacked(members: dict[str, bytes], into: Path) -> PictureArchive:
    archive = unpack(zipped(members), "trial.zip", into)
    assert archive is not None
    return archive


def items(archive: PictureArchive) -> list[CatalogItem]:
    with open_catalog(archive.source("trial.zip"), CatalogOptions(allow_files=True)) as catalog:
        return [one for one in catalog if isinstance(one, CatalogItem)]


def test_a_table_and_its_pictures(tmp_path: Path) -> None:
    members = {
        "trial/catalog.csv": b"id,image,price\n1,pictures/a.jpg,5\n2,pictures/b.png,6\n",
        "trial/pictures/a.jpg": PICTURE,
        "trial/pictures/b.png": PICTURE,
        "__MACOSX/trial/._catalog.csv": b"x",
        "trial/.DS_Store": b"x",
        "trial/readme.md": b"x",
    }
    archive = unpacked(members, tmp_path)
    assert archive.table == archive.folder / "trial/catalog.csv"
    assert not (archive.folder / "trial/readme.md").exists()
    found = items(archive)
    assert [item.payload for item in found] == [{"price": 5}, {"price": 6}]
    assert (archive.folder / "trial/pictures/a.jpg").as_uri() == found[0].images[0]


def test_pictures_alone_are_a_folder(tmp_path: Path) -> None:
    archive = unpacked({"coats/a.jpg": PICTURE, "hats/b.webp": PICTURE}, tmp_path)
    assert archive.table is None
    assert [item.id for item in items(archive)] == ["coats/a.jpg", "hats/b.webp"]


def test_one_archive_is_unpacked_once(tmp_path: Path) -> None:
    first = unpacked({"a.jpg": PICTURE}, tmp_path)
    (first.folder / "a.jpg").write_bytes(b"kept")
    assert unpacked({"a.jpg": PICTURE}, tmp_path).folder == first.folder
    assert (first.folder / "a.jpg").read_bytes() == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == [first.folder.name]


def test_other_files_are_no_archive_of_pictures(tmp_path: Path) -> None:
    for file in (io.BytesIO(b"id,image\n"), zipped({"catalog.csv": b"id,image\n"})):
        assert unpack(file, "f", tmp_path) is None
        assert not holds_pictures(file, "f")
        assert file.tell() == 0
    assert holds_pictures(zipped({"a.jpg": PICTURE}), "f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../a.jpg", "leaves the archive"),
        ("x/../../a.jpg", "leaves the archive"),
        ("/etc/a.jpg", "absolute path"),
        ("c:\\a.jpg", "control characters"),
        ("a\x07.jpg", "control characters"),
        ("x" * 2000 + ".jpg", "too long"),
    ],
)
def test_unsafe_names_are_refused(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        unpack(zipped({name: PICTURE}), "t.zip", tmp_path)
    assert list(tmp_path.rglob("*")) == []


def test_links_are_refused(tmp_path: Path) -> None:
    made = io.BytesIO()
    link = zipfile.ZipInfo("a.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BadInput, match="a link"):
        unpack(made, "t.zip", tmp_path)


def test_several_tables_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"several tables: 'a.csv', 'b.jsonl'"):
        unpack(zipped({"a.csv": b"", "b.jsonl": b"", "a.jpg": PICTURE}), "t.zip", tmp_path)


def test_a_bomb_ends_where_it_unfolds_too_far(tmp_path: Path) -> None:
    bomb = zipped({"a.jpg": bytes(FREE_BYTES + 1)})
    with pytest.raises(BadInput, match="cannot be unpacked"):
        unpack(bomb, "t.zip", tmp_path, DecompressionLimit(2 * FREE_BYTES))
    assert list(tmp_path.iterdir()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_damaged_archive_is_refused_or_unpacked_beneath_its_folder(
    tmp_path: Path, data: st.DataObject
) -> None:
    raw = bytearray(zipped({"c.csv": b"id,image\n1,a.jpg\n", "a.jpg": PICTURE * 20}).getvalue())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=6)):
        raw[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    into = tmp_path / "into"
    into.mkdir(exist_ok=True)
    try:
        archive = unpack(
            io.BytesIO(bytes(raw[:cut] if data.draw(st.booleans()) else raw)), "t.zip", into
        )
    except BadInput:
        return
    assert archive is None or archive.folder.parent == into
    assert {path.name for path in tmp_path.iterdir()} == {"into"}
