"""Resume of a job whose submit ended half-way: chunks of the same catalog that are already in the ledger are skipped.

Chunking is deterministic, so the catalog is read from its beginning again and each chunk's mark is compared with
the one in the ledger. Nothing is written before all marks have matched; if the part already sent has changed, the file
is refused and the error names the rows. The job's progress in the meantime does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from vitrine.core.errors import BadInput, Conflict
from vitrine.core.hints import Hint
from vitrine.core.types import JobSpec, JobState
from vitrine.ledger.base import Ledger, NewChunk

_SUBMIT_AGAIN = "Submit the catalog again: items already stored are overwritten, not duplicated."


class ResumedJob:
    """The chunks that the ledger already has of a job to resume."""

    def __init__(self, ledger: Ledger, job: str) -> None:
        """Look up the job; raise `NotFound`, or `Conflict` (with what to do instead) if it cannot be resumed."""
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
        self.rejected = status.rejected_rows  #: Rejected rows already counted.
        self.last = b""  #: The mark of the last chunk that matched.
        self._marks: Iterator[bytes] = ledger.marks(job)
        self._rows = 0

    def holds(self, chunk: NewChunk, rows: int) -> bool:
        """Return whether the ledger has the next chunk of the catalog, which has been read up to row `rows`.

        Raises `BadInput` if the ledger has a different chunk in its place.
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
        """Raise `BadInput` if the catalog ends before every chunk in the ledger has matched."""
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
        hint=Hint("See its progress: {show_job}", {"job": job}),
    )
