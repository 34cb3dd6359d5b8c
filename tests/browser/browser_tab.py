"""A user of the page: a browser tab whose console errors are recorded, with an accessibility check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Page

from tests.patience import CLICK_PATIENCE

SERIOUS = frozenset({"serious", "critical"})


@dataclass
class Visitor:
    """A tab, and its console errors."""

    page: Page
    url: str  #: The API's.
    complaints: list[str] = field(default_factory=list)

    def open(self, place: str = "") -> None:
        """Load a route of the page afresh, such as `#/jobs`."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}/{place}")

    def forgive(self, pattern: str) -> None:
        """Remove the errors that a test causes on purpose."""
        self.complaints[:] = [one for one in self.complaints if not re.search(pattern, one)]

    def serious_violations(self) -> list[str]:
        """Return the serious violations that axe-core finds on the page now, in short form."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]

    def overflows(self) -> bool:
        """Return whether the page scrolls horizontally."""
        width = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return bool(self.page.evaluate(width))


@contextmanager
def visiting(
    browser: Browser, url: str, *, width: int = 1280, height: int = 860, dark: bool = False, touch: bool = False
) -> Iterator[Visitor]:  # fmt: skip
    """Open a tab with a separate profile; at the end, assert that the console had no errors."""
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light",
        has_touch=touch, is_mobile=touch, device_scale_factor=1, locale="en-GB", reduced_motion="reduce",
    ) as context:  # fmt: skip
        context.set_default_timeout(CLICK_PATIENCE * 1000)
        page = context.new_page()
        visitor = Visitor(page, url)

        def noted(message: ConsoleMessage) -> None:
            if message.type == "error":
                visitor.complaints.append(f"{message.text} {message.location.get('url', '')}")

        def raised(error: Error) -> None:
            visitor.complaints.append(str(error))

        page.on("console", noted)
        page.on("pageerror", raised)
        yield visitor
        assert visitor.complaints == []
