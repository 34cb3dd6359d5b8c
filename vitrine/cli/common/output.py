"""How commands speak: results on stdout, everything else on stderr, JSON where a program listens."""

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
"""Columns of a table that no terminal shows: no row reaches it."""


def console() -> Console:
    """For results."""
    return Console(highlight=False)


def error_console() -> Console:
    """For errors, notices and progress, so that stdout holds nothing but the result."""
    return Console(stderr=True, highlight=False)


def escape_text(text: object) -> Text:
    """Text as it is: no markup, and no control character of a catalog reaches the terminal."""
    return Text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def counted(count: int, noun: str) -> str:
    """`1 picture`, `2,000 pictures`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def say(text: object) -> None:
    """A notice to the person."""
    error_console().print(escape_text(text), soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON value on stdout, and nothing else."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, folding: Container[str] = ()
) -> None:
    """A table; numbers stand to the right.

    Only the columns that are `folding` give way where the terminal is narrow, so that an id can be copied and
    a number read; a pipe gets every row on one line.
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
