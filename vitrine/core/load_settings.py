"""Reads the settings from the environment and the configuration file, with old names and errors that name the place."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from pydantic import ValidationError

from vitrine.core.config_file import config_file, read_config
from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings

log = logging.getLogger(__name__)

RENAMED_VARIABLES = {
    "VITRINE_API_CONNECTIONS": "VITRINE_API_MAX_CONNECTIONS",
    "VITRINE_API_PROXIES": "VITRINE_API_TRUSTED_PROXIES",
    "VITRINE_FETCH_ROUNDS": "VITRINE_FETCH_DEFERRALS",
    "VITRINE_HUNG_SECONDS": "VITRINE_DEVICE_TIMEOUT",
    "VITRINE_INDEX_PATIENCE": "VITRINE_INDEX_TIMEOUT",
    "VITRINE_TRACES_SHARE": "VITRINE_TRACES_SAMPLE_RATIO",
}
"""New names of variables by their names before 0.2, which are read, with a warning, for one more release."""


def _renamed() -> dict[str, str]:
    """Return the values that the environment has only under old names, by field."""
    found = {}
    for old, new in RENAMED_VARIABLES.items():
        if old in os.environ and new not in os.environ:
            log.warning(
                "%s is now called %s; the old name stops working in the next release", old, new
            )
            found[new.removeprefix("VITRINE_").lower()] = os.environ[old]
    return found


def load(**overrides: object) -> Settings:
    """Read the environment and the configuration file once; `overrides` that are None are ignored.

    Raises `BadInput` naming the variable, or the file and key, and the problem, but never the value.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    path = config_file()
    config = {} if path is None else _from_config(path)
    try:
        return Settings(**(config | _renamed() | given))  # type: ignore[arg-type]
    except ValidationError as error:
        parts = [
            f"{_place(item['loc'], config, path)}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise BadInput("Setting not understood: " + "; ".join(parts) + ".") from None


def _from_config(path: Path) -> dict[str, object]:
    """Return the file's values except those that the environment sets."""
    found = read_config(path, Settings.model_fields.keys())
    return {key: value for key, value in found.items() if variable_of(key) not in os.environ}


def variable_of(field: str) -> str:
    """Return the environment variable of a setting."""
    return f"VITRINE_{field.upper()}"


def _place(location: tuple[int | str, ...], config: dict[str, object], path: Path | None) -> str:
    field = str(location[0]) if location else "?"
    return f"{path}, {field}" if field in config else variable_of(field)
