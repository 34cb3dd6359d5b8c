from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.patience import PATIENCE
from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch import FetchedPicture, Fetcher

MakeFetcher: TypeAlias = Callable[..., Fetcher]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    (folder / "inner").mkdir(parents=True)
    (folder / "a #1.jpg").write_bytes(b"a")
    (folder / "inner" / "b.jpg").write_bytes(b"b")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "large.jpg").write_bytes(bytes(1001))
    (folder / "link.jpg").symlink_to(folder / "inner" / "b.jpg")
    (folder / "way out.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "out").symlink_to(tmp_path)
    (folder / "circle").symlink_to(folder / "circle")
    os.mkfifo(folder / "fifo")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "catalog-2").mkdir()
    (tmp_path / "catalog-2" / "c.jpg").write_bytes(b"secret")
    return folder


@pytest.fixture
def fetcher(make_fetcher: MakeFetcher) -> Fetcher:
    return make_fetcher(files=True, max_bytes=1000)


def failure(fetcher: Fetcher, url: str, root: Path | None) -> ItemFailure:
    error = fetcher.fetch(url, file_root=None if root is None else str(root)).exception(60)
    assert isinstance(error, ItemFailure), error
    return error


def test_files_beneath_the_folder_are_read(fetcher: Fetcher, root: Path) -> None:
    for name, data in (("a #1.jpg", b"a"), ("inner/b.jpg", b"b"), ("link.jpg", b"b")):
        url = (root / name).as_uri()
        assert fetcher.fetch(url, file_root=str(root)).result(PATIENCE) == FetchedPicture(
            data, url, 200
        )
    url = f"FILE://localhost{root}/inner/../inner/b.jpg"
    assert fetcher.fetch(url, file_root=str(root)).result(PATIENCE).data == b"b"


def test_a_folder_that_is_a_link_itself_will_do(
    fetcher: Fetcher, root: Path, tmp_path: Path
) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(root)
    url = (alias / "inner" / "b.jpg").as_uri()
    assert fetcher.fetch(url, file_root=str(alias)).result(PATIENCE).data == b"b"


def test_a_file_of_just_the_limit_is_read(fetcher: Fetcher, root: Path) -> None:
    (root / "limit.jpg").write_bytes(bytes(1000))
    url = (root / "limit.jpg").as_uri()
    assert len(fetcher.fetch(url, file_root=str(root)).result(PATIENCE).data) == 1000


@pytest.mark.parametrize(
    "path",
    [
        "../secret.jpg", "way out.jpg", "out/secret.jpg", "out/catalog-2/c.jpg", "../catalog-2/c.jpg", "%2e%2e/secret.jpg",
        "inner/..%2f..%2fsecret.jpg", "", "..", "../no such file", "/../../../../../../etc/passwd", "out/catalog/../secret.jpg",
    ],
)  # fmt: skip
def test_nothing_outside_the_folder_is_read(path: str, fetcher: Fetcher, root: Path) -> None:
    error = failure(fetcher, f"file://{root}/{path}".replace(" ", "%20"), root)
    assert error.reason is FailureReason.FORBIDDEN_ADDRESS


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none.jpg", FailureReason.NOT_FOUND), ("inner/b.jpg/c", FailureReason.NOT_FOUND),
        ("fifo", FailureReason.NOT_AN_IMAGE), ("inner", FailureReason.NOT_AN_IMAGE),
        ("empty.jpg", FailureReason.NOT_AN_IMAGE), ("large.jpg", FailureReason.TOO_LARGE),
        ("a.jpg?x", FailureReason.BAD_URL), ("a.jpg#x", FailureReason.BAD_URL), ("a%00.jpg", FailureReason.BAD_URL),
        ("x" * 300, FailureReason.NOT_FOUND), ("\ud800", FailureReason.BAD_URL), ("circle", FailureReason.NOT_FOUND),
    ],
)  # fmt: skip
def test_what_is_no_picture_file_has_its_reason(
    path: str, reason: FailureReason, fetcher: Fetcher, root: Path
) -> None:
    assert failure(fetcher, f"file://{root}/{path}", root).reason is reason


@pytest.mark.parametrize(
    "url", ["file:", "file:a.jpg", "file://host/a.jpg", "file://[::1/a", "file:////"]
)
def test_a_file_url_of_another_form_is_refused(url: str, fetcher: Fetcher, root: Path) -> None:
    assert failure(fetcher, url, root).reason in (
        FailureReason.BAD_URL,
        FailureReason.FORBIDDEN_ADDRESS,
    )


def test_a_folder_swapped_for_a_link_after_the_check_opens_nothing(
    fetcher: Fetcher, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulates a swap between resolving the path and opening it, by returning the old resolution."""
    (tmp_path / "b.jpg").write_bytes(b"secret")
    url = (root / "inner" / "b.jpg").as_uri()
    before = {str(root): str(root), str(root / "inner" / "b.jpg"): str(root / "inner" / "b.jpg")}
    (root / "inner" / "b.jpg").unlink()
    (root / "inner").rmdir()
    (root / "inner").symlink_to(tmp_path)
    monkeypatch.setattr("workers.fetch.files.os.path.realpath", before.__getitem__)
    assert failure(fetcher, url, root).reason is FailureReason.NOT_FOUND


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.EACCES, FailureReason.HTTP_ERROR), (errno.EIO, FailureReason.CONNECTION_FAILED)],
)
def test_a_file_that_the_system_does_not_give_has_its_reason(
    number: int,
    reason: FailureReason,
    fetcher: Fetcher,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_root: str, _parts: list[str]) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("workers.fetch.files._open_beneath", refuse)
    error = failure(fetcher, (root / "inner" / "b.jpg").as_uri(), root)
    assert error.reason is reason
    assert os.strerror(number) in error.detail


def test_files_need_both_the_setting_and_the_folder(make_fetcher: MakeFetcher, root: Path) -> None:
    url = (root / "inner" / "b.jpg").as_uri()
    assert failure(make_fetcher(files=False), url, root).reason is FailureReason.BAD_URL
    assert failure(make_fetcher(files=True), url, None).reason is FailureReason.BAD_URL


def test_a_closed_fetcher_reads_no_file(fetcher: Fetcher, root: Path) -> None:
    fetcher.close()
    error = failure(fetcher, (root / "inner" / "b.jpg").as_uri(), root)
    assert error.reason is FailureReason.CONNECTION_FAILED
