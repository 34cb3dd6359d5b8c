"""Phrases that a native speaker would not write are found in texts that users read, and nowhere else."""

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


def test_the_prose_of_documents_is_checked_and_their_code_is_not() -> None:
    page = """# A title
    a command of so many words

A paragraph whose `told` is code, in so
many words, and
    continued.

```sh
echo told  # told
```
- An item: it is told.
- Another, as | text
| Who asks | in a row |
"""
    prose = list(wording._prose(page))
    assert [number for number, _ in prose] == [1, 4, 11, 12, 13]
    assert prose[1][1] == "A paragraph whose CODE is code, in so many words, and continued."
    found = [number for number, text in prose if list(wording._judged("page", text))]
    assert found == [4, 11, 13]


def test_the_documents_that_users_read_are_among_those_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wording, "PHRASES", {r"^# ": "nothing"})
    checked = {line.split(":")[0] for line in wording._documents()}
    assert checked >= {"README.md", "SECURITY.md", "CHANGELOG.md", "docs/metrics.md"}
    assert "docs/decisions/0002-fetching.md" in checked


def test_the_phrase_is_shown_with_the_words_around_it() -> None:
    text = "x " * 100 + "it is told here" + " x" * 100
    (line,) = wording._judged("page:1", text)
    assert "it is told here" in line
    assert len(line) < 200
