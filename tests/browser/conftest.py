"""Fixtures: a running service with a small catalog of drawn pictures, a browser, and users of the page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from scripts.browser import find
from tests.browser.browser_tab import Visitor, visiting
from tests.e2e.blocking_host import HeldShop, held_shop
from tests.e2e.standalone_process import House, standalone, submit_file
from tests.patience import CLICK_PATIENCE
from tests.unit.workers.fetch.site import Site
from vitrine.demo.catalog import write_catalog
from vitrine.demo.drawing import DrawnItem, designs, draw_catalog
from vitrine.demo.shop import Shop

ITEMS = 60
EVERY = 6  #: Every sixth of the demo's 360 designs: they include all patterns and colours.
SEED = 7


@dataclass(frozen=True)
class ShopService:
    """A service, the shop that serves its pictures, and the job that ingested them."""

    house: House
    shop: Shop
    items: list[DrawnItem]
    pictures: Path  #: The folder of the shop's pictures.
    catalog: Path  #: The submitted CSV, some of whose rows must fail.
    job: str
    held: HeldShop  #: Holds the worker until its doors are opened.
    feeds: Site  #: Serves what a test puts into its pages.

    @property
    def url(self) -> str:
        return self.house.api


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopService]:
    """`vitrine standalone` with the collection `shop`: 60 drawn items, and a job with known failures."""
    home = tmp_path_factory.mktemp("page")
    pictures = home / "shop"
    items = list(draw_catalog(pictures, seed=SEED, processes=1, only=designs()[::EVERY][:ITEMS]))
    feeds = Site()
    with ExitStack() as stack:
        stack.callback(feeds.stop)
        shop = stack.enter_context(Shop(pictures, broken=True))
        held = stack.enter_context(held_shop())
        write_catalog(home / "catalog.csv", items, shop.picture_url, shop.broken_url)
        settings = {
            "VITRINE_FETCH_ALLOW": f"{shop.address},{held.address},{feeds.authority}",
            "VITRINE_FETCH_MAX_BYTES": "4194304",
            "VITRINE_FLOWER_URL": "http://127.0.0.1:5555/",
            "VITRINE_GRAFANA_URL": "http://127.0.0.1:3000/",
        }
        with standalone(home / "data", extra=settings) as house:
            catalog = home / "catalog.csv"
            job = submit_file(house, catalog, "shop")
            house.finished(job)
            yield ShopService(house, shop, items, pictures, catalog, job, held, feeds)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; skips if there is none.

    It ends with each module: while Playwright runs, its event loop occupies this thread, and no
    other test could run one.
    """
    path = find()
    if path is None:
        reason = "no Chromium here (install it, or set VITRINE_TEST_BROWSER)"
        if os.environ.get("VITRINE_TEST_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    # Root in a container cannot use the sandbox; only this project's page is visited.
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"]
    expect.set_options(timeout=CLICK_PATIENCE * 1000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser: Browser, service: ShopService) -> Iterator[Visitor]:
    """A user with a desktop screen and a light theme."""
    with visiting(browser, service.url) as made:
        yield made


@pytest.fixture
def phone(browser: Browser, service: ShopService) -> Iterator[Visitor]:
    """A user with a phone and a dark theme."""
    with visiting(browser, service.url, width=390, height=844, dark=True, touch=True) as made:
        yield made
