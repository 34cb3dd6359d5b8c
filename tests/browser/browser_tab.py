"""Somebody who uses the page: a browser's tab whose complaints are written down, and an eye for accessibility."""

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
    """A tab, and what its console complained of."""

    page: Page
    url: str  #: Of the API.
    complaints: list[str] = field(default_factory=list)

    def open(self, place: str = "") -> None:
        """Go to a place of the page: `#/jobs`; a fresh load."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}/{place}")

    def forgive(self, pattern: str) -> None:
        """Take away the complaints that a test provokes on purpose."""
        self.complaints[:] = [one for one in self.complaints if not re.search(pattern, one)]

    def serious_violations(self) -> list[str]:
        """What axe-core finds on the page as it stands, in short."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]

    def overflows(self) -> bool:
        """Whether the page can be scrolled sideways."""
        width = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return bool(self.page.evaluate(width))


@contextmanager
def visiting(
    browser: Browser, url: str, *, width: int = 1280, height: int = 860, dark: bool = False, touch: bool = False
) -> Iterator[Visitor]:  # fmt: skip
    """A visitor with a profile of their own; the console's complaints are asserted away at the end."""
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
