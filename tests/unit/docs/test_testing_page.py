"""The example in docs/testing.md runs as written."""

from __future__ import annotations

import re

from tests.conftest import REPOSITORY


def test_the_example_runs() -> None:
    page = (REPOSITORY / "docs" / "testing.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(example, "docs/testing.md", "exec"), {})  # noqa: S102 - our own page
