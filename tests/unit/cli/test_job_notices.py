"""Details of the job commands' output: tables that fit, counts that agree, and quoted names."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from tests.unit.cli.job_fixture import finish, run, submitted
from vitrine.cli.common import output, services
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.load_settings import load
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import FailureReason, ImageRef, JobSpec
from vitrine.ledger import NewChunk
from vitrine.testing.memory_ledger import MemoryLedger

LONG = "google--siglip2-base-patch16-224-and-a-directory-s-name"
HEADINGS = ["job", "state", "collection", "model", "pictures", "embedded", "failed", "began"]


@pytest.fixture
def long_job(ledger: MemoryLedger) -> str:
    """A completed job with long names and one failure."""
    ledger.create(JobSpec("0123456789ab", "c" * 40, LONG, "shop.csv", time.time() - 7200))
    ledger.add_chunks("0123456789ab", [NewChunk([ImageRef(0, "i", 0, "http://h/1")], 1)])
    ledger.seal("0123456789ab")
    finish(ledger, "0123456789ab", FailureReason.TIMEOUT)
    return "0123456789ab"


def test_jobs_in_a_pipe_keep_each_row_on_one_line(long_job: str) -> None:
    head, row = run("jobs").stdout.splitlines()
    assert head.split() == HEADINGS
    assert row.split() == [
        long_job, "completed", "c" * 40, LONG, "1", "0", "1", "2", "h", "ago",
    ]  # fmt: skip


def test_jobs_on_80_columns_break_neither_ids_nor_numbers_nor_headings(
    long_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Console(width=80, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(output, "console", lambda: terminal)
    with terminal.capture() as captured:
        run("jobs")
    lines = captured.get().splitlines()
    assert lines[0].split() == HEADINGS
    assert lines[1].startswith(f"{long_job} completed ")
    assert lines[1].split()[-6:] == ["1", "0", "1", "2", "h", "ago"]
    assert max(map(len, lines)) <= 80


def test_csv_says_nothing_of_rejected_rows_which_are_no_part_of_it(
    ledger: MemoryLedger, tmp_path: Path
) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,http://h/1\n2,\n")
    run("submit", path, "--collection", "shop")
    job = ledger.jobs()[0].spec.id
    finish(ledger, job, FailureReason.TIMEOUT)
    assert run("failures", job, "--csv").stderr == ""
    both = run("failures", job, "--csv", "--json")
    assert (both.exit_code, both.stdout) == (2, "")
    assert "one of --csv and --json" in both.stderr


def test_nothing_found_is_said_beside_the_result(ledger: MemoryLedger, catalog: Path) -> None:
    job = submitted(catalog)
    finish(ledger, job, FailureReason.TIMEOUT)
    for form in ([], ["--csv"], ["--json"]):
        none = run("failures", job, "--reason", "not_found", *form)
        assert (none.exit_code, none.stderr) == (0, "No failed picture matches.\n")
    assert run("failures", job, "--host", "h").stderr == ""
    result = run("retry", job, "--host", "elsewhere")
    assert result.stderr == "No failed picture matches, so nothing is retried.\n"
    assert run("retry", job).stderr == "Retrying 1 picture.\n"


def test_more_retried_pictures_are_told_in_the_plural(ledger: MemoryLedger, catalog: Path) -> None:
    job = submitted(catalog)
    finish(ledger, job, FailureReason.TIMEOUT, FailureReason.TIMEOUT)
    assert run("retry", job).stderr == "Retrying 2 pictures.\n"


def test_cancelling_a_finished_job_is_told_in_words(long_job: str) -> None:
    result = run("cancel", long_job)
    assert result.exit_code == 2
    assert "is completed with failures already" in result.stderr
    assert "_" not in result.stderr


@pytest.mark.parametrize("command", ["status", "failures", "retry", "cancel"])
def test_an_empty_job_id_is_quoted(ledger: MemoryLedger, command: str) -> None:
    result = run(command, "")
    assert result.exit_code == 2
    assert "found ''" in result.stderr
    assert ledger.jobs() == []


def test_the_help_names_the_exit_code_of_an_interruption() -> None:
    for arguments in (["--help"], ["submit", "--help"]):
        assert "130 interrupted" in " ".join(run(*arguments).stdout.split())


def test_a_strict_dry_run_exits_as_the_submission_would(
    ledger: MemoryLedger, tmp_path: Path
) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,http://h/1\n2,\n")
    result = run("submit", path, "--dry-run", "--strict")
    assert result.exit_code == 2
    assert "the file is refused: 1 of 2 rows" in result.stderr
    assert run("submit", path, "--dry-run").exit_code == 3
    path.write_text("id,image\n2,\n")
    refused = run("submit", path, "--dry-run")
    assert refused.exit_code == 2
    assert "Not one row of 1" in refused.stderr


def test_without_a_service_the_folder_that_was_looked_in_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_self: object) -> None:
        raise LedgerUnavailable("Redis does not answer.", hint="Start it.")

    monkeypatch.setattr("vitrine.ledger.redis_ledger.RedisLedger.ping", gone)
    monkeypatch.delenv("VITRINE_REDIS_URL", raising=False)
    with (
        pytest.raises(LedgerUnavailable, match=f"No standalone service runs on {tmp_path}"),
        services.open_ledger(services.load_settings(data_dir=tmp_path)),
    ):
        pass
    with (
        pytest.raises(LedgerUnavailable, match="Start it"),
        services.open_ledger(load(redis_url="redis://127.0.0.1:1/0")),
    ):
        pass


def test_the_report_names_the_payload_s_columns_and_kinds(
    ledger: MemoryLedger, tmp_path: Path
) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image,title,price\n1,http://h/1,Shirt,3.5\n")
    assert "payload: title text, price float\n" in run("submit", path, "--dry-run").stdout
    report = json.loads(run("submit", path, "--dry-run", "--json").stdout)
    assert report["columns"]["payload"] == {"title": "text", "price": "float"}
    assert ledger.jobs() == []


@pytest.fixture
def waiting_job(ledger: MemoryLedger, catalog: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job that waits for its collection's index."""
    monkeypatch.setattr(ledger, "_options", StoreOptions(index_points=3))
    job = submitted(catalog)
    finish(ledger, job)
    return job


