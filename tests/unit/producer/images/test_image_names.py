"""A dry run's notes on names that are neither URLs nor files."""

from __future__ import annotations

from pathlib import Path

from producer import CatalogOptions, from_path, open_catalog
from vitrine.core.types import CatalogItem


def notes(folder: Path, table: str, *, check: bool = True, root: str | None = None) -> list[str]:
    path = folder / "shop.csv"
    path.write_text(table)
    options = CatalogOptions(allow_files=True, check_files=check, image_root=root)
    with open_catalog(from_path(path), options) as catalog:
        assert all(isinstance(outcome, CatalogItem) for outcome in catalog)
        return catalog.notes()


def test_hosts_and_missing_files_are_counted_with_their_first_rows(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    rows = [
        "a.jpg",
        "b.jpg",
        "www.shop.example/c.jpg",
        "https://h/d",
        *(f"{n}.jpg" for n in range(4)),
    ]
    table = "id,image\n" + "".join(f"{n},{image}\n" for n, image in enumerate(rows))
    assert notes(tmp_path, table) == [
        (
            f"1 picture name is neither a URL nor a file beneath {tmp_path}, but looks like a host (is https:// missing?): "
            "'www.shop.example/c.jpg' in row 3 (line 4)"
        ),
        (
            f"5 picture names are neither URLs nor files beneath {tmp_path}: 'b.jpg' in row 2 (line 3), "
            "'0.jpg' in row 5 (line 6), '1.jpg' in row 6 (line 7), …"
        ),
    ]
    assert notes(tmp_path, table, check=False) == []


def test_below_a_prefix_only_hosts_are_doubtful(tmp_path: Path) -> None:
    table = "id,image\n1,shop.example/c.jpg\n2,b.jpg\n3,//cdn.example/a.jpg\n"
    assert notes(tmp_path, table, root="https://cdn.example/m") == [
        (
            "1 picture name is read as a path below https://cdn.example/m/, but looks like a host (is https:// missing?): "
            "'shop.example/c.jpg' in row 1 (line 2)"
        )
    ]
