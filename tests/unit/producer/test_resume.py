"""Resuming an interrupted submit: nothing missing, nothing twice, and only with the same file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer import CatalogOptions, ResumedJob, Submission, options_from_json, options_to_json
from producer.formats import Format
from vitrine.core.errors import BadInput, Conflict, LedgerUnavailable, NotFound
from vitrine.core.types import CatalogItem, JobSpec, JobState, RejectedRow
from vitrine.ledger.base import Lease
from vitrine.testing.memory_ledger import MemoryLedger

SPEC = JobSpec("job", "shop", "builtin", "shop.csv", 1.0, reading=options_to_json(CatalogOptions()))
Row = CatalogItem | RejectedRow
COUNT = 3000


class Killed(BaseException):
    """Stands in for `kill -9`: nothing of the submit runs after it."""


def item(n: int, pictures: int = 1) -> CatalogItem:
    return CatalogItem(f"i{n}", tuple(f"http://h/{n}/{k}" for k in range(pictures)), {"n": n})


ROWS: list[Row] = [item(n) for n in range(COUNT)]


def problem(line: int) -> RejectedRow:
    return RejectedRow("shop.csv", line, "image", "expected a picture", "no_image")


def ignore(_job: str, _numbers: Sequence[int], _model: str) -> None:
    """Publish nothing: these tests do not cover the sweeper."""


def cut(rows: Sequence[Row], at: int) -> Iterator[Row]:
    yield from rows[:at]
    raise Killed


def submit(ledger: MemoryLedger, rows: Sequence[Row], *, kill_at: int | None = None) -> None:
    outcomes = rows if kill_at is None else cut(rows, kill_at)
    if kill_at is None:
        Submission(SPEC, ledger, ignore, max_pending=10**6).run(outcomes)
        return
    with pytest.raises(Killed):
        Submission(SPEC, ledger, ignore, max_pending=10**6).run(outcomes)


def resume(
    ledger: MemoryLedger, rows: Sequence[Row] | Iterator[Row], *, kill_at: int | None = None
) -> Submission:
    begun = ResumedJob(ledger, SPEC.id)
    submission = Submission(begun.spec, ledger, ignore, max_pending=10**6, begun=begun)
    if kill_at is None:
        submission.run(rows)
        return submission
    with pytest.raises(Killed):
        submission.run(cut(list(rows), kill_at))
    return submission


def contents(ledger: MemoryLedger) -> list[tuple[int, str, int]]:
    """List every picture of every chunk, in chunk order."""
    found: list[tuple[int, str, int]] = []
    for number in range(10**6):
        lease = ledger.lease(SPEC.id, number, seconds=60)
        if not isinstance(lease, Lease):
            return found
        found += [(image.ordinal, image.item_id, image.index) for image in lease.chunk.images]
    return found


@settings(max_examples=60)
@given(
    st.lists(st.one_of(st.none(), st.integers(1, 9)), min_size=1, max_size=600),
    st.lists(st.integers(0, 600), min_size=1, max_size=4),
)
def test_any_number_of_kills_leaves_a_job_like_one_that_was_never_killed(
    shape: list[int | None], kills: list[int]
) -> None:
    rows: list[Row] = [problem(n) if k is None else item(n, k) for n, k in enumerate(shape)]
    rows.append(item(len(rows)))
    whole, broken = MemoryLedger(), MemoryLedger()
    submit(whole, rows)
    submit(broken, rows, kill_at=kills[0])
    for at in kills[1:]:
        if broken.jobs():
            resume(broken, rows, kill_at=at)
    if broken.jobs():
        resumed = resume(broken, rows)
        assert resumed.report.rows == len(rows)
    else:
        submit(broken, rows)
    for one, other in zip(whole.jobs(), broken.jobs(), strict=True):
        assert (one.items, one.images, one.rejected_rows, one.rejected_by_code) == (
            other.items, other.images, other.rejected_rows, other.rejected_by_code,
        )  # fmt: skip
    assert contents(broken) == contents(whole)
    assert broken.problems(SPEC.id) == whole.problems(SPEC.id)


@pytest.fixture
def half() -> MemoryLedger:
    """The job of `ROWS`, partly sent."""
    ledger = MemoryLedger()
    submit(ledger, ROWS, kill_at=COUNT - 500)
    assert 0 < ledger.status(SPEC.id).images < COUNT
    return ledger


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda n: replace(item(n), id=f"x{n}"), "rows 65 to 128 (items 'x64' to 'x127')"),
        (lambda n: replace(item(n), images=(f"http://other/{n}",)), "rows 65 to 128"),
        (lambda n: replace(item(n), payload={"n": n, "price": 1.5}), "rows 65 to 128"),
        (problem, "rows 65 to"),
    ],
    ids=["id", "url", "payload", "rejected"],
)
def test_another_file_is_refused_by_its_rows_and_changes_nothing(
    half: MemoryLedger, changed: object, told: str
) -> None:
    assert callable(changed)
    before = half.status(SPEC.id)
    other = [changed(n) if 100 <= n < 420 or 64 <= n < 70 else item(n) for n in range(COUNT)]
    with pytest.raises(BadInput) as caught:
        resume(half, other)
    assert told in caught.value.message
    assert half.status(SPEC.id) == before
    resume(half, ROWS)
    assert [name for _, name, _ in contents(half)] == [f"i{n}" for n in range(COUNT)]


def test_a_file_that_lost_rows_is_refused_and_one_that_grew_is_taken(half: MemoryLedger) -> None:
    with pytest.raises(BadInput, match="more of its rows were sent than the file has now"):
        resume(half, [item(n) for n in range(128)])
    resume(half, [*ROWS, item(COUNT)])
    assert half.status(SPEC.id).images == COUNT + 1


def test_only_an_open_job_of_a_command_is_taken_up(half: MemoryLedger) -> None:
    resume(half, ROWS)
    with pytest.raises(Conflict, match="has all of its catalog already: it is running"):
        resume(half, ROWS)
    half.cancel(SPEC.id)
    with pytest.raises(Conflict, match="cancelled, so it cannot be resumed") as caught:
        resume(half, ROWS)
    assert "Submit the catalog again" in str(caught.value)
    half.create(replace(SPEC, id="http", reading=""))
    with pytest.raises(Conflict, match="was not begun by `vitrine submit`"):
        ResumedJob(half, "http")
    with pytest.raises(NotFound):
        ResumedJob(half, "absent")


def test_of_two_producers_at_once_one_is_refused_and_the_job_is_whole(half: MemoryLedger) -> None:
    with pytest.raises(LedgerUnavailable, match="another command is adding to the job"):
        resume(half, overtaken(half))
    status = half.status(SPEC.id)
    assert (status.state, status.images) == (JobState.OPEN, COUNT)
    resume(half, ROWS)
    assert half.status(SPEC.id).state is JobState.RUNNING
    assert [name for _, name, _ in contents(half)] == [f"i{n}" for n in range(COUNT)]


def overtaken(ledger: MemoryLedger) -> Iterator[Row]:
    """While one command is at the last row, another sends all missing rows and is then killed."""
    yield from ROWS[:-1]
    begun = ResumedJob(ledger, SPEC.id)
    other = Submission(begun.spec, ledger, ignore, max_pending=10**6, begun=begun)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "seal", _killed)
        with pytest.raises(Killed):
            other.run(ROWS)
    yield ROWS[-1]


def _killed(*_: object, **__: object) -> None:
    raise Killed


def test_a_ledger_that_lost_its_last_write_is_not_written_past_the_gap() -> None:
    ledger = MemoryLedger()
    rows = [item(n) for n in range(64 * 40)]

    def rolled_back() -> Iterator[Row]:
        yield from rows[:-100]
        job = ledger._jobs[SPEC.id]
        del job.chunks[job.next_chunk - 1]
        job.next_chunk -= 1
        job.images -= 64
        job.items -= 64
        job.marks.pop()
        yield from rows[-100:]

    with pytest.raises(LedgerUnavailable, match="restarted without its last second"):
        Submission(SPEC, ledger, ignore, max_pending=10**6).run(rolled_back())
    assert ledger.status(SPEC.id).state is JobState.OPEN
    resume(ledger, rows)
    assert [ordinal for ordinal, _, _ in contents(ledger)] == list(range(len(rows)))


def test_options_come_from_the_job_and_may_be_given_again_but_not_otherwise() -> None:
    options = CatalogOptions(
        format=Format.CSV, id="sku", images=("a", "b"), payload=("title",),
        image_separator=",", image_root="https://h/", allow_files=True,
    )  # fmt: skip
    reading = options_to_json(options)
    assert options_from_json(reading, CatalogOptions(allow_files=True)) == options
    assert options_from_json(reading, options) == options
    with pytest.raises(BadInput, match="read with id 'sku', not 'ean'"):
        options_from_json(reading, CatalogOptions(id="ean"))
    with pytest.raises(BadInput, match="read with images a, b, not a"):
        options_from_json(reading, CatalogOptions(images=("a",)))
    with pytest.raises(BadInput, match="read with payload left out, not title"):
        options_from_json(options_to_json(CatalogOptions()), CatalogOptions(payload=("title",)))
