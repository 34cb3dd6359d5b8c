"""Secrets that get into a log line are not shown."""

from __future__ import annotations

import logging

import pytest

from vitrine.core.api_keys import Scope, new_key
from vitrine.core.settings import Settings
from vitrine.telemetry import HumanFormatter, configure_logging, redact

PLANTED = "planted-7f3a"


@pytest.mark.parametrize(
    "text",
    [
        f"redis://:{PLANTED}@h:6379/0 refused",
        f"connecting to rediss://user:{PLANTED}@h",
        f"HTTPS://{PLANTED}@h/x and redis://:{PLANTED}@i",
        f"redis://:with@{PLANTED}@h:6379",
    ],
)
def test_credentials_of_urls_are_not_shown(text: str) -> None:
    assert PLANTED not in redact(text)
    assert "***@" in redact(text)


def test_an_api_key_is_not_shown_wherever_it_stands() -> None:
    key, _ = new_key("shop", [Scope.READ])
    assert key.removeprefix("vitrine_") not in redact(f"Authorization: Bearer {key}, again {key}.")


def test_an_exception_is_redacted_too() -> None:
    key, _ = new_key("shop", [Scope.READ])
    error = ValueError(f"no such host in redis://:{PLANTED}@h with {key}")
    info = (ValueError, error, None)
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", (), info)
    shown = HumanFormatter().format(record)
    assert "ValueError" in shown
    assert PLANTED not in shown
    assert key not in shown


def test_no_repr_of_the_settings_shows_a_secret() -> None:
    secrets = ("redis_url", "qdrant_url", "qdrant_api_key", "store_token", "api_keys", "api_key")
    settings = Settings.model_validate({name: f"{PLANTED}-{name}" for name in secrets})
    for shown in (repr(settings), str(settings), str(settings.model_dump())):
        assert PLANTED not in shown


def test_the_library_that_logs_headers_is_quiet_at_every_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    configure_logging("debug")
    assert not logging.getLogger("hpack.hpack").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("vitrine").isEnabledFor(logging.DEBUG)
