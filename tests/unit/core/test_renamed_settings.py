"""Renamed settings: the old variable is read for one more release, with a deprecation warning."""

from __future__ import annotations

import logging

import pytest

from vitrine.core.errors import BadInput
from vitrine.core.load_settings import RENAMED_VARIABLES, load
from vitrine.core.settings import Settings
from vitrine.doctor.settings_check import check_settings

OLD, NEW = "VITRINE_FETCH_ROUNDS", "VITRINE_FETCH_DEFERRALS"


def test_every_new_name_is_a_setting_and_no_old_one_is() -> None:
    fields = {f"VITRINE_{name.upper()}" for name in Settings.model_fields}
    assert set(RENAMED_VARIABLES.values()) <= fields
    assert not set(RENAMED_VARIABLES) & fields


def test_an_old_name_is_read_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(OLD, "7")
    with caplog.at_level(logging.WARNING):
        assert load().fetch_deferrals == 7
    assert f"{OLD} is now called {NEW}" in caplog.text


def test_the_new_name_and_an_option_count_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OLD, "7")
    assert load(fetch_deferrals=2).fetch_deferrals == 2
    monkeypatch.setenv(NEW, "5")
    assert load().fetch_deferrals == 5


def test_a_bad_value_under_an_old_name_is_told_under_the_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(OLD, "many")
    with pytest.raises(BadInput, match=NEW):
        load()


def test_the_doctor_names_the_new_one() -> None:
    findings = list(check_settings(Settings(), Settings(), {OLD: "7"}))
    assert any(OLD in finding.message and NEW in (finding.fix or "") for finding in findings)
