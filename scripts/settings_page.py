"""Write docs/settings.md from `vitrine.core.settings`: `python -m scripts.settings_page [--check]`.

The page is generated from the class: sections from the comments between fields, descriptions from the strings below them.
`--check` writes nothing and exits with 1 if the page is out of date.
"""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from vitrine.core.load_settings import variable_of
from vitrine.core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "settings.md"
SOURCE = ROOT / "vitrine" / "core" / "settings.py"
HEAD = """\
# Settings

Every setting is an environment variable; in a configuration file it is the same name in lowercase without `VITRINE_`:

```toml
# shop.toml, used by `vitrine --config shop.toml standalone`
model = "google/siglip2-base-patch16-224"
fetch_allow = ["images.corp.example", "10.2.0.0/16"]
```

Precedence, highest first: a command's option, the environment, the configuration file (`--config`, else `VITRINE_CONFIG`, else
`~/.config/vitrine/config.toml`), the standalone service running on the data directory, the default. `vitrine settings` shows what is
in force here and where each value comes from. A `.env` file is read by Docker Compose alone.

This page is made by `python -m scripts.settings_page`.
"""
_TYPES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    dict: "name=value, …",
}


def main() -> int:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv[1:]:
        current = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
        if current != text:
            sys.stderr.write(
                f"{PAGE.name} is not what the settings say: run python -m scripts.settings_page\n"
            )
        return int(current != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for heading, names in _sections():
        parts.append(f"\n## {heading}\n\n| Variable | Type | Default | |\n|---|---|---|---|\n")
        parts += [_row(name) for name in names]
    return "".join(parts)


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    about = _descriptions().get(name, "").replace("|", "\\|")
    return f"| `{variable_of(name)}` | {_type(field)} | {_default(name, field)} | {about} |\n"


def _class() -> ast.ClassDef:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    return next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings")


def _descriptions() -> dict[str, str]:
    """Return the string below each field, on one line."""
    found = {}
    body = _class().body
    for field, text in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        ):  # fmt: skip
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def _sections() -> Iterator[tuple[str, list[str]]]:
    """Yield the comments above groups of fields, each with its fields."""
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    fields = [
        (node.lineno, node.target.id)
        for node in _class().body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    heads = [
        (number, line.strip(" #."))
        for number, line in enumerate(lines, 1)
        if line.startswith("    # ") and fields[0][0] - 2 < number < fields[-1][0]
    ]
    for (start, heading), (end, _) in zip(heads, [*heads[1:], (len(lines), "")], strict=True):
        yield heading, [name for number, name in fields if start < number < end]


def _type(field: FieldInfo) -> str:
    options = [
        one for one in get_args(field.annotation) or (field.annotation,) if one is not type(None)
    ]
    if all(isinstance(one, str) for one in options):
        return ", ".join(f"`{one}`" for one in options)
    kind: Any = field.annotation if get_origin(field.annotation) in (tuple, dict) else options[0]
    if kind is SecretStr:
        return "secret"
    if get_origin(kind) is tuple:
        return "list, commas between"
    return _TYPES.get(get_origin(kind) or kind, "text")


def _default(name: str, field: FieldInfo) -> str:
    if name == "data_dir":
        return "the user's data directory"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ((), {}, ""):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    sys.exit(main())
