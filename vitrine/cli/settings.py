"""`vitrine settings`: every setting, its value, and the source of the value."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as commands that run here see it."""

    name: str  #: Its environment variable.
    value: str
    default: str
    source: str  #: `default`, `environment`, the configuration file's path, or `running service`.


@click.command("settings")
@click.argument("word", required=False)
@click.option("--changed", is_flag=True, help="Only those that differ from their default.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def settings(word: str | None, changed: bool, as_json: bool) -> None:
    """Show every setting, its value and where it comes from.

    WORD limits the list to names that contain it. Secrets are never shown. Precedence, highest first: a command's
    option, the environment, the configuration file (--config, VITRINE_CONFIG, or config.toml in vitrine's configuration
    folder), the standalone service running on the data directory, the default.
    """
    from dataclasses import asdict

    from vitrine.cli.common import output

    rows = [
        row
        for row in _rows()
        if (word or "").upper() in row.name and (not changed or row.source != "default")
    ]
    if as_json:
        output.print_json([asdict(row) for row in rows])
    elif not rows:
        output.say("No setting matches. Leave out WORD and --changed to list all.")
    else:
        headings = "setting", "value", "default", "from"
        output.print_table(
            headings,
            ((row.name, row.value, row.default, row.source) for row in rows),
            folding=("value", "default", "from"),
        )


def _rows() -> Iterator[SettingRow]:
    from vitrine.core.config_file import config_file, read_config
    from vitrine.core.load_settings import load, variable_of
    from vitrine.core.service_discovery import discover
    from vitrine.core.settings import Settings

    path = config_file()
    known = Settings.model_fields
    configured = {} if path is None else read_config(path, known.keys())
    given = load()
    found = discover(given)
    for name, field in known.items():
        value, default = getattr(found, name), field.get_default(call_default_factory=True)
        if variable_of(name) in os.environ or (
            name in given.model_fields_set and name not in configured
        ):
            source = "environment"
        elif name in configured:
            source = str(path)
        else:
            source = "default" if value == getattr(given, name) else "running service"
        yield SettingRow(variable_of(name), _shown(value), _shown(default), source)


def _shown(value: Any) -> str:
    from pydantic import SecretStr

    if isinstance(value, SecretStr):
        return "(set, hidden)" if value.get_secret_value() else "(not set)"
    if value is None or value in ((), {}):
        return "(not set)"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        return ",".join(f"{key}={one}" for key, one in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
