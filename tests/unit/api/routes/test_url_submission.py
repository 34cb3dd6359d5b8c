"""A catalog at a URL, sent over HTTP: read under the pictures' address rules, and never with the service's own feed password."""

from __future__ import annotations

import gzip
import io
import socket
from contextlib import suppress
from typing import Any, cast

import pytest
from pydantic import SecretStr

from api.middleware.body_limit import Admission
from producer.remote.catalog import Paced, RemoteCatalog, RemoteFile
from tests.unit.api.api_fixture import Stage, make_stage, problem_of
from tests.unit.workers.fetch.conftest import site, sites
from tests.unit.workers.fetch.site import Site, answer, redirect
from vitrine.core.settings import Settings

__all__ = ["site", "sites"]
FEED = b"id,image,price\na,https://h.example/a.jpg,3.5\nb,https://h.example/b.jpg,4\n"


@pytest.fixture
def reading(site: Site) -> Stage:
    """A service that may read the site, and that has a password for the feeds of its own users."""
    return make_stage(Settings(fetch_allow=(site.authority,), feed_auth=SecretStr("u:planted")))


def preview(stage: Stage, **fields: str) -> Any:
    return stage.client.post("/v1/preview", data=fields, files={"unused": ("", b"")})


def submit(stage: Stage, **fields: str) -> Any:
    form = {"collection": "new"} | fields
    return stage.client.post("/v1/jobs", data=form, files={"unused": ("", b"")})


def test_a_feed_is_looked_at_and_submitted(reading: Stage, site: Site) -> None:
    site.pages["/feed.csv"] = redirect("/real.csv.gz?key=planted-query")
    site.pages["/real.csv.gz?key=planted-query"] = answer(200, gzip.compress(FEED))
    looked = preview(reading, url=site.url("/feed.csv"))
    assert looked.status_code == 200, looked.text
    assert (looked.json()["items"], looked.json()["format"]) == (2, "csv")
    answered = submit(reading, url=site.url("/feed.csv?token=planted-token"))
    assert answered.status_code == 422
    site.pages["/feed.csv?token=planted-token"] = answer(200, FEED)
    answered = submit(reading, url=site.url("/feed.csv?token=planted-token"))
    assert answered.status_code == 202, answered.text
    assert "planted" not in answered.text
    status = reading.ledger.status(answered.json()["job"]["id"])
    assert (status.images, status.spec.source) == (2, site.url("/feed.csv"))
    assert site.heads
    assert "authorization" not in "".join(site.heads).lower()


def test_a_private_address_is_refused(stage: Stage, site: Site) -> None:
    site.pages["/feed.csv"] = answer(200, FEED)
    for send in (preview, submit):
        problem = problem_of(send(stage, url=site.url("/feed.csv")), 422, "bad_input")
        assert "not public" in problem["detail"]
        assert "VITRINE_FETCH_ALLOW" in problem["hint"]
    assert site.requests == []


def test_a_missing_feed_is_named(reading: Stage, site: Site) -> None:
    problem = problem_of(preview(reading, url=site.url("/none.csv?key=planted")), 422, "bad_input")
    assert "/none.csv cannot be read" in problem["detail"]
    assert "planted" not in str(problem)


