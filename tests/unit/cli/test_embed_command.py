"""`vitrine embed` against the API over in-memory parts, on a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.http_server import served
from tests.unit.api.api_fixture import Stage, make_stage
from vitrine.cli import main
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason
from vitrine.query.client import Query, UnusablePicture
from vitrine.testing.fake_query_client import fake_vector

Embed: TypeAlias = Callable[..., Result]
HERE, GONE = "https://shop.example/shirt.jpg", "https://shop.example/gone.jpg"


@pytest.fixture(scope="module")
def stage() -> Stage:
    stage = make_stage(Settings())
    stage.query_client.known[GONE.encode()] = UnusablePicture(
        FailureReason.NOT_FOUND, "answered 404"
    )
    return stage


@pytest.fixture(scope="module")
def url(stage: Stage) -> Iterator[str]:
    with served(stage.app, stage.parts.settings) as address:
        yield address


@pytest.fixture
def embed(stage: Stage, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Embed:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    stage.query_client.asked.clear()

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["embed", "--api", url, *map(str, arguments)])

    return run


def test_each_input_gets_a_line_with_its_vector(embed: Embed, stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "bag.jpg"
    file.write_bytes(b"bag")
    result = embed(HERE, file, "--text", "rot", "--grey")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["input"] for line in lines] == [HERE, str(file), "rot"]
    expected = [fake_vector(data, 16) for data in (HERE.encode(), b"bag", b"rot")]
    np.testing.assert_allclose([line["embedding"] for line in lines], expected, atol=1e-7)
    assert (Query("image", b"bag", grey=True)) in [query for _, query in stage.query_client.asked]


def test_what_fails_has_its_reason_and_its_place(embed: Embed, tmp_path: Path) -> None:
    result = embed(HERE, GONE, tmp_path / "missing.jpg", "--batch-size", 2)
    assert result.exit_code == 3, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert "embedding" in lines[0]
    assert lines[1] == {"input": GONE, "error": "not_found: answered 404"}
    assert lines[2]["error"] == "it cannot be read: no such file or directory"


def test_as_an_array_what_failed_is_nan(embed: Embed, tmp_path: Path) -> None:
    output = tmp_path / "vectors.npy"
    result = embed(GONE, HERE, "--output", output)
    assert result.exit_code == 3, result.output
    rows = np.load(output, allow_pickle=False)
    assert (rows.shape, rows.dtype) == ((2, 16), np.float32)
    assert np.isnan(rows[0]).all()
    np.testing.assert_array_equal(rows[1], fake_vector(HERE.encode(), 16))
    assert result.stdout == ""
    assert f"{GONE}: not_found: answered 404" in result.stderr
    assert "1 vector of 16 numbers" in result.stderr


def test_an_array_of_nothing_is_not_written(embed: Embed, tmp_path: Path) -> None:
    output = tmp_path / "vectors.npy"
    result = embed(GONE, "--output", output)
    assert result.exit_code == 2
    assert "No input has a vector" in result.stderr
    assert not output.exists()


def test_something_has_to_be_given_and_the_model_be_there(embed: Embed) -> None:
    assert "Give pictures, or --text" in embed().stderr
    result = embed(HERE, "--model", "nope")
    assert result.exit_code == 2
    assert "There is no model nope here" in result.stderr
