"""Log lines: one JSON object per event, with its context; plain text for people; no secrets in either."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from vitrine.telemetry import bind_fields, configure_logging, humanize_json_line, log_fields
from vitrine.telemetry import context as module

SECRET = "planted-7f3a"
log = logging.getLogger("vitrine.tests.lines")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    yield
    logging.captureWarnings(capture=False)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The standard error, which is not a terminal."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("info")
    return stream


def fail(words: str) -> None:
    raise ValueError(words)


def told(stream: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_each_event_is_one_object_a_line_whatever_it_holds(pipe: io.StringIO) -> None:
    log.info("two\nlines and a %s", '"quote"')
    try:
        fail("first\nsecond")
    except ValueError:
        log.exception("it broke")
    first, second = told(pipe)
    assert first["event"] == 'two\nlines and a "quote"'
    assert (first["level"], first["logger"]) == ("info", "vitrine.tests.lines")
    assert second["exception"].startswith("Traceback")
    assert "second" in second["exception"]


def test_what_is_bound_is_told_within_the_block_and_no_longer(pipe: io.StringIO) -> None:
    with bind_fields(job="j1", chunk=4):
        log.info("inside", extra=log_fields(item="vt-7", host="img.example"))
        with bind_fields(chunk=5):
            log.info("deeper")
        log.info("inside again")
    log.info("outside")
    inside, deeper, again, outside = told(pipe)
    assert {name: inside[name] for name in ("job", "chunk", "item", "host")} == {
        "job": "j1", "chunk": 4, "item": "vt-7", "host": "img.example",
    }  # fmt: skip
    assert (deeper["job"], deeper["chunk"], again["chunk"]) == ("j1", 5, 4)
    assert not {"job", "chunk"} & outside.keys()


def test_what_is_always_told_stands_in_every_line(
    pipe: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_always", {})
    module.bind_process_fields(worker="builtin.cpu.7@h")
    log.info("one")
    assert told(pipe)[0]["worker"] == "builtin.cpu.7@h"


def test_no_field_replaces_what_every_line_has(pipe: io.StringIO) -> None:
    with bind_fields(event="forged", level="forged", time="forged"):
        log.warning("true")
    [line] = told(pipe)
    assert (line["event"], line["level"]) == ("true", "warning")
    assert line["time"] != "forged"


def test_no_secret_is_in_an_event_a_field_or_an_exception(pipe: io.StringIO) -> None:
    url = f"redis://:{SECRET}@h:6379/0"
    with bind_fields(address=url):
        try:
            fail(url)
        except ValueError:
            log.exception("cannot reach %s, nor mail@h", url)
    assert SECRET not in pipe.getvalue()
    [line] = told(pipe)
    assert line["address"] == "redis://***@h:6379/0"


def test_on_a_terminal_it_is_words(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("info")
    with bind_fields(job="j1"):
        log.warning("mind this")
    [line] = stream.getvalue().splitlines()
    assert line.endswith("WARNING vitrine.tests.lines: mind this  job=j1")


@pytest.mark.parametrize(("form", "terminal"), [("json", True), ("human", False)])
def test_a_form_that_is_named_is_taken_wherever_it_goes(
    monkeypatch: pytest.MonkeyPatch, form: Any, terminal: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("info", form)
    log.info("hello")
    assert stream.getvalue().startswith("{") is (form == "json")


def test_the_end_of_a_log_is_shown_to_people_in_words(pipe: io.StringIO) -> None:
    with bind_fields(job="j1"):
        log.error("the model is not there")
    line = humanize_json_line(pipe.getvalue().strip())
    assert "ERROR" in line
    assert line.endswith("vitrine.tests.lines: the model is not there  job=j1")


@pytest.mark.parametrize("line", ["", "plain words", "{", '{"a": 1}', "[1]", "null", '{"time": 1}'])
def test_a_line_of_another_kind_is_shown_as_it_is(line: str) -> None:
    assert humanize_json_line(line) == line