@pytest.mark.parametrize(
    "url", ["s3://bucket/feed.csv", "gs://b/f", "az://c/f", "sftp://h.example/f.csv"]
)
def test_a_place_of_the_service_is_refused_unless_it_is_named(stage: Stage, url: str) -> None:
    problem = problem_of(preview(stage, url=url), 422, "bad_input")
    assert "is not read for requests over HTTP" in problem["detail"]
    assert "VITRINE_REQUEST_PLACES" in problem["hint"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/etc/passwd", "feed.csv", "ftp://h/x", ""])
def test_what_is_no_url_is_refused(stage: Stage, url: str) -> None:
    for send in (preview, submit):
        problem_of(send(stage, url=url), 422, "bad_input")


def test_a_file_and_a_url_are_one_too_many(stage: Stage) -> None:
    answered = stage.client.post(
        "/v1/preview", data={"url": "https://h.example/f.csv"}, files={"file": ("c.csv", FEED)}
    )
    assert problem_of(answered, 422, "bad_input")["errors"][0]["field"] == "file"


def test_a_feed_above_the_upload_limit_is_refused(site: Site) -> None:
    stage = make_stage(Settings(fetch_allow=(site.authority,), max_upload_bytes=1000))
    site.pages["/feed.csv"] = answer(200, FEED + b"c,https://h.example/c.jpg,1\n" * 200)
    problem = problem_of(submit(stage, url=site.url("/feed.csv")), 422, "bad_input")
    assert "more than 1,000 bytes" in problem["detail"]
    assert "VITRINE_MAX_UPLOAD_BYTES" in problem["hint"]


def test_a_feed_without_a_length_breaks_off_at_the_limit(site: Site) -> None:
    rows = b"".join(b"%d,https://h.example/c.jpg,1\n" % n for n in range(40_000))
    stage = make_stage(
        Settings(fetch_allow=(site.authority,), max_upload_bytes=900_000, max_pending_images=10**6)
    )
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nid,image,price\n"
    site.pages["/feed.csv"] = lambda connection: _send_all(connection, head + rows)
    answered = submit(stage, url=site.url("/feed.csv"))
    assert answered.status_code == 202, answered.text
    assert "more than 900,000 bytes" in answered.json()["job"]["broken_off"]["message"]
    assert answered.json()["warnings"]


def _send_all(connection: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        connection.sendall(data)


def test_a_place_that_is_named_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def opener(url: str, settings: Settings, *, slowest: int | None) -> RemoteCatalog:
        opened.append(url)
        assert settings.feed_auth is None
        return RemoteCatalog(
            "s3://feeds/a.csv",
            lambda: RemoteFile(cast("io.RawIOBase", io.BytesIO(FEED)), None),
            slowest=slowest,
        )

    monkeypatch.setattr("api.requests.submission.remote_catalog", opener)
    stage = make_stage(Settings(request_places=("s3://feeds",), feed_auth=SecretStr("u:planted")))
    assert preview(stage, url="s3://feeds/a.csv").json()["items"] == 2
    assert opened == ["s3://feeds/a.csv"]


@pytest.mark.parametrize("url", ["sftp://shop:pa/planted@h.example/f.csv", "s3://u:planted@b/f"])
def test_a_password_in_a_url_is_not_repeated(stage: Stage, url: str) -> None:
    answered = preview(stage, url=url)
    assert answered.status_code == 422
    assert "planted" not in answered.text
    assert "pa" not in answered.json()["detail"].split(" is not read")[0].removeprefix(
        "sftp://h.example"
    )


def test_a_host_that_does_not_answer_is_a_bad_gateway(site: Site) -> None:
    stage = make_stage(Settings(fetch_allow=(site.authority,)))
    site.pages["/feed.csv"] = answer(503)
    problem = problem_of(preview(stage, url=site.url("/feed.csv")), 502, "feed_unavailable")
    assert "returned 503" in problem["detail"]


def test_a_dripping_host_breaks_off() -> None:
    class Dripping(io.RawIOBase):
        def readinto(self, buffer: Any) -> int:
            buffer[0] = 65
            return 1

    clock = iter(range(10**6))
    stream = Paced(Dripping(), 64 * 1024, clock=lambda: float(next(clock)))
    with pytest.raises(OSError, match="bytes per second"):
        stream.readall()


def test_feeds_are_limited(stage: Stage) -> None:
    stage.app.state.feeds = Admission(0, "feeds")
    for send in (preview, submit):
        problem = problem_of(send(stage, url="https://h.example/f.csv"), 429, "full")
        assert "feeds are already in progress" in problem["detail"]
    assert stage.client.post("/v1/preview", files={"file": ("c.csv", FEED)}).status_code == 200
