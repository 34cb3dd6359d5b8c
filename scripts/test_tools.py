"""Programs that tests use and no wheel provides: each is found, or installed as a Debian package.

Run as `python -m scripts.test_tools`, as `make test` does. A missing program fails nothing here: one line says which tests
will be skipped and how to change that. Packages that include a server are not installed if systemd would start it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.debian import install

_SYSTEMD = "/run/systemd/system"
"""Exists while systemd runs (sd_booted(3)): installing a server's package would then start it on this machine."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One program, and the tests that need it."""

    name: str
    package: str
    purpose: str  #: Continues "installing PACKAGE, ".
    skipped: str  #: The tests that are skipped without it.
    found: Callable[[], object]
    is_server: bool = False


def _on_path(name: str) -> Callable[[], object]:
    return lambda: shutil.which(name)


def _faketime() -> object:
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


TOOLS = (
    Tool("promtool", "prometheus", "whose promtool checks alerts", "alerts", _on_path("promtool"), is_server=True),
    Tool("libfaketime", "faketime", "which moves a Redis server's clock", "clocks that jump", _faketime),
    Tool("openssl", "openssl", "which makes certificates", "Redis over TLS", _on_path("openssl")),
    Tool(
        "redis-server", "redis-server", "one built with TLS, beside the one of the wheels",
        "Redis over TLS and a full Redis", _on_path("redis-server"), is_server=True,
    ),
)  # fmt: skip


def main() -> int:
    """Make sure that every tool is installed, or print which tests are skipped without it."""
    for tool in TOOLS:
        if not (tool.found() or (_may_install(tool) and install(tool.package, tool.purpose))):
            sys.stderr.write(
                f"setup: {tool.name} is missing and could not be installed; the tests of {tool.skipped} will be skipped "
                f"(Debian: apt install {tool.package}).\n"
            )
    return 0


def _may_install(tool: Tool) -> bool:
    return not (tool.is_server and os.path.isdir(_SYSTEMD))


if __name__ == "__main__":
    sys.exit(main())
