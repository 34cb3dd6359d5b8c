"""Settings from a TOML file: `--config`, else VITRINE_CONFIG, else `vitrine/config.toml` in the user's configuration folder.

The keys are the settings' names in lowercase, without `VITRINE_`. The environment takes precedence. A file named explicitly
must exist; the default one need not.
"""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from vitrine.core.errors import BadInput

CONFIG_VARIABLE = "VITRINE_CONFIG"


def default_config_file() -> Path:
    """Return the path that is read if no file is named; the file is not created."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vitrine" / "config.toml"
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "vitrine" / "config.toml"


def config_file() -> Path | None:
    """Return the file to read; None if none is named and the default one does not exist."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    usual = default_config_file()
    return usual if usual.is_file() else None


def read_config(path: Path, known: Collection[str]) -> Mapping[str, Any]:
    """Return the file's values by setting; raises `BadInput` naming the file and the invalid line or key."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not valid TOML: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise BadInput(f"The configuration file {path} cannot be read: {why}.") from None
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(key.lower().removeprefix("vitrine_"), known, n=1)
            raise BadInput(
                f"{path}: {key!r} is not a vitrine setting.",
                hint=f"Did you mean {near[0]!r}?"
                if near
                else "List them all with `vitrine settings`.",
            )
    return found
