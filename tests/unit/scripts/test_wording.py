"""Phrases that a native speaker would not write are found in what users read, and nowhere else."""

from __future__ import annotations

import ast

import pytest

from scripts import wording


def flagged(source: str) -> list[str]:
    return [
        line
        for number, text in wording._user_texts(ast.parse(source))
        for line in wording._judged(str(number), text)
    ]


def test_the_product_s_texts_have_none_of_them() -> None:
    assert wording.main() == 0


@pytest.mark.parametrize(
    "text",
    [
        "Look at so many at most, by lot.",
        "The queue is told to who asks.",
        "It is no setting here.",
    ],
)
def test_a_text_with_one_is_named_with_what_to_write(text: str) -> None:
    assert "write: " in flagged(f"raise BadInput({text!r})")[0]


def test_docstrings_are_for_contributors_but_a_command_s_is_its_help() -> None:
    assert flagged('def f():\n    """It is mended."""') == []
    assert flagged('@click.command()\ndef f():\n    """It is mended."""') != []


def test_plain_english_passes() -> None:
    assert flagged('raise BadInput("There is no job a1. List the known jobs: vitrine jobs.")') == []
