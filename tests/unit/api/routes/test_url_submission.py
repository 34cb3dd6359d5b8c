"""A catalog at a URL, sent over HTTP: read under the pictures' address rules, and never with the service's own feed password."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from pydantic import SecretStr

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


def test_a_feed_above_the_upload_limit_ends_with_an_error(site: Site) -> None:
    stage = make_stage(Settings(fetch_allow=(site.authority,), max_upload_bytes=1000))
    site.pages["/feed.csv"] = answer(200, FEED + b"c,https://h.example/c.jpg,1\n" * 200)
    answered = submit(stage, url=site.url("/feed.csv"))
    assert answered.status_code in (202, 413, 422), answered.text
    if answered.status_code == 202:
        assert answered.json()["job"]["broken_off"] is not None
