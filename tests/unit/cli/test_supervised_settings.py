"""The environment of each worker started by one command: a metrics port per worker, and the log format."""

from __future__ import annotations

import pytest

from vitrine.cli.worker import supervise
from vitrine.core.settings import Settings
from vitrine.process.child import ChildProcess

DEVICES = ["cpu", "cpu", "cpu"]


def told(children: list[ChildProcess], name: str) -> list[str | None]:
    return [child._environment.get(name) for child in children]


@pytest.fixture(autouse=True)
def without_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VITRINE_METRICS_PORT", "VITRINE_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)


def test_each_takes_a_port_of_its_own_where_one_is_named() -> None:
    children = list(supervise._children(Settings(metrics_port=9100), DEVICES))
    assert told(children, "VITRINE_METRICS_PORT") == ["9100", "9101", "9102"]


@pytest.mark.parametrize("port", [0, None])
def test_where_any_port_will_do_or_none_nobody_is_told(port: int | None) -> None:
    children = list(supervise._children(Settings(metrics_port=port), DEVICES))
    assert told(children, "VITRINE_METRICS_PORT") == [None] * 3


@pytest.mark.parametrize(
    ("form", "theirs"), [("auto", "human"), ("human", "human"), ("json", "json")]
)
def test_lines_behind_a_name_are_words_unless_json_is_asked_for(form: str, theirs: str) -> None:
    children = list(supervise._children(Settings.model_validate({"log_format": form}), DEVICES))
    assert told(children, "VITRINE_LOG_FORMAT") == [theirs] * 3
