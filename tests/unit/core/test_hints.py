"""Hints are values: every front end has a text for every action, and none shows another's."""

from __future__ import annotations

import re

import pytest

from api.error_hints import HTTP, hint_of, sentence_of
from vitrine.core.errors import BadInput
from vitrine.core.hints import CLI_WORDING, Action, ActionWording, Hint


@pytest.mark.parametrize("words", [CLI_WORDING, HTTP], ids=["command line", "HTTP"])
def test_every_front_end_has_words_for_every_action(words: ActionWording) -> None:
    assert set(words) == set(Action)


def test_a_hint_is_worded_for_who_reads_it() -> None:
    error = BadInput("It is done.", hint=Hint("See its progress: {show_job}", {"job": "a1"}))
    assert str(error) == "It is done. See its progress: vitrine status a1"
    assert hint_of(error) == "See its progress: GET /v1/jobs/a1"
    assert sentence_of(error) == "It is done. See its progress: GET /v1/jobs/a1"


def test_a_hint_that_is_the_same_everywhere_is_text() -> None:
    error = BadInput("No.", hint="Use {braces} as you like.")
    assert hint_of(error) == str(error.hint) == "Use {braces} as you like."


def test_a_value_is_never_read_as_a_template() -> None:
    hint = Hint("Cancel it: {cancel_job}", {"job": "{list_jobs}"})
    assert hint.render(CLI_WORDING) == "Cancel it: vitrine cancel {list_jobs}"


def test_no_command_and_no_option_is_told_over_http() -> None:
    texts = [text for action, text in HTTP.items() if action is not Action.SUBMIT_AND_WAIT]
    assert not [text for text in texts if re.search(r"(?<!\w)--\w|\bvitrine \w", text)]
