"""`vitrine submit FILE --resume JOB`, and the errors that suggest it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.unit.cli.job_fixture import run
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.types import JobState
from vitrine.testing.memory_ledger import MemoryLedger


@pytest.fixture
def job(ledger: MemoryLedger, catalog: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An unsealed job: all chunks were sent before Redis failed."""

    def gone(_job: str, **_: object) -> JobState:
        raise LedgerUnavailable("Redis does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "seal", gone)
        result = run("submit", catalog, "--collection", "shop", "--id", "id")
    [status] = ledger.jobs()
    assert result.exit_code == 1
    assert f"vitrine submit {catalog} --resume {status.spec.id} " in " ".join(result.stderr.split())
    assert status.state is JobState.OPEN
    return status.spec.id


def test_a_resumed_job_is_the_same_job_and_whole(
    ledger: MemoryLedger, catalog: Path, job: str
) -> None:
    result = run("submit", catalog, "--resume", job, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["job"], told["collection"], told["rows"], told["chunks"]) == (job, "shop", 3, 1)
    assert (ledger.status(job).state, ledger.status(job).images) == (JobState.RUNNING, 3)


def test_the_command_may_be_given_again_as_it_was(
    ledger: MemoryLedger, catalog: Path, job: str
) -> None:
    again = run(
        "submit", catalog, "--collection", "shop", "--id", "id", "--resume", job, "--strict"
    )
    assert again.exit_code == 0, again.stderr
    assert ledger.status(job).state is JobState.RUNNING


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--collection", "other"), "submitted with the collection shop, not other"),
        (("--model", "org/other"), "submitted with the model builtin, not org--other"),
        (("--image", "picture"), "read with images left out, not picture"),
        (("--id", "ean"), "read with id 'id', not 'ean'"),
    ],
)
def test_an_option_that_says_otherwise_is_refused(
    ledger: MemoryLedger, catalog: Path, job: str, options: tuple[str, str], told: str
) -> None:
    result = run("submit", catalog, "--resume", job, *options)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())
    assert ledger.status(job).state is JobState.OPEN


def test_another_file_is_refused_and_the_job_stays_as_it_is(
    ledger: MemoryLedger, catalog: Path, job: str
) -> None:
    catalog.write_text("id,image\n1,http://h/1\n2,http://h/two\n3,http://other/3\n")
    result = run("submit", catalog, "--resume", job)
    assert result.exit_code == 2
    told = " ".join(result.stderr.split())
    assert "rows 1 to 3 (items '1' to '3'). Nothing was changed." in told
    assert ledger.status(job).state is JobState.OPEN


def test_a_job_that_is_whole_is_not_resumed(ledger: MemoryLedger, catalog: Path, job: str) -> None:
    ledger.seal(job)
    result = run("submit", catalog, "--resume", job)
    assert result.exit_code == 2
    assert f"vitrine status {job}" in result.stderr


def test_a_dry_run_resumes_nothing(ledger: MemoryLedger, catalog: Path, job: str) -> None:
    assert run("submit", catalog, "--resume", job, "--dry-run").exit_code == 2
    assert run("submit", catalog, "--resume", " ").exit_code == 2
    assert ledger.status(job).state is JobState.OPEN


def test_status_and_the_list_name_the_command_that_goes_on(
    ledger: MemoryLedger, catalog: Path, job: str
) -> None:
    ledger._jobs[job].fed = time.time() - 185
    command = f"continue with: vitrine submit {catalog} --resume {job}"
    assert command in " ".join(run("status", job).stdout.split())
    assert command in json.loads(run("status", job, "--json").stdout)["notice"]
    listed = run("jobs")
    assert command in " ".join(listed.stderr.split())
    assert "--resume" not in listed.stdout
