"""The lock file: pins from pip's reports, with the oldest Python taking precedence."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import lock
from scripts.interpreters import Interpreter
from scripts.lock import Pins, pins_of, render


def entry(name: str, version: str) -> dict[str, dict[str, str]]:
    return {"metadata": {"name": name, "version": version}}


def test_pins_carry_normalised_names_and_no_local_version() -> None:
    report = {
        "install": [entry("PyYAML", "6.0.3"), entry("torch", "2.13.0+cpu"), entry("a_b.c", "1")]
    }
    assert pins_of(report) == {"pyyaml": "6.0.3", "torch": "2.13.0", "a-b-c": "1"}


def test_the_project_and_what_pytorch_pins_are_left_out() -> None:
    names = ["vitrine", "nvidia-cublas", "cuda-toolkit", "triton", "tritonclient"]
    assert pins_of({"install": [entry(name, "1") for name in names]}) == {"tritonclient": "1"}


def test_pins_are_written_in_order() -> None:
    assert render({"b": "2", "a": "1"}) == "a==1\nb==2\n"


def test_a_newer_python_takes_the_pins_of_the_oldest_and_adds_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, Pins]] = []

    def resolve(interpreter: Interpreter, pins: Pins, folder: Path) -> Pins:
        assert folder.is_dir()
        asked.append((interpreter.version, dict(pins)))
        return {"numpy": "2.4"} if interpreter.version == "3.11" else {**pins, "extra": "1"}

    monkeypatch.setattr(lock, "resolve", resolve)
    pins = lock.lock([Interpreter("p", version, True) for version in ("3.13", "3.11")])
    assert asked == [("3.11", {}), ("3.13", {"numpy": "2.4"})]
    assert pins == {"numpy": "2.4", "extra": "1"}


def test_a_missing_python_is_named_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only = Interpreter("p", "3.11", True)
    monkeypatch.setattr(lock, "probe", lambda _: only)
    assert lock.main(["p"]) == 1
    assert "Python 3.12, 3.13 not found" in capsys.readouterr().err
