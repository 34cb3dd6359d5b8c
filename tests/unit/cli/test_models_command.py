"""`vitrine models`: the list for people and for programs."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from vitrine.cli import main
from vitrine.core.model_registry import MODEL_CARDS


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["models", *arguments])


def test_every_model_is_listed_with_what_it_needs() -> None:
    result = run()
    assert result.exit_code == 0
    heading, *rows = result.stdout.splitlines()
    assert len(rows) == len(MODEL_CARDS)
    assert [row.split()[0] for row in rows] == [card.id for card in MODEL_CARDS]
    clip = next(row for row in rows if row.startswith("openai/clip-vit-large-patch14"))
    for told in ("768", "224 x 224", "yes", "1.6", "0.8", "MIT", "32bd64288804"):
        assert told in clip
    assert heading.split() == ["model", "vectors", "sees", "words", "CPU", "GiB", "GPU", "GiB", "licence", "revision"]  # fmt: skip


def test_programs_get_whole_revisions_and_bytes() -> None:
    told = json.loads(run("--json").stdout)
    assert [one["id"] for one in told] == [card.id for card in MODEL_CARDS]
    naflex = next(one for one in told if one["id"] == "google/siglip2-so400m-patch16-naflex")
    assert (naflex["side"], naflex["patches"], naflex["dimension"]) == (None, 256, 1152)
    assert naflex["weights_bytes"]["float32"] == 2 * naflex["weights_bytes"]["bfloat16"]
    assert len(naflex["revision"]) == 40


def test_one_model_is_told_by_what_people_call_it() -> None:
    (told,) = json.loads(run("dinov2-base", "--json").stdout)
    assert told["id"] == "facebook/dinov2-base"


def test_the_list_is_narrowed_by_family_and_by_words() -> None:
    for one in json.loads(run("--family", "dinov2", "--json").stdout):
        assert (one["family"], one["text"]) == ("dinov2", False)
    assert json.loads(run("--family", "dinov2", "--text", "--json").stdout) == []
    assert all(one["text"] for one in json.loads(run("--text", "--json").stdout))


def test_a_model_that_is_not_listed_is_named_with_the_way_out() -> None:
    result = run("no-such/model")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no-such/model" in result.stderr
    assert "directory or hub id" in result.stderr
