from __future__ import annotations

import gzip
import io
import threading
import zlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from api.schemas.jobs import MAX_ITEMS
from tests.unit.api.api_fixture import SPACE, Stage, problem_of, put
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.types import FailureReason, JobState

CSV = b"id,image,price\na,https://h.example/a.jpg,3.5\nb,https://h.example/b.jpg,4\n"


def item(**overrides: Any) -> dict[str, Any]:
    return {"id": "a", "images": ["https://h.example/a.jpg"]} | overrides


def upload(stage: Stage, content: bytes, name: str = "catalog.csv", **fields: str) -> Any:
    return stage.client.post(
        "/v1/jobs", files={"file": (name, content)}, data={"collection": "new"} | fields
    )


def test_items_become_a_job_with_a_message_for_each_chunk(stage: Stage) -> None:
    items = [item(id=str(n)) for n in range(70)]
    answer = stage.client.post("/v1/jobs", json={"collection": "new", "items": items})
    assert answer.status_code == 202
    body = answer.json()
    job = body["job"]
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["items"], job["images"], job["pending"]) == (70, 70, 70)
    assert (job["state"], job["model"], job["finished"]) == ("running", "builtin", False)
    assert (body["problems"], body["warnings"]) == ([], [])
    assert stage.outbox.sent == [(job["id"], 0, "builtin"), (job["id"], 1, "builtin")]


def test_the_ledger_holds_urls_in_order_and_typed_fields(stage: Stage) -> None:
    fields = {"title": "Shirt", "price": 29.5, "sizes": ["s", "m"], "new": True}
    images = ["https://h.example/1.jpg", "https://h.example/2.jpg"]
    job = stage.job(items=[item(images=images, fields=fields)])
    lease: Any = stage.ledger.lease(job, 0, seconds=60)
    assert [(image.index, image.url) for image in lease.chunk.images] == list(enumerate(images))
    assert lease.chunk.images[0].payload == fields


def test_a_bad_item_is_named_and_the_others_go_on(stage: Stage) -> None:
    body = {"collection": "new", "items": [item(), item(id="b", images=["ftp://h/b.jpg"])]}
    answer = stage.client.post("/v1/jobs", json=body)
    assert answer.status_code == 202
    job, problems = answer.json()["job"], answer.json()["problems"]
    assert (job["items"], job["rejected_rows"]) == (1, 1)
    assert [(row["line"], row["field"], row["code"]) for row in problems] == [
        (2, "images", "bad_url")
    ]
    kept = stage.client.get(f"/v1/jobs/{job['id']}/problems").json()
    assert kept == {"rejected_rows": 1, "problems": problems}


def test_strict_items_are_refused_for_one_bad_item(stage: Stage) -> None:
    items = [item(), item(id="")]
    answer = stage.client.post(
        "/v1/jobs", json={"collection": "new", "items": items, "strict": True}
    )
    assert "items:2 [id]" in problem_of(answer, 422, "bad_input")["detail"]
    assert stage.ledger.jobs() == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "FILE://localhost/etc/passwd", "/etc/passwd"]
)
def test_files_of_the_server_are_never_taken(stage: Stage, url: str) -> None:
    answer = stage.client.post(
        "/v1/jobs", json={"collection": "new", "items": [item(images=[url])]}
    )
    problem_of(answer, 422, "bad_input")
    answer = upload(stage, b"id,image\na," + url.encode() + b"\n")
    problem_of(answer, 422, "bad_input")
    assert stage.ledger.jobs() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": [item()]}, "collection"),
        ({"collection": "new"}, "items"),
        ({"collection": "new", "items": []}, "items"),
        ({"collection": "new", "items": [{"id": "a"}]}, "items[0].images"),
        ({"collection": "new", "items": [item(images="x")]}, "items[0].images"),
        ({"collection": "new", "items": [item(), item(id=7)]}, "items[1].id"),
        ({"collection": "new", "items": [item()], "colection": "x"}, "colection"),
        ({"collection": "new", "items": [item()] * (MAX_ITEMS + 1)}, "items"),
    ],
)
def test_a_body_of_another_shape_names_the_field(
    stage: Stage, body: dict[str, Any], field: str
) -> None:
    answer = stage.client.post("/v1/jobs", json=body)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == field


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_what_is_no_json_object_is_refused(stage: Stage, content: bytes) -> None:
    problem_of(stage.client.post("/v1/jobs", content=content), 422, "bad_input")


@pytest.mark.parametrize("name", ["Summer", "a b", "-x", "", "x" * 64, "../x"])
def test_a_collection_is_named_plainly(stage: Stage, name: str) -> None:
    answer = stage.client.post("/v1/jobs", json={"collection": name, "items": [item()]})
    assert "cannot be called" in problem_of(answer, 422, "bad_input")["detail"]


