"""A job whose producer ended half-way, taken up: what of the same catalog is in already is passed over.

Planning is deterministic, so the catalog is read from its beginning again and each chunk's mark is compared with
the one in the ledger. Nothing is written before all of them were met; a file that has changed in the part that was
sent is refused by its rows. What the job's own workers did meanwhile does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from vitrine.core.errors import BadInput, Conflict
from vitrine.core.hints import Hint
from vitrine.core.types import JobSpec, JobState
from vitrine.ledger.base import Ledger, NewChunk

_SUBMIT_AGAIN = "Submit the catalog again: items already stored are overwritten, not duplicated."


class ResumedJob:
    """What is in the ledger of a job that is to be taken up."""

    def __init__(self, ledger: Ledger, job: str) -> None:
        """Raises `NotFound`, and `Conflict` for a job that cannot be taken up, saying what to do instead."""
        status = ledger.status(job)
        _refuse_state(job, status.state)
        if not status.spec.reading:
            raise Conflict(
                f"Job {job} was not begun by `vitrine submit`, so it cannot be resumed.",
                hint=Hint(
                    "Cancel it ({cancel_job}) and submit the catalog again; nothing is stored twice.",
                    {"job": job},
                ),
            )
        self.spec: JobSpec = status.spec
        self.rejected = status.rejected_rows  #: Rejected rows that are counted already.
        self.last = b""  #: The mark of the last chunk that was met.
        self._marks: Iterator[bytes] = ledger.marks(job)
        self._rows = 0

    def holds(self, chunk: NewChunk, rows: int) -> bool:
        """Whether the next chunk of the catalog, read up to its row `rows`, is in the ledger.

        Raises `BadInput` where another one is in its place.
        """
        mark = next(self._marks, None)
        if mark is None:
            return False
        if mark != chunk.mark:
            begins, ends = chunk.images[0], chunk.images[-1]
            first = self._rows + (begins.index == 0)  # otherwise its row began in the chunk before
            raise self._other_file(
                f"they part in the rows {first:,} to {rows:,} "
                f"(items {begins.item_id!r} to {ends.item_id!r})"
            )
        self.last, self._rows = mark, rows
        return True

    def check_end(self) -> None:
        """Raise `BadInput` where the catalog ended before all was met that is in the ledger."""
        if next(self._marks, None) is not None:
            raise self._other_file("more of its rows were sent than the file has now")

    def _other_file(self, how: str) -> BadInput:
        return BadInput(
            f"The file is not the one that job {self.spec.id} was begun with: {how}. Nothing was changed.",
            hint=Hint(
                "Give the file as it was and where it was, or cancel the job ({cancel_job}) and submit this one.",
                {"job": self.spec.id},
            ),
        )


def _refuse_state(job: str, state: JobState) -> None:
    if state is JobState.OPEN:
        return
    told = str(state).replace("_", " ")
    if state in (JobState.CANCELLING, JobState.CANCELLED, JobState.LOST):
        raise Conflict(f"Job {job} is {told}, so it cannot be resumed.", hint=_SUBMIT_AGAIN)
    raise Conflict(
        f"Job {job} has all of its catalog already: it is {told}.",
        hint=Hint("See how far it is: {show_job}", {"job": job}),
    )
