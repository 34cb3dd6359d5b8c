"""The programs that tests use: found, installed, or reported as missing in one line."""

from __future__ import annotations

import pytest

from scripts import test_tools
from scripts.test_tools import TOOLS, Tool, main


def tool(*, found: bool, is_server: bool = False) -> Tool:
    return Tool("gadget", "gadgets", "which helps", "gadgets", lambda: found, is_server)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages that were installed; every installation succeeds."""
    packages: list[str] = []

    def install(package: str, _: str) -> bool:
        packages.append(package)
        return True

    monkeypatch.setattr(test_tools, "install", install)
    return packages


def given(monkeypatch: pytest.MonkeyPatch, *tools: Tool) -> None:
    monkeypatch.setattr(test_tools, "TOOLS", tools)


def test_what_is_here_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, installed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, tool(found=True))
    assert (main(), installed, capsys.readouterr().err) == (0, [], "")


def test_what_is_missing_is_installed(
    monkeypatch: pytest.MonkeyPatch, installed: list[str]
) -> None:
    given(monkeypatch, tool(found=False))
    assert (main(), installed) == (0, ["gadgets"])


def test_what_cannot_be_had_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, tool(found=False))
    monkeypatch.setattr(test_tools, "install", lambda _package, _purpose: False)
    assert main() == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "gadget is missing" in line
    assert "apt install gadgets" in line


def test_no_server_is_installed_where_it_would_be_started(
    monkeypatch: pytest.MonkeyPatch, installed: list[str]
) -> None:
    monkeypatch.setattr(test_tools, "_SYSTEMD", "/")
    given(monkeypatch, tool(found=False, is_server=True))
    assert (main(), installed) == (0, [])


def test_every_tool_says_what_is_left_out_without_it() -> None:
    assert all(one.skipped and one.package for one in TOOLS)
