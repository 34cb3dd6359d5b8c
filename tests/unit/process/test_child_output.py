"""The output of children: whole lines with the child's name, even if the terminal was deleted."""

from __future__ import annotations

import io
import json
from pathlib import Path

from vitrine.process.output import LogFile, PrefixedOutput


def test_each_line_stands_behind_its_childs_name() -> None:
    terminal = io.BytesIO()
    first, second = PrefixedOutput("cuda:0", terminal), PrefixedOutput("cuda:1", terminal)
    with first.open() as one, second.open() as two:
        one.write(b"half a ")
        two.write(b"whole line\n")
        one.write(b"line\nand no end")
    first.drain()
    second.drain()
    assert sorted(terminal.getvalue().splitlines()) == [
        b"[cuda:0] and no end",
        b"[cuda:0] half a line",
        b"[cuda:1] whole line",
    ]


def test_a_second_run_goes_to_the_same_terminal() -> None:
    terminal = io.BytesIO()
    output = PrefixedOutput("cpu", terminal)
    for text in (b"one\n", b"two\n"):
        with output.open() as stream:
            stream.write(text)
        output.drain()
    assert terminal.getvalue() == b"[cpu] one\n[cpu] two\n"


def test_a_child_is_not_held_up_by_a_terminal_that_has_gone() -> None:
    terminal = io.BytesIO()
    terminal.close()
    output = PrefixedOutput("cpu", terminal)
    with output.open() as stream:
        for _ in range(1000):
            stream.write(b"x" * 1000 + b"\n")  # more than a pipe holds
    output.drain()


def test_a_log_file_grows_and_shows_its_end(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    assert log.tail() == ""
    for number in range(8):
        with log.open() as stream:
            stream.write(b"line %d\n" % number)
    assert log.tail(2) == "line 6\nline 7"


def test_the_end_of_a_log_of_json_is_shown_in_words(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "worker.log")
    event = {
        "time": "t",
        "level": "critical",
        "logger": "workers.runtime",
        "event": "no model",
        "job": "j1",
    }
    with log.open() as file:
        file.write(b"plain\n" + json.dumps(event).encode() + b"\n")
    assert log.tail() == "plain\nt CRITICAL workers.runtime: no model  job=j1"