def test_a_waiting_job_tells_how_far_the_index_is(ledger: MemoryLedger, waiting_job: str) -> None:
    assert "waiting for its collection's index" in run("status", waiting_job).stdout
    ledger.record_index_progress(waiting_job, indexed=12_000, points=50_000)
    told = run("status", waiting_job)
    assert told.exit_code == 0
    assert f"Job {waiting_job}: indexing" in told.stdout
    assert "index holds 12,000 of 50,000 points" in told.stdout
    shown = json.loads(run("status", waiting_job, "--json").stdout)
    assert (shown["state"], shown["indexed_points"], shown["points"]) == (
        "indexing",
        12_000,
        50_000,
    )
    assert shown["finished_at"] is None
    ledger.complete(waiting_job)
    assert "index holds" not in run("status", waiting_job).stdout


def test_following_a_waiting_job_tells_the_index_and_ends_with_it(
    ledger: MemoryLedger, waiting_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.record_index_progress(waiting_job, indexed=12_000, points=50_000)
    monkeypatch.setattr("vitrine.cli.jobs.follow.FIRST_LINE_SECONDS", 0.0)
    monkeypatch.setattr("time.sleep", lambda _: ledger.complete(waiting_job))
    told = run("status", waiting_job, "--wait")
    assert "indexing: 3 of 3 pictures" in told.stderr
    assert "holds 12,000 of 50,000 points" in told.stderr
    assert f"Job {waiting_job}: completed" in told.stdout


def test_a_waiting_job_has_nothing_to_cancel(waiting_job: str) -> None:
    told = run("cancel", waiting_job)
    assert told.exit_code != 0
    assert f"Job {waiting_job} is indexing already; there is nothing to cancel." in told.stderr


def test_a_dry_run_names_pictures_that_are_neither_urls_nor_files(
    ledger: MemoryLedger, tmp_path: Path
) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,www.shop.example/a.jpg\n")
    result = run("submit", path, "--dry-run")
    assert result.exit_code == 0
    assert "(is https:// missing?): 'www.shop.example/a.jpg' in row 1 (line 2)" in result.stdout
    sent = run("submit", path, "--collection", "shop")
    assert sent.exit_code == 0
    assert "missing?" not in sent.stdout
