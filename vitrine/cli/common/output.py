"""Output of commands: results on stdout, everything else on stderr, JSON for programs."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

PIPE_WIDTH = 1_000_000
"""Width in columns of a table that is not shown on a terminal; no row is that long."""


def console() -> Console:
    """Return the console for results."""
    return Console(highlight=False)


def error_console() -> Console:
    """Return the console for errors, notices and progress, so that stdout has only the result."""
    return Console(stderr=True, highlight=False)


def escape_text(text: object) -> Text:
    """Return text without markup, and without control characters that a catalog could send to the terminal."""
    return Text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def counted(count: int, noun: str) -> str:
    """Format a count with its noun: `1 picture`, `2,000 pictures`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def say(text: object) -> None:
    """Print a notice to the user."""
    error_console().print(escape_text(text), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print one JSON value on stdout, and nothing else."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, folding: Container[str] = ()
) -> None:
    """Print a table with numbers aligned to the right.

    Only `folding` columns wrap on a narrow terminal, so that ids can be copied and numbers stay readable; in a pipe,
    every row is one line.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in headings:
        folds = heading in folding
        table.add_column(heading, overflow="fold", no_wrap=not folds, min_width=len(heading))
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out = console()
    if not out.is_terminal:
        out = Console(highlight=False, width=PIPE_WIDTH)
    out.print(table)


def _cell(value: object) -> Text:
    if isinstance(value, int):
        return Text(f"{value:,}", justify="right")
    return escape_text("" if value is None else value)
