"""docs/producer.md shows reports of `vitrine submit --dry-run` for example feeds: each is what the command prints."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner

from tests.conftest import REPOSITORY
from vitrine.cli import main

PAGE = (REPOSITORY / "docs" / "producer.md").read_text(encoding="utf-8")
SHOWN = re.findall(
    r"^\$ vitrine (submit tests/cases/feeds/.*)\n((?:(?!\$ |```).*\n)*)", PAGE, re.MULTILINE
)


def test_there_are_reports() -> None:
    assert len(SHOWN) >= 6


@pytest.mark.parametrize(
    ("command", "report"), SHOWN, ids=[command.split()[1] for command, _ in SHOWN]
)
def test_a_report_is_what_the_command_prints(
    command: str, report: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("COLUMNS", "1000")
    result = CliRunner().invoke(main, shlex.split(command))
    assert result.output.strip() == report.strip()
