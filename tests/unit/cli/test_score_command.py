"""`vitrine score` against the API over in-memory parts, on a real socket."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from tests.http_server import served
from tests.unit.api.api_fixture import Stage, make_stage
from vitrine.cli import main
from vitrine.cli.common.api_retry import TRIES
from vitrine.cli.score.client import Scorer
from vitrine.cli.score.pairs import ScorePair
from vitrine.client import ApiClient
from vitrine.core.errors import QueueFull
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason
from vitrine.query.client import UnusablePicture

Score: TypeAlias = Callable[..., Result]
HERE, GONE = "https://shop.example/shirt.jpg", "https://shop.example/gone.jpg"
MANY = 5


def unit(*numbers: float) -> NDArray[np.float32]:
    vector = np.zeros(16, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.float32(np.linalg.norm(vector))


@pytest.fixture(scope="module")
def stage() -> Stage:
    """The API with a shirt, known by URL and by its file's bytes, and texts at cosines 0.6 and -0.6 from it."""
    stage = make_stage(Settings())
    known = {HERE.encode(): unit(1), b"shirt": unit(1), b"striped": unit(3, 4), b"red": unit(-3, 4)}
    stage.query_client.known.update(known)
    stage.query_client.known[GONE.encode()] = UnusablePicture(
        FailureReason.NOT_FOUND, "answered 404"
    )
    return stage


@pytest.fixture(scope="module")
def url(stage: Stage) -> Iterator[str]:
    with served(stage.app, stage.parts.settings) as address:
        yield address


@pytest.fixture
def score(stage: Stage, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    stage.query_client.asked.clear()

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["score", "--api", url, *map(str, arguments)])

    return run