def test_payload_is_another_name_of_fields_but_not_beside_it(stage: Stage) -> None:
    job = stage.job(items=[item(payload={"title": "Shirt"})])
    lease: Any = stage.ledger.lease(job, 0, seconds=60)
    assert lease.chunk.images[0].payload == {"title": "Shirt"}
    both = {"collection": "new", "items": [item(payload={"a": 1}, fields={"b": 2})]}
    answer = stage.client.post("/v1/jobs", json=both)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == "items[0].payload"


def test_hints_speak_of_routes_and_fields_not_of_commands(stage: Stage) -> None:
    absent = problem_of(stage.client.get("/v1/jobs/absent"), 404, "not_found")
    assert absent["hint"].startswith("List the known jobs: GET /v1/jobs. ")
    strict = problem_of(upload(stage, CSV + b",x,1\n", strict="true"), 422, "bad_input")
    assert strict["hint"] == "Fix these rows, or submit with strict=false."
    unnamed = problem_of(upload(stage, b"a,image\n1,http://h/1\n"), 422, "bad_input")
    assert "id_column" in unnamed["hint"]
    wrong = problem_of(upload(stage, CSV, id_column="ean"), 422, "bad_input")
    assert "id_column" in wrong["hint"]


def test_a_field_cannot_take_the_id_s_name(stage: Stage) -> None:
    body = {"collection": "new", "items": [item(fields={"id": "other"})]}
    assert (
        "'id'" in problem_of(stage.client.post("/v1/jobs", json=body), 422, "bad_input")["detail"]
    )


# --- limits -----------------------------------------------------------------------------------


def rows(count: int) -> bytes:
    return b"id,image\n" + b"".join(b"%d,https://h.example/%d.jpg\n" % (n, n) for n in range(count))


def test_an_upload_larger_than_the_queue_may_be_is_cancelled_and_told_what_to_do(
    stage: Stage,
) -> None:
    answer = upload(stage, rows(3000))
    body = problem_of(answer, 413, "catalog_too_large")
    [status] = stage.ledger.jobs()
    assert (status.state, status.pending) == (JobState.CANCELLED, 0)
    assert 50 + 1024 <= status.images < 3000
    assert f"{status.images:,} pictures of this catalog had gone in" in body["detail"]
    assert f"job {status.spec.id} was cancelled" in body["detail"]
    assert "fewer than 50 pictures" in body["hint"]


def test_an_upload_that_unfolds_without_end_ends_at_its_line(stage: Stage) -> None:
    bomb = gzip.compress(rows(10) + b"\n" * 20_000_000)
    assert len(bomb) < 100_000
    answer = upload(stage, bomb, "catalog.csv.gz")
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["job"]["items"], body["job"]["rejected_rows"]) == (10, 1)
    [problem] = body["problems"]
    assert (problem["code"], problem["source"]) == ("unreadable", "catalog.csv.gz")
    assert "it unfolds to more than 1,600,000 bytes" in problem["message"]
    strict = problem_of(upload(stage, bomb, "catalog.csv.gz", strict="true"), 422, "bad_input")
    assert "unfolds" in strict["detail"]
    looked = stage.client.post("/v1/preview", files={"file": ("catalog.csv.gz", bomb)}).json()
    assert (looked["items"], looked["rejected_by_code"]) == (10, {"unreadable": 1})


def cut_off(bad: int) -> bytes:
    """A gzip that ends too early, after 40 good rows and this many bad ones."""
    packer = zlib.compressobj(wbits=31)
    text = rows(40) + b"x,\n" * bad + b"y," + b"z" * 100_000
    return packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("bad", [0, 5, 25, 999, 1000, 1500])
def test_an_upload_that_was_cut_off_is_reported_after_any_number_of_problems(
    stage: Stage, bad: int
) -> None:
    answer = upload(stage, cut_off(bad), "catalog.csv.gz")
    assert answer.status_code == 202, answer.text
    body = answer.json()
    job, broken_off = body["job"], body["job"]["broken_off"]
    assert (job["items"], job["rejected_rows"]) == (40, bad + 1)
    assert job["rejected_by_code"] == {"unreadable": 1} | ({"no_image": bad} if bad else {})
    assert (broken_off["code"], broken_off["source"]) == ("unreadable", "catalog.csv.gz")
    assert body["problems"][-1] == broken_off
    assert len(body["problems"]) == min(bad, 20) + 1
    assert body["warnings"][0].startswith(f"The file broke off at line {broken_off['line']:,}: ")
    assert body["warnings"][0].endswith(". The rows after it are missing.")
    path = f"/v1/jobs/{job['id']}"
    again = stage.client.get(path).json()
    assert (again["broken_off"], again["rejected_by_code"]) == (broken_off, job["rejected_by_code"])
    [listed] = stage.client.get("/v1/jobs").json()["jobs"]
    assert listed["broken_off"] == broken_off
    kept = stage.client.get(f"{path}/problems").json()["problems"]
    assert (len(kept), kept[-1]) == (min(bad, 1000) + 1, broken_off)
    looked = stage.client.post(
        "/v1/preview", files={"file": ("catalog.csv.gz", cut_off(bad))}
    ).json()
    assert looked["problems"][-1] == broken_off
    strict = upload(stage, cut_off(bad), "catalog.csv.gz", strict="true")
    told = problem_of(strict, 422, "bad_input")["detail"]
    assert ("The file broke off at line" in told) == (bad > 0)


