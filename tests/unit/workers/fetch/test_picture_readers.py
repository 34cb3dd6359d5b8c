"""A reader of another scheme that asks over HTTP: every check of a catalog's own URLs is made for it too."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeAlias

import pytest

from tests.patience import PATIENCE
from tests.unit.workers.fetch.site import Site, answer, redirect
from vitrine.core.schemes import SCHEMES, Scheme
from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch import FetchedPicture, Fetcher
from workers.fetch.readers import READERS, ReaderContext

MakeFetcher: TypeAlias = Callable[..., Fetcher]


class Shelf:
    """`shelf://host/name` is `http://host/name`."""

    def __init__(self, context: ReaderContext) -> None:
        self._context = context

    def read(self, url: str, root: str | None) -> Future[FetchedPicture]:
        return self._context.fetch_http(url.replace("shelf://", "http://"))

    def close(self) -> None:
        """Holds nothing."""


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Scheme("shelf", names_host=True, in_catalogs=True, in_requests=False)
    monkeypatch.setitem(SCHEMES, row.name, row)
    monkeypatch.setitem(READERS, row.name, Shelf)


def test_a_reader_fetches_over_http(make_fetcher: MakeFetcher, site: Site) -> None:
    site.pages["/a.jpg"] = answer(200, b"a")
    fetcher = make_fetcher(site.authority)
    fetched = fetcher.fetch(f"shelf://{site.authority}/a.jpg").result(PATIENCE)
    assert fetched.data == b"a"


def test_a_reader_gets_no_further_inside_than_a_url(make_fetcher: MakeFetcher, site: Site) -> None:
    error = make_fetcher().fetch(f"shelf://{site.authority}/a.jpg").exception(PATIENCE)
    assert isinstance(error, ItemFailure)
    assert error.reason is FailureReason.FORBIDDEN_ADDRESS


def test_a_redirect_leads_to_no_reader(make_fetcher: MakeFetcher, site: Site) -> None:
    site.pages["/a.jpg"] = redirect(f"shelf://{site.authority}/b.jpg")
    error = make_fetcher(site.authority).fetch(site.url("/a.jpg")).exception(PATIENCE)
    assert isinstance(error, ItemFailure)
    assert error.reason is FailureReason.BAD_URL
