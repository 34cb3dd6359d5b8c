"""Output of an evaluation: as tables, as JSON and as an HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitrine.cli.common.output import console, counted, escape_text, print_json, print_table, say
from vitrine.cli.common.thumbnails import picture_source
from vitrine.cli.jobs.view import by_count
from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from vitrine.evaluation.comparison import Comparison
from vitrine.evaluation.confusions import confused_pairs
from vitrine.evaluation.evaluation import Evaluation, EvaluationPlan
from vitrine.evaluation.index_recall import IndexRecall
from vitrine.evaluation.latency import Latency
from vitrine.evaluation.page import render_confusion_page
from vitrine.evaluation.report import (
    comparison_rows,
    evaluation_json,
    measure_rows,
    plan_json,
    timings,
)
from vitrine.evaluation.sample import LabelledPicture

SHOWN_FAILURES = 10
SHOWN_TO_PROGRAMS = 100
SHOWN_PAIRS = 5

Rows = list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class EvaluationOutcome:
    """The measurements, and the pictures that could not be used."""

    what: str  #: The catalog or collection, as named by the user.
    plan: EvaluationPlan
    found: Evaluation
    index: IndexRecall | None
    embedding: Latency | None
    rejected: dict[str, int]  #: Pictures that were not embedded or not found, by reason.
    unsampled: int  #: Pictures that the random sample left out.
    failures: tuple[tuple[LabelledPicture, str], ...]
    against: tuple[Evaluation, Latency | None, Comparison] | None

    @property
    def lost(self) -> bool:
        """Whether a row or a picture could not be used."""
        return bool(self.rejected or self.failures)

    def tables(self) -> Iterator[tuple[str, Rows]]:
        """Yield each model's measures, then their comparison, with headings."""
        counts = list(self._counts())
        yield (
            _heading(self.found),
            [*counts, *measure_rows(self.found, self.plan), *timings(self.index, self.embedding)],
        )
        if self.against is not None:
            rival, embedding, comparison = self.against
            measures = [*counts, *measure_rows(rival, self.plan), *timings(None, embedding)]
            yield _heading(rival), measures
            mine, others = _model(self.found), _model(rival)
            heading = f"Only {mine} right : only {others} right"
            yield heading, list(comparison_rows(comparison, mine, others))

    @property
    def left_out(self) -> dict[str, int]:
        """The pictures that were not measured, by reason."""
        others = {"no_vector": len(self.failures), "not_sampled": self.unsampled}
        return self.rejected | {reason: count for reason, count in others.items() if count}

    def _counts(self) -> Iterator[tuple[str, str, str]]:
        """Yield the row that says how many pictures were measured, if it was not all of them."""
        if left_out := self.left_out:
            measured = len(self.found.sample.pictures)
            total = measured + sum(left_out.values())
            yield (
                "pictures measured",
                f"{measured:,} of {total:,}",
                f"left out: {by_count(left_out)}",
            )


def print_evaluation(outcome: EvaluationOutcome, *, as_json: bool) -> None:
    """Print the result to stdout and the failures to stderr."""
    for picture, why in outcome.failures[:SHOWN_FAILURES]:
        say(f"{picture.key}: {why}")
    if outcome.failures:
        say(f"{counted(len(outcome.failures), 'picture')} without a vector.")
    if as_json:
        print_json(_as_json(outcome))
        return
    for heading, rows in outcome.tables():
        console().print(escape_text(f"{heading}\n"), soft_wrap=True)
        print_table(("measure", "value", "of"), rows, folding=("measure", "of"))
        console().print()
    _tell_pairs(outcome.found)
    for note in outcome.found.notes:
        say(note)


def _tell_pairs(found: Evaluation) -> None:
    for pair in confused_pairs(found, SHOWN_PAIRS):
        taken = f"{pair.label} taken for {pair.taken_for}: {pair.count} of {pair.of}"
        console().print(escape_text(taken), soft_wrap=True)


def _as_json(outcome: EvaluationOutcome) -> dict[str, Any]:
    rival = outcome.against
    return {
        "catalog": outcome.what,
        "protocol": plan_json(outcome.plan),
        "rejected": outcome.rejected,
        "left_out": outcome.left_out,
        "failed": len(outcome.failures),
        "failures": [
            {"key": picture.key, "why": why}
            for picture, why in outcome.failures[:SHOWN_TO_PROGRAMS]
        ],
        "evaluation": evaluation_json(
            outcome.found, index=outcome.index, embedding=outcome.embedding
        ),
        "against": evaluation_json(rival[0], embedding=rival[1]) if rival else None,
        "comparison": rival[2].as_json() if rival else None,
    }


def write_page(path: Path, outcome: EvaluationOutcome, settings: Settings) -> None:
    """Write the worst confusions, each with its neighbours; raises `BadInput` if the file cannot be written."""
    rival = outcome.against
    page = render_confusion_page(
        f"vitrine evaluate: {outcome.what}",
        list(outcome.tables()),
        outcome.found,
        picture_source(settings),
        against=None if rival is None else (rival[0], rival[2]),
    )
    try:
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadInput(f"The page {path} cannot be written: {error.strerror}.") from error
    say(f"The worst confusions are in {path}")


def _heading(found: Evaluation) -> str:
    classes = len({picture.label for picture in found.sample.pictures})
    noun = "class" if classes == 1 else "classes"
    pictures = counted(len(found.sample.pictures), "picture")
    return f"{_model(found)}: {pictures}, {classes:,} {noun}"


def _model(found: Evaluation) -> str:
    return found.sample.space.model