def pairs(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_row_gets_its_score_and_keeps_its_cells(score: Score, tmp_path: Path) -> None:
    path = pairs(
        tmp_path,
        f'sku,image_input,text_prompt\n1,{HERE},striped\n"2, é",{HERE},red\n',
    )
    result = score(path)
    assert result.exit_code == 0, result.output
    found = rows(tmp_path / "pairs_with_scores.csv")
    assert [row["sku"] for row in found] == ["1", "2, é"]
    assert [float(row["clip_score"]) for row in found] == pytest.approx([60, 0], abs=1e-3)
    assert [row["score_error"] for row in found] == ["", ""]
    assert list(found[0])[:3] == ["sku", "image_input", "text_prompt"]
    assert "2 pairs scored, mean 30.00" in result.stderr


def test_rows_that_fail_keep_their_place_and_say_why(score: Score, tmp_path: Path) -> None:
    (tmp_path / "shirt.jpg").write_bytes(b"shirt")
    images = [HERE, GONE, "shirt.jpg", "missing.jpg", "../secret.jpg", "ftp://h/1", "", HERE]
    texts = ["striped"] * 7 + [""]
    lines = [f"{image},{text}" for image, text in zip(images, texts, strict=True)]
    path = pairs(tmp_path, "\n".join(["image,caption", *lines, "one cell too,many,here", ""]))
    result = score(path, "--json")
    assert result.exit_code == 3, result.output
    told = json.loads(result.stdout)
    assert (told["scored"], told["failed"], told["rejected_rows"]) == (2, 6, 1)
    errors = [row["score_error"] for row in rows(tmp_path / "pairs_with_scores.csv")]
    assert errors[0] == errors[2] == ""
    assert errors[1] == "image: not_found, answered 404"
    for error, part in zip(
        errors[3:],
        (
            "cannot be read",
            "outside the image root",
            "http://, https://",
            "found none",
            "a text of 1",
        ),
        strict=True,
    ):
        assert part in error
    assert told["first_errors"][0] == {"line": 3, "error": errors[1]}
    assert "expected 2 columns, found 3" in result.stderr


def test_a_reason_that_many_rows_share_is_told_once(score: Score, tmp_path: Path) -> None:
    path = pairs(tmp_path, f"image,text\n{HERE},\n{HERE},striped\n" + f"{HERE},\n" * 30)
    result = score(path)
    assert result.exit_code == 3, result.output
    assert "line 2 and 30 more: expected a text of 1 to 1000 characters" in result.stderr
    assert result.stderr.count("expected a text") == 1
    assert "1 pair scored" in result.stderr


def test_a_gzipped_tsv_with_named_columns_goes_where_it_is_told(
    score: Score, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.tsv.gz"
    path.write_bytes(gzip.compress(f"a\tb\n{HERE}\tstriped\n".encode()))
    output = tmp_path / "out.csv"
    result = score(path, "--image", "a", "--text", "b", "--output", output)
    assert result.exit_code == 0, result.output
    assert float(rows(output)[0]["clip_score"]) == pytest.approx(60, abs=1e-3)


def test_rows_go_in_requests_of_the_batch_size(
    score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = ApiClient.score

    def counted(self: ApiClient, body: dict[str, Any]) -> dict[str, Any]:
        sizes.append(len(body["pairs"]))
        return real(self, body)

    monkeypatch.setattr(ApiClient, "score", counted)
    path = pairs(tmp_path, "image,text\n" + f"{HERE},striped\n" * MANY)
    assert score(path, "--batch-size", 2).exit_code == 0
    assert sizes == [2, 2, 1]


def test_a_comparison_times_both_ways_with_fresh_vectors_and_writes_them_down(
    score: Score, stage: Stage, tmp_path: Path
) -> None:
    path = pairs(tmp_path, "image,text\n" + f"{HERE},striped\n" * MANY)
    result = score(path, "--compare", "--compare-pairs", 3, "--batch-size", 2)
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "pairs_comparison.json").read_text())
    assert (told["pairs"], told["rounds"], told["batch_size"]) == (3, 2, 2)
    assert (told["single"]["requests"], told["batch"]["requests"]) == (6, 4)
    for way in ("single", "batch"):
        assert told[way]["seconds"] > 0
        assert told[way]["request_ms_median"] <= told[way]["request_ms_p95"]
    expected = told["batch"]["pairs_per_second"] / told["single"]["pairs_per_second"]
    assert told["speedup"] == pytest.approx(expected, rel=0.05)
    assert "pairs per second" in result.stdout
    fresh = [query.fresh for _, query in stage.query_client.asked if query.kind == "url"]
    assert fresh == [False] * 3 + [True] * 15


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("a,b\n1,2\n", (), "Name it with --image COLUMN"),
        ("image,b\n1,2\n", (), "Name it with --text COLUMN"),
        ("image,text\n1,2\n", ("--text", "nope"), "There is no column 'nope'"),
        ("image,text,clip_score\n1,2,3\n", (), "already has a column 'clip_score'"),
        ("", (), "empty"),
    ],
    ids=["no pictures", "no texts", "no such column", "scored already", "empty"],
)
def test_a_file_that_cannot_be_scored_is_refused_and_nothing_is_written(
    score: Score, tmp_path: Path, text: str, arguments: tuple[str, ...], said: str
) -> None:
    path = pairs(tmp_path, text)
    result = score(path, *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["pairs.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output", "no_folder/x.csv"), "there is no folder"),
        (("--compare",), "pairs_comparison.json' cannot be written: it is a folder"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_scored(
    *,
    score: Score,
    stage: Stage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs_comparison.json").mkdir()
    path = pairs(tmp_path, f"image,text\n{HERE},striped\n")
    result = score(path, *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert stage.query_client.asked == []
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["pairs.csv"]


def test_a_model_that_there_is_not_leaves_no_file_behind(score: Score, tmp_path: Path) -> None:
    path = pairs(tmp_path, f"image,text\n{HERE},striped\n")
    result = score(path, "--model", "nope")
    assert result.exit_code == 2, result.output
    assert "There is no model nope here" in result.stderr
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["pairs.csv"]


class FullClient:
    """An API that refuses the first `times` requests with QueueFull."""

    def __init__(self, times: int) -> None:
        self.times = times

    def score(self, body: dict[str, Any]) -> dict[str, Any]:
        self.times -= 1
        if self.times >= 0:
            raise QueueFull("64 searches are already in progress.", retry_after=1.5)
        one = {"error": None, "clip_score": 60.0, "probability": None}
        return {"results": [one for _ in body["pairs"]]}


def test_a_full_api_is_asked_again_after_as_long_as_it_says() -> None:
    waited: list[float] = []
    pair = ScorePair(2, {}, {"image_url": HERE, "text": "striped"})
    scorer = Scorer(FullClient(2), None, pause=waited.append)  # type: ignore[arg-type]
    assert [one.clip_score for one in scorer([pair])] == [60.0]
    assert waited == [1.5, 1.5]
    with pytest.raises(QueueFull):
        Scorer(FullClient(TRIES), None, pause=waited.append)([pair])  # type: ignore[arg-type]
