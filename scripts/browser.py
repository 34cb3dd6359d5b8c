"""The browser for tests of the page: found on this system, or installed.

Run as `python -m scripts.browser` after the environment is created, as `make test` does. If no browser can be
found or installed, nothing fails here: the browser suite is skipped with a message, unless VITRINE_TEST_REQUIRE_BROWSER=1.
"""

from __future__ import annotations

import os
import shutil
import sys

from scripts.debian import install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Commands of Chromium and Chrome in various distributions."""
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find() -> str | None:
    """Return the path of a browser: the one in VITRINE_TEST_BROWSER, otherwise an installed one."""
    named = os.environ.get("VITRINE_TEST_BROWSER")
    if named:
        return named
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or next(filter(os.path.exists, APPLICATIONS), None)


def main() -> int:
    """Make sure that a browser is installed, or print how to install one."""
    if find() is None and not (install("chromium", "in which the page is tested") and find()):
        sys.stderr.write(
            "setup: Chromium is missing and could not be installed; the page's tests will be skipped. "
            "Install chromium or Chrome, or name one in VITRINE_TEST_BROWSER.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
