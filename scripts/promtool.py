"""The tool that checks Prometheus' rules: found, or installed with Debian's package `prometheus`.

Run as `python -m scripts.promtool`, which `make test` does. Where it cannot be had nothing fails here: its tests skip and say so.
The package starts no server of its own accord in a container; where it would (systemd), the tool is not installed.
"""

from __future__ import annotations

import os
import shutil
import sys

from scripts.debian import install

_SYSTEMD = "/run/systemd/system"
"""There while systemd runs (sd_booted(3)): installing the package would then start a Prometheus on this machine."""


def main() -> int:
    """Make sure of the tool, or say how the user may."""
    if shutil.which("promtool"):
        return 0
    installed = not os.path.isdir(_SYSTEMD) and install(
        "prometheus", "whose promtool checks alerts"
    )
    if not installed:
        sys.stderr.write(
            "setup: no promtool is here and none could be installed; the tests of the alerts will be skipped. "
            "Put promtool on the PATH (Debian: apt install prometheus).\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
