"""How the browser for the page's tests is found or installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts import browser, debian


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any browser; returns the folder that is its whole PATH."""
    monkeypatch.delenv("VITRINE_TEST_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "APPLICATIONS", ())
    return tmp_path


def put_command(folder: Path, name: str) -> str:
    file = folder / name
    file.write_text("#!/bin/sh\nexit 0\n")
    file.chmod(0o755)
    return str(file)


def test_one_that_is_named_is_taken_before_all_others(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_command(nowhere, "chromium")
    monkeypatch.setenv("VITRINE_TEST_BROWSER", "/opt/mine")
    assert browser.find() == "/opt/mine"


@pytest.mark.parametrize("name", browser.NAMES)
def test_one_on_the_path_is_found(nowhere: Path, name: str) -> None:
    assert browser.find() is None
    path = put_command(nowhere, name)
    assert browser.find() == path


def test_one_that_is_an_application_is_found(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_command(nowhere, "Google Chrome")
    monkeypatch.setattr(browser, "APPLICATIONS", ("/no/such", path))
    assert browser.find() == path


def test_nothing_is_installed_where_there_is_no_apt() -> None:
    assert debian.install("chromium", "to be tested") is False


def test_nothing_is_installed_by_who_would_be_asked_for_a_password(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_command(nowhere, "apt-get")
    (nowhere / "sudo").write_text("#!/bin/sh\nexit 1\n")
    (nowhere / "sudo").chmod(0o755)
    monkeypatch.setattr(debian, "_is_debian", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert debian.install("chromium", "to be tested") is False


def test_debians_own_is_installed_where_that_is_allowed(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_command(nowhere, "apt-get")
    monkeypatch.setattr(debian, "_is_debian", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert debian.install("chromium", "to be tested") is True


def test_without_one_the_user_is_told_what_to_do_and_nothing_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert browser.main() == 0
    assert "VITRINE_TEST_BROWSER" in capsys.readouterr().err
