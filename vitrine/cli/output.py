"""How commands speak: results on stdout, everything else on stderr, JSON where a program listens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console() -> Console:
    """For results."""
    return Console(highlight=False)


def errors() -> Console:
    """For errors, notices and progress, so that stdout holds nothing but the result."""
    return Console(stderr=True, highlight=False)


def plain(text: object) -> Text:
    """Text as it is: no markup, and no control character of a catalog reaches the terminal."""
    return Text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def say(text: object) -> None:
    """A notice to the person."""
    errors().print(plain(text), soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON value on stdout, and nothing else."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; numbers stand to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console().print(table)


def _cell(value: object) -> Text:
    if isinstance(value, int):
        return Text(f"{value:,}", justify="right")
    return plain("" if value is None else value)
