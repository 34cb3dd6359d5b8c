"""Jobs that Redis lost are reported from the journal, with a real Redis from which a job's keys are deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vitrine.core.errors import NotFound
from vitrine.core.service_discovery import RUNTIME_FILE, announce
from vitrine.core.settings import Settings
from vitrine.core.types import ImageRef, JobSpec, JobState, new_job_id
from vitrine.ledger import NewChunk
from vitrine.ledger.journal import BEFORE_NAME, FILE_NAME, Journal
from vitrine.ledger.journaled import JournaledLedger
from vitrine.ledger.redis_ledger import RedisLedger


@pytest.fixture
def settings(private_redis: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=private_redis, data_dir=tmp_path / "data")  # type: ignore[arg-type]


@pytest.fixture
def ledger(settings: Settings) -> Iterator[JournaledLedger]:
    made = JournaledLedger.from_settings(settings)
    yield made
    made.close()


def spec(age: float = 0.0) -> JobSpec:
    return JobSpec(new_job_id(), "shop", "builtin", "shop.csv", time.time() - age)


def submitted(ledger: RedisLedger, age: float = 0.0) -> str:
    made = spec(age)
    ledger.create(made)
    ledger.add_chunks(made.id, [NewChunk([ImageRef(0, "i", 0, "http://h/1")], 1)])
    ledger.seal(made.id)
    return made.id


def lose(ledger: RedisLedger, job: str) -> None:
    """Delete one job's keys as if Redis had been emptied; other tests use the server too."""
    ledger.cancel(job)
    ledger._redis.delete(*ledger._redis.keys(f"vitrine:{{{job}}}:*"))
    ledger._redis.zrem("vitrine:jobs", job)


def test_a_lost_job_is_told_as_lost_with_nothing_counted(ledger: JournaledLedger) -> None:
    job = submitted(ledger)
    assert ledger.status(job).state is JobState.RUNNING
    lose(ledger, job)
    status = ledger.status(job)
    assert (status.state, status.state.finished) == (JobState.LOST, True)
    assert (status.spec.collection, status.images, status.embedded) == ("shop", 0, 0)


def test_what_asks_for_more_of_a_lost_job_is_told_what_to_do(ledger: JournaledLedger) -> None:
    job = submitted(ledger)
    lose(ledger, job)
    for ask in (ledger.failures, ledger.problems, ledger.retry, ledger.cancel):
        with pytest.raises(NotFound, match=f"Job {job} is lost") as caught:
            ask(job)
        assert "Submit the catalog again" in str(caught.value)


def test_lost_jobs_stand_in_the_list_in_their_order(ledger: JournaledLedger) -> None:
    jobs = [submitted(ledger, age) for age in (40.0, 30.0, 20.0, 10.0)]
    for job in jobs[1::2]:
        lose(ledger, job)

    def listed(limit: int, offset: int = 0) -> list[str]:
        return [one.spec.id for one in ledger.jobs(limit=limit, offset=offset)]

    everything = listed(1000)
    assert [job for job in everything if job in jobs] == jobs[::-1]
    assert [listed(1, at)[0] for at in range(len(everything))] == everything
    states = {one.spec.id: one.state for one in ledger.jobs(limit=1000)}
    assert [states[job] is JobState.LOST for job in jobs] == [False, True, False, True]
    for job in jobs[::2]:
        ledger.cancel(job)


def test_a_job_that_may_have_been_forgotten_in_time_is_not_called_lost(
    ledger: JournaledLedger,
) -> None:
    job = submitted(ledger, age=15 * 86400)
    lose(ledger, job)
    with pytest.raises(NotFound, match=f"There is no job {job}") as caught:
        ledger.status(job)
    assert "Redis has lost its data: submit the catalog again" in str(caught.value)


def test_jobs_of_another_ledger_are_not_called_lost(settings: Settings) -> None:
    elsewhere = Journal(settings.data_dir, "redis://other:6379/0", kept_seconds=3600)
    made = spec()
    elsewhere.note(made)
    assert elsewhere.find(made.id) == made
    assert Journal.from_settings(settings).find(made.id) is None


def test_a_standalone_services_jobs_stay_its_own_when_its_port_changes(tmp_path: Path) -> None:
    made = spec()
    for port in (7001, 7002):
        here = Settings(redis_url=f"redis://:secret@127.0.0.1:{port}/0", data_dir=tmp_path)  # type: ignore[arg-type]
        announce(here)
        journal = Journal.from_settings(here)
        if port == 7001:
            journal.note(made)
        assert journal.find(made.id) == made
    assert (tmp_path / RUNTIME_FILE).exists()


def test_the_journal_is_its_users_alone_and_holds_no_password(settings: Settings) -> None:
    secret = Settings(redis_url="redis://:hunter2@h:1/0", data_dir=settings.data_dir)  # type: ignore[arg-type]
    Journal.from_settings(secret).note(spec())
    path = settings.data_dir / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in path.read_text()


def test_the_journal_keeps_two_generations_and_reads_past_a_broken_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitrine.ledger.journal.MAX_FILE_BYTES", 2000)
    journal = Journal.from_settings(settings)
    made = [spec(age) for age in range(40, 0, -1)]
    for one in made:
        journal.note(one)
        with (settings.data_dir / FILE_NAME).open("ab") as file:
            file.write(b'\n{"ledger": "cut o')
    found = journal.newest(1000)
    assert found == made[::-1][: len(found)]
    assert 2 < len(found) < 40
    sizes = [(settings.data_dir / name).stat().st_size for name in (FILE_NAME, BEFORE_NAME)]
    assert all(size < 3000 for size in sizes)


def test_a_folder_that_cannot_be_written_stops_no_submission(
    private_redis: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    here = Settings(redis_url=private_redis, data_dir=tmp_path / "file" / "data")  # type: ignore[arg-type]
    ledger = JournaledLedger.from_settings(here)
    job = submitted(ledger)
    assert f"job {job} cannot be recorded" in caplog.text
    assert job in {one.spec.id for one in ledger.jobs(limit=1000)}
    ledger.cancel(job)
    ledger.close()
