"""The browser that the page is tested in: found where it is, or installed as this system does it.

Run as `python -m scripts.browser` after the environment is made, which `make test` does. Where no browser can be
had nothing fails here: the browser suite skips and says so, unless VITRINE_TEST_REQUIRE_BROWSER=1.
"""

from __future__ import annotations

import os
import shutil
import sys

from scripts.debian import install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Commands of Chromium and of its brother, as distributions call them."""
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find() -> str | None:
    """The path of a browser: what VITRINE_TEST_BROWSER names, else one that is installed."""
    named = os.environ.get("VITRINE_TEST_BROWSER")
    if named:
        return named
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or next(filter(os.path.exists, APPLICATIONS), None)


def main() -> int:
    """Make sure of a browser, or say how the user may."""
    if find() is None and not (install("chromium", "in which the page is tested") and find()):
        sys.stderr.write(
            "setup: no Chromium is here and none could be installed; the page's tests will be skipped. "
            "Install chromium or Chrome, or name one in VITRINE_TEST_BROWSER.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
