"""Run the benchmarks one after another and write docs/performance.md. `make bench` uses it.

::

    python -m benchmarks.performance [NAME...] [--render] [-- ARGUMENTS]

Each result is kept as docs/measured/NAME.json with its date and command, and the page is rewritten from all of them.
A single benchmark can therefore be repeated alone, or run on another machine to add what only that machine can
measure. Text that a person wrote between the markers of a benchmark's `why` is preserved. With `--quick` among the
arguments nothing is written. `--render` only writes the page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.parts.performance_page import BENCHMARKS, page

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
MEASURED = ROOT / "docs" / "measured"
QUICK = "--quick"


def run(name: str, arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return one benchmark's result with its date and command, or None if it failed, as its stderr explains."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--json"]
    began = datetime.now(UTC)
    print(f"benchmarks.{name}", file=sys.stderr, flush=True)
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode:
        return None
    return {
        "date": began.strftime("%Y-%m-%d %H:%M UTC"),
        "minutes": round((datetime.now(UTC) - began).total_seconds() / 60, 1),
        "command": " ".join(["python", "-m", f"benchmarks.{name}", *arguments]),
        "report": json.loads(ended.stdout),
    }


def keep(name: str, found: dict[str, Any]) -> None:
    """Write a result to the folder that the page is rendered from."""
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")


def render() -> None:
    """Write the page from the stored results."""
    kept = {
        name: json.loads(file.read_text())
        for name in (*BENCHMARKS, "profile_before", "profile")
        if (file := MEASURED / f"{name}.json").exists()
    }
    before = PAGE.read_text() if PAGE.exists() else ""
    PAGE.write_text(page(kept, before=before))


def main() -> int:
    """Measure, store and render. Returns 1 if a benchmark failed, but not if it only missed a goal."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("names", nargs="*", metavar="NAME", help="default: all of them")
    options.add_argument("--render", action="store_true", help="only write the page")
    given, arguments = _split(sys.argv[1:])
    chosen = options.parse_args(given)
    failed = []
    for name in [] if chosen.render else (chosen.names or (*BENCHMARKS, "profile")):
        found = run(name, arguments)
        if found is None:
            failed.append(name)
        elif QUICK not in arguments:
            keep(_kept_as(name, arguments), found)
    if QUICK not in arguments:
        render()
    for name in failed:
        print(f"benchmarks.{name} failed", file=sys.stderr)
    return 1 if failed else 0


def _kept_as(name: str, arguments: Sequence[str]) -> str:
    """Return the name to store a result under. Another checkout's profile is the one before a change."""
    return "profile_before" if name == "profile" and "--checkout" in arguments else name


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments into those of this command and those of the benchmarks."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


if __name__ == "__main__":
    sys.exit(main())
