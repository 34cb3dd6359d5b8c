"""The allowed sources of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.image_url import ImageRoot, image_root
from producer.limits import MAX_URL_CHARS
from producer.row_errors import RowError, shown
from vitrine.core.errors import BadInput

NOWHERE = ImageRoot()


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://h.example/a.jpg?x=1,2#f", "https://h.example/a.jpg?x=1,2#f"),
        ("HTTP://H.example/A", "http://H.example/A"),
        ("//cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("https://h.example/my shoe.jpg", "https://h.example/my%20shoe.jpg"),
        ("https://h.example/a@2x.jpg", "https://h.example/a@2x.jpg"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
    ],
)
def test_http_urls_are_taken_and_mended(value: str, url: str) -> None:
    assert NOWHERE.url(value) == url


@pytest.mark.parametrize(
    "value",
    [
        "ftp://h/a", "data:image/png;base64,AA", "javascript:x", "http://", "https:///a", "http:a",
        "http://u:secret@h/a", "http://h/a\nb", "http://h/\x00", "relative.jpg", "/absolute.jpg",
        "file:///etc/passwd", "https://h/" + "x" * MAX_URL_CHARS, "http://h/" + " " * 2000,
    ],
)  # fmt: skip
def test_everything_else_is_a_flaw_without_files(value: str) -> None:
    with pytest.raises(RowError) as caught:
        NOWHERE.url(value)
    assert caught.value.code == "bad_url"
    assert "secret" not in caught.value.message


def test_paths_beneath_the_folder_become_file_urls(tmp_path: Path) -> None:
    root = image_root(None, tmp_path, allow_files=True)
    base = f"file://{tmp_path.resolve()}"
    assert root.url("a b/ü.jpg") == f"{base}/a%20b/%C3%BC.jpg"
    assert root.url("x/../a.jpg") == f"{base}/a.jpg"
    assert root.url(f"{tmp_path}/a.jpg") == f"{base}/a.jpg"
    assert root.url(f"{base}/a%20b.jpg") == f"{base}/a%20b.jpg"
    assert root.url(f"file://localhost{tmp_path.resolve()}/a.jpg") == f"{base}/a.jpg"


def test_a_folder_named_through_a_link_takes_paths_of_both_names(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real, target_is_directory=True)
    root = image_root(str(link), None, allow_files=True)
    wanted = f"file://{real.resolve()}/a.jpg"
    assert root.url(f"{link}/a.jpg") == root.url(f"{real.resolve()}/a.jpg") == wanted


@pytest.mark.parametrize(
    "value",
    ["../a.jpg", "/etc/passwd", "x/../../a.jpg", "file:///etc/passwd", "file:///tmp/../etc/x",
     "file://host/a.jpg", "file:a.jpg", ".", "file:///%00"],
)  # fmt: skip
def test_no_path_leaves_its_folder(tmp_path: Path, value: str) -> None:
    with pytest.raises(RowError) as caught:
        image_root(None, tmp_path, allow_files=True).url(value)
    assert caught.value.code == "bad_url"


def test_a_neighbour_whose_name_begins_alike_is_outside(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    with pytest.raises(RowError, match="outside"):
        image_root(str(root), None, allow_files=True).url(f"{tmp_path}/shop-secret/a.jpg")


def test_a_prefix_is_put_before_paths_and_no_file_is_read() -> None:
    root = image_root("https://cdn.example/media", Path("/"), allow_files=True)
    assert root.folder is None
    assert root.url("/m/b one.jpg?v=2") == "https://cdn.example/media/m/b%20one.jpg?v=2"
    with pytest.raises(RowError, match="leaves its root"):
        root.url("../a.jpg")
    with pytest.raises(RowError, match="file: URLs"):
        root.url("file:///a.jpg")


def test_over_http_no_folder_is_a_root(tmp_path: Path) -> None:
    assert image_root(None, tmp_path, allow_files=False) == NOWHERE
    with pytest.raises(BadInput, match="no files are read"):
        image_root(str(tmp_path), None, allow_files=False)


def test_a_root_that_is_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a folder"):
        image_root(str(tmp_path / "absent"), None, allow_files=True)
    with pytest.raises(BadInput, match="cannot be used"):
        image_root("https://user:secret@h/", None, allow_files=True)


def test_values_are_shown_cut_and_without_credentials() -> None:
    assert "secret" not in shown("https://user:secret@h/a")
    assert len(shown("x" * 10_000)) <= 60
    assert shown("\x1b[31m") == "'\\x1b[31m'"