def test_a_whole_upload_is_not_said_to_have_broken_off(stage: Stage) -> None:
    body = upload(stage, rows(3)).json()
    assert (body["job"]["broken_off"], body["job"]["rejected_by_code"]) == (None, {})
    assert body["warnings"] == []


# --- the model ----------------------------------------------------------------------------------


def test_a_job_without_a_model_gets_the_collection_s_own(stage: Stage) -> None:
    stage.store.ensure("winter", SPACE.__class__("siglip", "r", "p", 4))
    job = stage.job(collection="winter")
    assert stage.client.get(f"/v1/jobs/{job}").json()["model"] == "siglip"


def test_a_model_is_canonical_and_one_without_a_worker_is_warned_of(stage: Stage) -> None:
    body = {"collection": "new", "model": "google/SigLIP", "items": [item()]}
    answer = stage.client.post("/v1/jobs", json=body).json()
    assert answer["job"]["model"] == "google--siglip"
    assert "google/SigLIP" in answer["warnings"][0]
    assert stage.ledger.status(answer["job"]["id"]).spec.asked_model == "google/SigLIP"


def test_a_model_without_a_name_is_refused_in_both_forms(stage: Stage) -> None:
    for model in ("", " "):
        body = {"collection": "new", "model": model, "items": [item()]}
        problem_of(stage.client.post("/v1/jobs", json=body), 422, "bad_input")
        problem_of(upload(stage, CSV, model=model), 422, "bad_input")
    assert stage.ledger.jobs() == []


def test_a_form_s_separator_splits_cells_and_is_not_empty(stage: Stage) -> None:
    content = b"id,image\na,https://h.example/1.jpg^https://h.example/2.jpg\n"
    assert upload(stage, content, image_separator="^").json()["job"]["images"] == 2
    assert "separator" in problem_of(
        upload(stage, content, image_separator=""), 422, "bad_input"
    )["detail"]  # fmt: skip


def test_another_model_than_the_collection_s_is_a_conflict_that_names_both(stage: Stage) -> None:
    put(stage.store, "summer", ("x", 0, b"x", {}))
    body = {"collection": "summer", "model": "siglip", "items": [item()]}
    detail = problem_of(stage.client.post("/v1/jobs", json=body), 409, "conflict")["detail"]
    assert "builtin" in detail
    assert "siglip" in detail


def test_a_look_at_the_workers_that_fails_does_not_undo_the_submission(stage: Stage) -> None:
    stage.query_client.failure = LedgerUnavailable("gone")
    stage.job()


# --- a full queue -------------------------------------------------------------------------------


def test_too_much_pending_is_refused_with_retry_after_and_leaves_no_job(stage: Stage) -> None:
    stage.job(images=50)
    answer = stage.client.post("/v1/jobs", json={"collection": "new", "items": [item()]})
    detail = problem_of(answer, 429, "full")["detail"]
    assert detail == "50 pictures are pending, the limit is 50."
    assert int(answer.headers["retry-after"]) >= 1
    assert len(stage.ledger.jobs()) == 1


def test_a_full_queue_names_the_jobs_that_no_worker_serves(stage: Stage) -> None:
    job = stage.job(images=50, collection="new", model="google/siglip")
    answer = stage.client.post("/v1/jobs", json={"collection": "other", "items": [item()]})
    detail = problem_of(answer, 429, "full")["detail"]
    assert f"50 of them wait for google/siglip, for which no worker runs: job {job}" in detail


def test_room_is_there_again_once_pictures_have_outcomes(stage: Stage) -> None:
    job = stage.job(images=50)
    stage.finish(job, [FailureReason.NOT_FOUND] * 50)
    stage.job(images=1)


