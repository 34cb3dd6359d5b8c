"""Screenshots for docs/, taken of the current page with the demo catalog.

Run as `python -m scripts.screenshots` in the tests' environment, as `make screenshots` does. It starts a separate
service on separate data, so that other services on this machine are neither shown nor affected.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from scripts.browser import find
from vitrine.core.load_settings import load
from vitrine.core.settings import MEBIBYTE
from vitrine.demo.catalog import write_catalog
from vitrine.demo.drawing import draw_catalog
from vitrine.demo.shop import Shop
from vitrine.standalone import Standalone

DOCS = Path(__file__).resolve().parent.parent / "docs"
COLLECTION = "demo"
SEED = 1
PATIENCE_MS = 120_000
DESK = (1280, 860)
PHONE = (390, 844)

_LOADED = """
[...document.images].every((image) => image.complete || image.getBoundingClientRect().top > window.innerHeight)
"""
"""Whether every visible picture has loaded; those further down load on scrolling."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The service and data that the page shows."""

    url: str
    catalog: Path
    job: str


@dataclass(frozen=True, slots=True)
class Shot:
    """One screenshot: its file, its place, and the preparation before it is taken."""

    name: str
    place: Callable[[Stage], str]
    ready: Callable[[Page, Stage], None]
    size: tuple[int, int] = DESK
    dark: bool = False


def _searched(page: Page, _: Stage) -> None:
    """Search twice, because the sample for judging relevance is drawn at a collection's first query."""
    expect(page.locator(".hit").nth(8)).to_be_visible()
    page.reload()
    expect(page.locator(".hit").nth(8)).to_be_visible()


def _failed(page: Page, _: Stage) -> None:
    expect(page.get_by_role("table", name="Failed pictures")).to_be_visible()


def _looked_at(page: Page, stage: Stage) -> None:
    page.set_input_files("#catalog-file", str(stage.catalog))
    expect(page.get_by_role("table", name="Rejected rows")).to_be_visible()


def _mapped(page: Page, _: Stage) -> None:
    expect(page.locator(".map-stage canvas, .map-stage svg").first).to_be_visible()
    page.wait_for_timeout(500)  # the map is drawn in the frame after it appears


def _checked(page: Page, _: Stage) -> None:
    expect(page.locator(".checks li").first).to_be_visible()
    expect(page.locator(".plot .minute .embedded").first).to_be_visible()


SHOTS = (
    Shot("page-search", lambda _: f"#/search?collection={COLLECTION}&item=vt-0001", _searched),
    Shot("page-job", lambda stage: f"#/jobs/{stage.job}", _failed),
    Shot("page-submit", lambda _: "#/jobs/new", _looked_at, size=(1280, 1010)),
    Shot("page-collection", lambda _: f"#/collections/{COLLECTION}", _mapped),
    Shot("page-system", lambda _: "#/system", _checked, dark=True),
    Shot(
        "page-phone", lambda _: f"#/search?collection={COLLECTION}&item=vt-0001", _searched,
        size=PHONE, dark=True,
    ),
)  # fmt: skip


def main(names: list[str]) -> int:
    """Take all screenshots, or those named. Returns the exit code."""
    chromium = find()
    if chromium is None:
        sys.stderr.write("Chromium is not installed: install it, or set VITRINE_TEST_BROWSER.\n")
        return 1
    expect.set_options(timeout=PATIENCE_MS)
    _forget_settings()
    wanted = [shot for shot in SHOTS if not names or shot.name in names]
    with staged() as stage, opened(chromium) as browser:
        for shot in wanted:
            file = take(browser, stage, shot)
            sys.stderr.write(f"{file}: {file.stat().st_size // 1024} KiB\n")
    return 0


def _forget_settings() -> None:
    """Ignore the services that this user's environment names."""
    for name in [name for name in os.environ if name.startswith("VITRINE_")]:
        del os.environ[name]


@contextmanager
def staged() -> Iterator[Stage]:
    """Run a service with the demo catalog, submitted and finished."""
    with tempfile.TemporaryDirectory(prefix="vitrine-page-") as made:
        home = Path(made)
        items = list(draw_catalog(home / "shop", seed=SEED))
        catalog = home / "catalog.csv"
        with Shop(home / "shop", broken=True) as shop:
            write_catalog(catalog, items, shop.picture_url, shop.broken_url)
            settings = load(data_dir=home / "data", api_host="127.0.0.1", api_port=0)
            with Standalone(settings, environment=_environment(shop)) as service:
                yield Stage(service.api_url, catalog, _ingest(service.api_url, catalog))


def _environment(shop: Shop) -> dict[str, str]:
    return {
        "VITRINE_FETCH_ALLOW": shop.address,
        "VITRINE_FETCH_MAX_BYTES": str(4 * MEBIBYTE),
        "VITRINE_FLOWER_URL": "http://127.0.0.1:5555/",
        "VITRINE_GRAFANA_URL": "http://127.0.0.1:3000/",
    }


def _ingest(url: str, catalog: Path) -> str:
    """Submit the catalog, wait until the job ends, and return its id."""
    with catalog.open("rb") as file:
        form = {"collection": COLLECTION}
        answer = requests.post(
            f"{url}/v1/jobs", data=form, files={"file": (catalog.name, file)}, timeout=60
        )
    answer.raise_for_status()
    job: str = answer.json()["job"]["id"]
    with requests.get(f"{url}/v1/jobs/{job}/events", stream=True, timeout=600) as events:
        for _ in events.iter_lines():
            pass  # the stream ends with the job
    return job


@contextmanager
def opened(chromium: str) -> Iterator[Browser]:
    """Run the browser without a window."""
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work as a container's root; only this project's page is visited.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def take(browser: Browser, stage: Stage, shot: Shot) -> Path:
    """Take one screenshot, and return its file."""
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.dark else "light",
        is_mobile=shot.size == PHONE,
        reduced_motion="reduce",
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{stage.url}/{shot.place(stage)}")
    shot.ready(page, stage)
    while not page.evaluate(_LOADED):  # the page's policy forbids waiting inside the page
        page.wait_for_timeout(50)
    file = DOCS / f"{shot.name}.png"
    page.screenshot(path=file)
    context.close()
    return file


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
