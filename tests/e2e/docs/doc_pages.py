"""Run the blocks of a documentation page in a shell, beside one demo in a fresh folder, and compare their output.

    page -> blocks -> one script -> output of each block -> compared with the block below it on the page

A ```sh or ```python block runs unless the line above it is an HTML comment `<!-- not run: why -->`. Every command must exit
with 0; a command that ends in `# exits 3` must exit with 3. A ```text or ```json block right below a block that ran is its
abridged output: every line, or every key with its value, must be there. `…` matches anything, and values that differ from run
to run (ids, dates, ports, fractions, times) are compared by their form.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE, SETTINGS, wait_until
from vitrine.core.service_discovery import runtime_file

_FENCE = re.compile(
    r"^(?P<not_run><!-- not run: [^>]+ -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_EXITS = re.compile(r"\s+# exits (\d+)$")
_MARK = "=== block {} ==="
_BY_FORM = (
    (r"…", r".*?"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)", r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"),
    (r"127\.0\.0\.1:\d+", r"127\.0\.0\.1:\d+"),
    (r"\b(?=[a-f]*\d)[0-9a-f]{12}\b", r"[0-9a-f]{12}"),
    (r"\d+\.\d+", r"\d+(?:\.\d+)?"),
    (r"\b\d+ (?:ms|s|min)\b", r"\d+ (?:ms|s|min)"),
)
"""Pairs of regular expressions: what a page shows, and what the output may contain instead."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int
    runs: bool


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            language=found["language"],
            text=found["text"],
            line=text[: found.start("text")].count("\n") + 1,
            runs=found["language"] in {"sh", "python"} and not found["not_run"],
        )
        for found in _FENCE.finditer(text)
    ]


def environment() -> dict[str, str]:
    """The shell's environment: none of the caller's settings, generous time limits, and the commands of this interpreter."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    return {**kept, **SETTINGS, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[None]:
    """Run `vitrine demo --data-dir demo` in a folder; enter once it has printed its report."""
    log = folder / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["vitrine", "demo", "--data-dir", "demo"],
            cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        report = "neighbours"  # the last line of the demo's report: it is up, and stays so
        wait_until(lambda: process.poll() is not None or report in log.read_text(), "the demo")
        assert process.poll() is None, log.read_text()
        assert runtime_file(folder / "demo" / "data").is_file()
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def run(page: list[Block], folder: Path) -> list[str]:
    """Run a page's blocks in one shell; return what each printed, in page order ("" for blocks that do not run)."""
    parts = ["exec 2>&1"]
    for number, block in enumerate(page):
        if block.runs:
            parts += [f"printf '\\n%s\\n' '{_MARK.format(number)}'", _script(block, number, folder)]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(parts)],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"exit code {done.returncode}, after:\n{done.stdout[-5000:]}"
    assert "Traceback" not in done.stdout
    printed = ["" for _ in page]
    pieces = re.split(rf"\n{_MARK.format('([0-9]+)')}\n", "\n" + done.stdout)[1:]
    for which, text in zip(pieces[::2], pieces[1::2], strict=True):
        printed[int(which)] = text
    return printed


def assert_shown(page: list[Block], printed: list[str]) -> None:
    """Assert that every output block matches the output of the block above it."""
    for number, block in enumerate(page[1:]):
        if page[number].runs and block.language in {"text", "json"}:
            where = f"line {block.line}"
            if block.language == "json":
                _assert_within(json.loads(block.text), json.loads(printed[number]), where)
            else:
                _assert_lines(block.text, printed[number], where)


def _script(block: Block, number: int, folder: Path) -> str:
    """Return a block as shell code."""
    if block.language == "python":
        (folder / f"block_{number}.py").write_text(block.text, encoding="utf-8")
        return f"python block_{number}.py"
    statements, begun = [], ""
    for line in block.text.splitlines():
        begun += line + "\n"
        if not line.endswith("\\"):
            statements.append(_checked(begun))
            begun = ""
    return "".join(statements)


def _checked(statement: str) -> str:
    """Return a command with a check of its exit code, if the page states one."""
    stated = _EXITS.search(statement.rstrip())
    if stated is None:
        return statement
    command = statement.rstrip()[: stated.start()]
    return (
        f"code=0\n{command} || code=$?\n"
        f'[ "$code" = {stated[1]} ] || {{ echo "exit code $code, the page says {stated[1]}"; exit 97; }}\n'
    )


def _pattern(shown: str) -> str:
    """Return a regular expression for text of a page; all white space is equal."""
    words = " ".join(shown.split())
    forms = re.compile("|".join(f"({form})" for form, _ in _BY_FORM))
    pattern, at = "", 0
    for found in forms.finditer(words):
        pattern += re.escape(words[at : found.start()]) + _BY_FORM[(found.lastindex or 1) - 1][1]
        at = found.end()
    return pattern + re.escape(words[at:])


def _assert_lines(shown: str, printed: str, where: str) -> None:
    """Assert that each line shown was printed, wherever it was wrapped."""
    words = " ".join(printed.split())
    for line in filter(None, map(str.strip, shown.splitlines())):
        assert re.search(_pattern(line), words), f"{where}: {line!r} is not in:\n{printed}"


def _assert_within(shown: Any, found: Any, where: str) -> None:
    """Assert that the JSON shown is part of the JSON found: its keys, and the beginnings of its lists."""
    if shown == "…":
        return
    if isinstance(shown, dict):
        assert isinstance(found, dict), where
        for key, value in shown.items():
            assert key in found, f"{where}: no {key!r} in {found}"
            _assert_within(value, found[key], f"{where}, {key}")
    elif isinstance(shown, list):
        assert isinstance(found, list), where
        assert len(found) >= len(shown), f"{where}: {found}"
        for number, (one, other) in enumerate(zip(shown, found, strict=False)):
            _assert_within(one, other, f"{where}, {number}")
    elif isinstance(shown, str):
        assert isinstance(found, str), f"{where}: {found!r}"
        same = re.fullmatch(_pattern(shown), " ".join(found.split()))
        assert same, f"{where}: {found!r} is not {shown!r}"
    elif isinstance(shown, float):
        assert isinstance(found, (float, int)), f"{where}: {found!r}"
    else:
        assert shown == found, f"{where}: {found!r} is not {shown!r}"
