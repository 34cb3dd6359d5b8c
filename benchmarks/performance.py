"""Runs the benchmarks one after another and writes docs/performance.md; what `make bench` does.

::

    python -m benchmarks.performance [NAME...] [--render] [-- ARGUMENTS]

Each result is kept as docs/measured/NAME.json with its date and command, and the page is written anew from all of them: so one
benchmark can be repeated alone, and what only another machine can measure is added by running it there. What a person wrote on
the page between the markers of a benchmark's `why` stays. With `--quick` among the arguments nothing is written. `--render` only
writes the page.
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
    """One benchmark's result with its date and command; None where it failed, which it says on stderr itself."""
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
    """Write a result where the page finds it."""
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")


def render() -> None:
    """Write the page from what is kept."""
    kept = {
        name: json.loads(file.read_text())
        for name in (*BENCHMARKS, "profile_before", "profile")
        if (file := MEASURED / f"{name}.json").exists()
    }
    before = PAGE.read_text() if PAGE.exists() else ""
    PAGE.write_text(page(kept, before=before))


def main() -> int:
    """Measure, keep, write; 1 where a benchmark failed (not where it missed a goal)."""
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
    """Another checkout's profile is what it was before."""
    return "profile_before" if name == "profile" and "--checkout" in arguments else name


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """The words for this command, and those for the benchmarks."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


if __name__ == "__main__":
    sys.exit(main())