def test_a_broker_that_fails_in_the_middle_cancels_the_job(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise LedgerUnavailable("The broker did not take a message.")

    monkeypatch.setattr(stage.outbox, "publish", gone)
    answer = stage.client.post("/v1/jobs", json={"collection": "new", "items": [item()]})
    problem_of(answer, 503, "ledger_unavailable")
    assert [job.state for job in stage.ledger.jobs()] == [JobState.CANCELLED]


# --- files --------------------------------------------------------------------------------------


def test_an_uploaded_csv_becomes_a_job(stage: Stage) -> None:
    answer = upload(stage, CSV, name="../../shop/summer.csv")
    assert answer.status_code == 202, answer.text
    job = answer.json()["job"]
    assert (job["source"], job["items"], job["collection"]) == ("summer.csv", 2, "new")
    lease: Any = stage.ledger.lease(job["id"], 0, seconds=60)
    assert lease.spec.file_root is None
    assert [image.payload for image in lease.chunk.images] == [{"price": 3.5}, {"price": 4.0}]


def test_an_upload_past_memory_s_spool_is_read_whole(stage: Stage) -> None:
    rows = [f"{n},https://h.example/{n}.jpg,{'x' * 9000}" for n in range(120)]
    content = "\n".join(["id,image,text", *rows]).encode()
    assert len(content) > 1024 * 1024
    assert upload(stage, content).json()["job"]["items"] == 120


def test_other_formats_and_gzip_are_told_by_name_or_content(stage: Stage) -> None:
    table = pa.table({"id": ["a"], "image": ["https://h.example/a.jpg"]})
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(table, parquet)
    assert upload(stage, gzip.compress(CSV), "c.csv.gz").json()["job"]["items"] == 2
    assert upload(stage, parquet.getvalue(), "c.parquet").json()["job"]["items"] == 1
    assert upload(stage, b"https://h.example/a.jpg\n", "list").json()["job"]["items"] == 1
    jsonl = b'{"id": "a", "image": "https://h.example/a.jpg"}\n'
    assert upload(stage, jsonl, "x", format="jsonl").json()["job"]["items"] == 1


def test_columns_can_be_named(stage: Stage) -> None:
    content = b"key,front,back\na,https://h.example/1.jpg,https://h.example/2.jpg\n"
    answer = upload(stage, content, id_column="key", image_columns="front, back")
    assert answer.json()["job"]["images"] == 2


def test_bad_rows_are_named_by_line_and_good_ones_go_on(stage: Stage) -> None:
    answer = upload(stage, CSV + b",https://h.example/c.jpg,1\n")
    assert answer.json()["job"]["rejected_rows"] == 1
    assert [(row["source"], row["line"], row["field"]) for row in answer.json()["problems"]] == [
        ("catalog.csv", 4, "id")
    ]


def test_a_strict_upload_is_refused_naming_line_and_field(stage: Stage) -> None:
    answer = upload(stage, CSV + b",https://h.example/c.jpg,1\n", strict="true")
    assert "catalog.csv:4 [id]" in problem_of(answer, 422, "bad_input")["detail"]
    assert stage.ledger.jobs() == []


def test_a_strict_upload_without_flaw_is_taken_whole(stage: Stage) -> None:
    assert upload(stage, CSV, strict="true").json()["job"]["items"] == 2


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (b"", {}),
        (b"id,image\n", {}),
        (b"PK\x03\x04" + bytes(100), {}),
        (CSV, {"id_column": "sku"}),
        (CSV, {"format": "parquet"}),
    ],
)
def test_a_file_that_is_no_catalog_leaves_no_job(
    stage: Stage, content: bytes, fields: dict[str, str]
) -> None:
    problem_of(upload(stage, content, **fields), 422, "bad_input")
    assert stage.ledger.jobs() == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"format": "docx"}, "format"),
        ({"strict": "perhaps"}, "strict"),
        ({"colour": "x"}, "colour"),
    ],
)
def test_a_form_s_bad_field_is_named(stage: Stage, fields: dict[str, str], field: str) -> None:
    answer = upload(stage, CSV, **fields)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == field


def test_a_form_without_a_file_says_which_is_missing(stage: Stage) -> None:
    answer = stage.client.post(
        "/v1/jobs", files={"catalog": ("c.csv", CSV)}, data={"collection": "new"}
    )
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == "file"


def test_a_field_given_twice_is_named(stage: Stage) -> None:
    answer = stage.client.post(
        "/v1/jobs", files={"file": ("c.csv", CSV)}, data={"collection": ["a", "b"]}
    )
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == "collection"


def test_submitting_runs_beside_the_event_loop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    add = stage.ledger.add_chunks

    def noted(*args: Any, **named: Any) -> list[int]:
        threads.append(threading.current_thread().name)
        return add(*args, **named)

    monkeypatch.setattr(stage.ledger, "add_chunks", noted)
    stage.job()
    assert threads
    assert all(name.startswith("AnyIO worker") for name in threads)
