"""The loopback shop: it serves pictures and faults, and nothing outside its folder."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import pytest
from PIL import Image

from tests.patience import PATIENCE
from vitrine.demo.shop import HUGE_BYTES, Shop, pictures_beneath

JPEG = "image/jpeg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two pictures, one of them in a subfolder, next to a secret file."""
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    pictures = tmp_path / "pictures"
    (pictures / "in ner").mkdir(parents=True)
    Image.radial_gradient("L").save(pictures / "a.jpg")
    Image.radial_gradient("L").save(pictures / "in ner" / "b é.png")
    (pictures / "notes.txt").write_text("not for sale")
    return pictures


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    with Shop(folder, broken=True) as running:
        yield running


def get(shop: Shop, path: str, *, most: int | None = None) -> tuple[int, str | None, bytes]:
    """Return the status, type and body of one request; `path` may be a URL of the shop."""
    connection = HTTPConnection(shop.address, timeout=PATIENCE)
    try:
        connection.request("GET", path.removeprefix(f"http://{shop.address}"))
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read(most)
    finally:
        connection.close()


def test_pictures_are_served_with_their_type(shop: Shop, folder: Path) -> None:
    assert get(shop, shop.picture_url("a.jpg")) == (200, JPEG, (folder / "a.jpg").read_bytes())
    status, kind, body = get(shop, shop.picture_url("in ner/b é.png"))
    assert (status, kind) == (200, "image/png")
    assert body == (folder / "in ner" / "b é.png").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/pictures/",
        "/pictures/missing.jpg",
        "/pictures/notes.txt",
        "/pictures/../secret.jpg",
        "/pictures/%2e%2e/secret.jpg",
        "/pictures/in%20ner/..%2f..%2fsecret.jpg",
        "/pictures//etc/passwd",
        "/pictures/%00.jpg",
        "/broken/sold-out.jpg",
    ],
)
def test_all_else_is_not_found(shop: Shop, path: str) -> None:
    status, _, body = get(shop, path)
    assert status == 404
    assert b"secret" not in body


def test_a_link_out_of_the_folder_is_not_followed(shop: Shop, folder: Path) -> None:
    (folder / "link.jpg").symlink_to(folder.parent / "secret.jpg")
    assert get(shop, shop.picture_url("link.jpg"))[0] == 404


def test_a_page_claims_to_be_a_picture(shop: Shop) -> None:
    status, kind, body = get(shop, shop.broken_url("page.jpg"))
    assert (status, kind) == (200, JPEG)
    assert body.startswith(b"<!doctype html>")


def test_half_a_picture_arrives_without_an_error_of_http(shop: Shop, folder: Path) -> None:
    whole = (folder / "a.jpg").read_bytes()
    status, _, body = get(shop, shop.broken_url("half.jpg"))
    assert status == 200
    assert body == whole[: len(whole) // 2]


@pytest.mark.parametrize("name", ["huge.jpg", "endless.jpg"])
def test_a_huge_picture_is_as_long_as_promised(shop: Shop, name: str) -> None:
    status, _, body = get(shop, shop.broken_url(name))
    assert status == 200
    assert len(body) == HUGE_BYTES
    assert body.startswith(b"\xff\xd8\xff")


def test_a_client_that_leaves_in_the_middle_harms_nobody(shop: Shop) -> None:
    for _ in range(5):
        get(shop, shop.broken_url("huge.jpg"), most=1000)
        get(shop, shop.broken_url("endless.jpg"), most=1000)
    assert get(shop, shop.picture_url("a.jpg"))[0] == 200


def test_several_requests_go_over_one_connection(shop: Shop) -> None:
    connection = HTTPConnection(shop.address, timeout=PATIENCE)
    try:
        connection.connect()
        opened = connection.sock
        for _ in range(3):
            connection.request("GET", "/pictures/a.jpg")
            assert connection.getresponse().read()
            assert connection.sock is opened
    except IncompleteRead:
        pytest.fail("a body was cut")
    finally:
        connection.close()


def test_one_s_own_folder_has_no_faults(folder: Path) -> None:
    with Shop(folder) as shop:
        assert get(shop, shop.broken_url("page.jpg"))[0] == 404


def test_pictures_are_found_beneath_a_folder_in_order(folder: Path) -> None:
    (folder / ".hidden.jpg").write_bytes(b"")
    assert list(pictures_beneath(folder)) == ["a.jpg", "in ner/b é.png"]
