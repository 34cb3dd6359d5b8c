from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.unit.api.api_fixture import Stage, problem_of

CSV = b"sku,picture,price\na,https://h.example/a.jpg,3.5\na,https://h.example/b.jpg,4\n"


def look(stage: Stage, content: bytes, name: str = "catalog.csv", **fields: str) -> Any:
    return stage.client.post("/v1/preview", files={"file": (name, content)}, data=fields)


def test_a_preview_tells_columns_and_problems_and_submits_nothing(stage: Stage) -> None:
    answer = look(stage, CSV)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [(column["name"], column["role"]) for column in body["columns"]] == [
        ("sku", "id"), ("picture", "image"), ("price", "field"),
    ]  # fmt: skip
    assert body["columns"][2] == {
        "name": "price", "role": "field", "kind": "float", "examples": ["3.5", "4"],
    }  # fmt: skip
    assert (body["rows"], body["items"], body["rejected_rows"]) == (2, 1, 1)
    assert body["rejected_by_code"] == {"duplicate_id": 1}
    assert body["problems"][0]["line"] == 3
    assert (body["source"], body["format"], body["whole"]) == ("catalog.csv", "csv", True)
    assert stage.ledger.jobs() == []
    assert stage.outbox.sent == []


def test_a_catalog_without_a_usual_name_is_shown_and_then_mapped(stage: Stage) -> None:
    content = b"name,link\nShirt,https://h.example/1.jpg\n"
    assert look(stage, content).json()["missing"] == ["id", "image"]
    mapped = look(stage, content, id_column="name", image_columns="link").json()
    assert (mapped["missing"], mapped["items"]) == ([], 1)


def test_a_column_whose_name_has_a_comma_can_be_named_too(stage: Stage) -> None:
    content = b'id,"front, large"\na,https://h.example/1.jpg\n'
    body = look(stage, content, image_columns='["front, large"]').json()
    assert (body["items"], body["columns"][1]["role"]) == (1, "image")
    submitted = stage.client.post(
        "/v1/jobs",
        files={"file": ("catalog.csv", content)},
        data={"collection": "new", "image_columns": '["front, large"]'},
    )
    assert submitted.json()["job"]["items"] == 1


@pytest.mark.parametrize("names", ["[1]", '[{"a": 1}]', "[[]]"])
def test_an_array_of_anything_but_names_is_refused(stage: Stage, names: str) -> None:
    problem_of(look(stage, CSV, image_columns=names), 422, "bad_input")


def test_the_beginning_of_a_larger_file_is_taken_for_that(stage: Stage) -> None:
    body = look(stage, CSV + b"b,https://h.exa", cut="true").json()
    assert (body["items"], body["rejected_rows"], body["whole"]) == (1, 1, False)


def test_parquet_is_looked_at_too(stage: Stage) -> None:
    file = io.BytesIO()
    table = pa.table({"id": ["a"], "image": ["https://h.example/a.jpg"], "stock": [3]})
    pyarrow.parquet.write_table(table, file)
    body = look(stage, file.getvalue(), "catalog.parquet").json()
    assert (body["format"], body["items"]) == ("parquet", 1)
    assert body["columns"][2]["kind"] == "int"


def test_files_of_the_server_are_never_looked_at(stage: Stage) -> None:
    body = look(stage, b"id,image\na,/etc/passwd\n").json()
    assert (body["items"], body["problems"][0]["code"]) == (0, "bad_url")


@pytest.mark.parametrize(
    ("content", "fields", "told"),
    [
        (b"", {}, "empty"),
        (b"PK\x03\x04", {}, "zip"),
        (CSV, {"id_column": "nosuch"}, "nosuch"),
        (CSV, {"collection": "summer"}, "collection"),
        (CSV, {"format": "docx"}, "format"),
    ],
)
def test_what_cannot_be_looked_at_is_a_422_that_names_it(
    stage: Stage, content: bytes, fields: dict[str, str], told: str
) -> None:
    assert told in problem_of(look(stage, content, **fields), 422, "bad_input")["detail"]


def test_a_form_without_a_file_names_it(stage: Stage) -> None:
    answer = stage.client.post("/v1/preview", files={"other": ("a.csv", CSV)})
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == "file"


def test_json_is_refused(stage: Stage) -> None:
    problem_of(stage.client.post("/v1/preview", json={}), 415, "unsupported_media_type")


def test_a_catalog_over_the_limit_is_refused(stage: Stage) -> None:
    problem_of(look(stage, b"x" * 2_000_000), 413, "too_large")
