"""The job commands from a user's view: their output and exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import zlib
from pathlib import Path

import pytest

from tests.unit.cli.job_fixture import finish, run, submitted
from vitrine.cli.common import services
from vitrine.cli.jobs import follow as follow_module
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.core.types import Failure, FailureReason, JobState, JobStatus
from vitrine.ledger.base import Lease
from vitrine.testing.memory_ledger import MemoryLedger


def test_submit_says_how_to_follow_the_job(ledger: MemoryLedger, catalog: Path) -> None:
    result = run("submit", catalog, "--collection", "shop")
    [job] = ledger.jobs()
    assert result.exit_code == 0
    assert f"vitrine status {job.spec.id} --wait" in result.stdout
    assert (job.images, job.spec.collection, job.spec.model) == (3, "shop", "builtin")
    assert job.spec.file_root == str(catalog.parent.resolve())


def test_submit_names_the_model_as_workers_do(ledger: MemoryLedger, catalog: Path) -> None:
    run("submit", catalog, "--collection", "shop", "--model", "google/SigLIP-base")
    assert ledger.jobs()[0].spec.model == "google--siglip-base"


def test_submit_reads_standard_input(ledger: MemoryLedger) -> None:
    text = '{"id": 1, "image": "http://h/1"}\n'
    result = run("submit", "-", "--collection", "shop", "--json", stdin=text)
    report = json.loads(result.stdout)
    assert (report["source"], report["format"], report["items"]) == ("stdin", "jsonl", 1)


def test_rejected_rows_are_told_and_exit_with_3(ledger: MemoryLedger, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,http://h/1\n2,\n")
    result = run("submit", path, "--collection", "shop")
    assert result.exit_code == 3
    assert "shop.csv:3 [image]: expected at least one picture" in result.stderr.replace("\n", "")
    assert ledger.jobs()[0].rejected_rows == 1


@pytest.mark.parametrize("bad", [0, 4, 1500])
def test_a_file_that_broke_off_is_reported_everywhere(
    ledger: MemoryLedger, tmp_path: Path, bad: int
) -> None:
    path = tmp_path / "shop.csv.gz"
    packer = zlib.compressobj(wbits=31)
    text = b"id,image\n1,http://h/1\n" + b"x,\n" * bad + b"y," + b"z" * 100_000
    path.write_bytes(packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))
    told = re.compile(r"The file broke off at line [\d,]+: .+\. The rows after it are missing\.")
    result = run("submit", path, "--collection", "shop")
    assert result.exit_code == 3
    assert told.search(result.stderr)
    assert "unreadable 1" in result.stdout
    [job] = ledger.jobs()
    result = run("status", job.spec.id)
    assert result.exit_code == 3
    assert told.search(result.stdout)
    assert f"rejected rows {bad + 1:,}: " in result.stdout
    assert ("no_image" in result.stdout) == (bad > 0)
    result = run("status", job.spec.id, "--json")
    [listed] = json.loads(run("jobs", "--json").stdout)
    for status in (json.loads(result.stdout), listed):
        assert status["broken_off"]["code"] == "unreadable"
        assert status["rejected_by_code"]["unreadable"] == 1
        assert sum(status["rejected_by_code"].values()) == bad + 1
    assert "unreadable" in run("failures", job.spec.id).stdout.splitlines()[-1]
    looked = run("submit", path, "--dry-run", "--json")
    assert looked.exit_code == 3
    report = json.loads(looked.stdout)
    assert report["problems"][-1] == report["broken_off"] == listed["broken_off"]


def test_strict_submits_nothing(ledger: MemoryLedger, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,http://h/1\n2,\n")
    result = run("submit", path, "--collection", "shop", "--strict")
    assert result.exit_code == 2
    assert "Nothing was submitted" in result.stderr
    assert ledger.jobs() == []


def test_strict_submits_a_good_file(ledger: MemoryLedger, catalog: Path) -> None:
    assert run("submit", catalog, "--collection", "shop", "--strict").exit_code == 0
    assert ledger.jobs()[0].images == 3


def test_a_dry_run_only_reports(ledger: MemoryLedger, catalog: Path) -> None:
    result = run("submit", catalog, "--dry-run", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["job"], report["rows"], report["images"]) == (None, 3, 3)
    assert report["columns"] == {"id": "id", "images": ["image"], "payload": {}}
    assert ledger.jobs() == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("submit", "absent.csv", "--collection", "shop"), "no file 'absent.csv'"),
        (("submit", "CATALOG", "--collection", "Shop!"), "cannot be a collection's name"),
        (("submit", "CATALOG"), "Missing option '--collection'"),
        (("submit", "CATALOG", "--collection", "shop", "--id", "ean"), "no column 'ean'"),
        (("submit", "CATALOG", "--collection", "shop", "--format", "xlsx"), "xlsx"),
        (("status", "absent"), "absent"),
        (("failures", "absent"), "absent"),
        (("retry", "absent"), "absent"),
        (("cancel", "absent"), "absent"),
        (("unheard-of",), "No such command"),
    ],
)
def test_bad_usage_exits_with_2_and_one_clear_sentence(
    ledger: MemoryLedger, catalog: Path, arguments: tuple[str, ...], told: str
) -> None:
    result = run(*(str(catalog) if part == "CATALOG" else part for part in arguments))
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output


def test_waiting_ends_with_the_jobs_outcome(
    ledger: MemoryLedger, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_seal = ledger.seal

    def seal(job: str, *, after: bytes) -> JobState:
        state = real_seal(job, after=after)
        finish(ledger, job, FailureReason.NOT_FOUND)
        return state

    monkeypatch.setattr(ledger, "seal", seal)
    result = run("submit", catalog, "--collection", "shop", "--wait", "--json")
    assert result.exit_code == 3
    status = json.loads(result.stdout)["status"]
    assert (status["state"], status["embedded"]) == ("completed_with_failures", 2)
    assert status["failed_by_reason"] == {"not_found": 1}


def test_status_exits_with_0_when_all_is_embedded(ledger: MemoryLedger, catalog: Path) -> None:
    job = submitted(catalog)
    finish(ledger, job)
    result = run("status", job, "--wait")
    assert result.exit_code == 0
    assert "completed" in result.stdout
    assert "3 embedded" in result.stdout


def test_ctrl_c_leaves_the_job_and_says_how_to_follow_it(
    ledger: MemoryLedger, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submitted(catalog)
    monkeypatch.setattr("time.sleep", lambda _: signal.raise_signal(signal.SIGINT))
    result = run("status", job, "--wait")
    assert result.exit_code == 130
    assert f"vitrine status {job} --wait" in result.stderr
    assert ledger.status(job).state is JobState.RUNNING


def test_ctrl_c_while_sending_leaves_the_job_open_and_says_how_to_go_on(
    ledger: MemoryLedger, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "seal", lambda _job, **_: signal.raise_signal(signal.SIGINT))
    result = run("submit", catalog, "--collection", "shop")
    [job] = ledger.jobs()
    assert result.exit_code == 130
    assert f"vitrine submit {catalog} --resume {job.spec.id} " in result.stderr
    assert job.state is JobState.OPEN


def test_a_ledger_that_is_away_for_a_moment_does_not_end_the_wait(
    ledger: MemoryLedger, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submitted(catalog)
    finish(ledger, job)
    real, calls = ledger.status, iter([True, False, False, True])

    def status(asked: str) -> JobStatus:
        if not next(calls):
            raise LedgerUnavailable("Redis does not answer.")
        return real(asked)

    monkeypatch.setattr(ledger, "status", status)
    assert run("status", job, "--wait").exit_code == 0


def test_a_standstill_without_a_worker_is_told(
    ledger: MemoryLedger, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submitted(catalog)
    monkeypatch.setattr(follow_module, "IDLE_SECONDS", -1.0)
    asked: list[str] = []

    def count_workers(_settings: Settings, model: str) -> int:
        asked.append(model)
        finish(ledger, job)
        return 0

    monkeypatch.setattr(services, "count_workers", count_workers)
    result = run("status", job, "--wait")
    assert result.exit_code == 0
    assert asked == ["builtin"]
    assert "vitrine worker --model builtin" in " ".join(result.stderr.split())


def test_jobs_are_listed_newest_first(ledger: MemoryLedger, catalog: Path) -> None:
    assert "no jobs" in run("jobs").stderr
    first, second = submitted(catalog), submitted(catalog)
    listed = json.loads(run("jobs", "--json").stdout)
    assert [job["job"] for job in listed] == [second, first]
    assert first in run("jobs").stdout


def test_failures_in_all_three_forms(ledger: MemoryLedger, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,http://h/1\n2,http://h/2\n3,\n")
    run("submit", path, "--collection", "shop")
    job = ledger.jobs()[0].spec.id
    finish(ledger, job, FailureReason.TIMEOUT)

    shown = run("failures", job)
    assert "timeout  1 #0  http://h/1  as told" in shown.stdout
    assert "no_image" in shown.stdout

    [row] = csv.DictReader(io.StringIO(run("failures", job, "--csv").stdout))
    assert (row["item_id"], row["reason"], row["attempts"]) == ("1", "timeout", "2")

    records = [json.loads(line) for line in run("failures", job, "--json").stdout.splitlines()]
    assert [(record["kind"], record.get("line")) for record in records] == [
        ("row", 4),
        ("image", None),
    ]
    assert "No failures" not in shown.stderr
    assert run("failures", job, "--reason", "not_found").stdout == ""


def test_control_characters_of_a_catalog_do_not_reach_the_terminal(
    ledger: MemoryLedger, catalog: Path
) -> None:
    job = submitted(catalog)
    lease = ledger.lease(job, 0, seconds=30)
    assert isinstance(lease, Lease)
    bad = Failure(lease.chunk.images[0], FailureReason.HTTP_ERROR, "\x1b[2J [bold]x[/bold]")
    ledger.finish(lease, embedded=[1, 2], failures=[bad])
    shown = run("failures", job).stdout
    assert "\x1b" not in shown
    assert "[bold]x[/bold]" in shown


def test_retry_takes_the_failures_of_a_host(ledger: MemoryLedger, catalog: Path) -> None:
    job = submitted(catalog)
    finish(ledger, job, *[FailureReason.TIMEOUT] * 3)
    result = run("retry", job, "--host", "OTHER", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["retried"], answer["pending"], answer["failed"]) == (1, 1, 2)


def test_cancel_stops_a_job_once(ledger: MemoryLedger, catalog: Path) -> None:
    job = submitted(catalog)
    result = run("cancel", job, "--json")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (0, "cancelled")
    assert run("cancel", job).exit_code == 2
    assert run("status", job).exit_code == 3
