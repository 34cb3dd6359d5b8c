"""Evaluation of one model on one catalog: every measure that its labels allow, and a note for each that they do not.

Classification by neighbours is measured twice: `leave_one_out` learns from every picture outside the query's own
group, which uses all the data, and `few_shot` follows the published protocol, whose figures can be compared with
those of others. Words are measured if the model embeds text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vitrine.evaluation.few_shot import ShotCounts, Split, split
from vitrine.evaluation.knn import Classification, knn_vote
from vitrine.evaluation.neighbours import Gallery, Neighbours, nearest
from vitrine.evaluation.retrieval import Retrieval, retrieve
from vitrine.evaluation.sample import Sample, encode_labels, random_key
from vitrine.evaluation.zero_shot import TEMPLATES, EmbedTexts, class_vectors

NEIGHBOURS = 10
QUESTIONS = 5000
"""Maximum number of query pictures: a share of this many is known to 1.4 points, and more would only cost time."""


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What to measure, and how."""

    shots: ShotCounts = field(default_factory=ShotCounts)
    neighbours: int = NEIGHBOURS
    questions: int = QUESTIONS
    templates: tuple[str, ...] = TEMPLATES
    names: Mapping[str, str] = field(default_factory=dict)
    """Display names of classes. A named class without pictures is an additional wrong answer."""
    instances: bool = False
    """Labels are the items themselves: only retrieval is measured, because there is no class to guess."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Results of the evaluation. `notes` explains each measure that is None."""

    sample: Sample
    classes: tuple[str, ...]  #: Sorted; guesses are indexes into it.
    truth: NDArray[np.intp]  #: [n], each picture's class.
    split: Split
    leave_one_out: Classification | None
    few_shot: Classification | None
    zero_shot: Classification | None
    retrieval: Retrieval
    asked: NDArray[np.intp]  #: [q], the query rows of `leave_one_out` and `retrieval`.
    notes: tuple[str, ...]


def evaluate(
    sample: Sample, plan: EvaluationPlan, embed_texts: EmbedTexts | None = None
) -> Evaluation:
    """Measure a model on a sample. `embed_texts` is None if the model has no text tower."""
    classes, truth = encode_labels([picture.label for picture in sample.pictures])
    gallery = Gallery(sample.vectors, sample.groups)
    asked = _draw_query_rows(sample, plan)
    answerable = asked[_has_relevant(truth, gallery.groups)[asked]]
    parts = split(sample.pictures, plan.shots)
    found = Evaluation(
        sample=sample,
        classes=classes,
        truth=truth,
        split=parts,
        leave_one_out=None if plan.instances else _leave_one_out(gallery, truth, answerable, plan),
        few_shot=None if plan.instances else _few_shot(gallery, truth, parts, plan),
        zero_shot=None,
        retrieval=retrieve(gallery, truth, asked),
        asked=asked,
        notes=_of_items(len(asked), len(answerable))
        if plan.instances
        else _notes(parts, plan, len(asked) - len(answerable), words=embed_texts is not None),
    )
    return found if embed_texts is None else _with_zero_shot(found, plan, embed_texts)


def _draw_query_rows(sample: Sample, plan: EvaluationPlan) -> NDArray[np.intp]:
    """Return the query rows, sampled at random if there are more than the plan allows."""
    rows = sorted(
        range(len(sample.pictures)),
        key=lambda row: random_key(plan.shots.seed, sample.pictures[row].key),
    )
    return np.array(sorted(rows[: plan.questions]), dtype=np.intp)


def _has_relevant(truth: NDArray[np.intp], groups: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return for each picture whether its class spans several groups. If not, its class cannot be guessed."""
    pairs = np.unique(np.stack([truth, groups], axis=1), axis=0)
    kin: NDArray[np.bool_] = np.bincount(pairs[:, 0])[truth] > 1
    return kin


def _leave_one_out(
    gallery: Gallery, truth: NDArray[np.intp], asked: NDArray[np.intp], plan: EvaluationPlan
) -> Classification:
    return _classify(gallery, truth, asked, np.arange(len(truth), dtype=np.intp), plan)


def _few_shot(
    gallery: Gallery, truth: NDArray[np.intp], parts: Split, plan: EvaluationPlan
) -> Classification | None:
    asked, learnt = np.array(parts.validation, np.intp), np.array(parts.train, np.intp)
    if len(set(truth[learnt].tolist())) < 2:
        return None
    return _classify(gallery, truth, asked, learnt, plan)


def _classify(
    gallery: Gallery,
    truth: NDArray[np.intp],
    asked: NDArray[np.intp],
    learnt: NDArray[np.intp],
    plan: EvaluationPlan,
) -> Classification:
    """Guess the class of the rows `asked` from the rows `learnt`."""
    questions = Gallery(gallery.vectors[asked], gallery.groups[asked])
    known = Gallery(gallery.vectors[learnt], gallery.groups[learnt])
    near = nearest(questions, known, plan.neighbours)
    guesses = knn_vote(near, truth[learnt], int(truth.max()) + 1)
    rows = np.where(near.rows >= 0, learnt[near.rows], -1)
    return Classification(
        asked,
        guesses,
        guesses.right(truth[asked], 1),
        guesses.right(truth[asked], 5),
        Neighbours(rows, near.distances),
    )


def _with_zero_shot(found: Evaluation, plan: EvaluationPlan, embed_texts: EmbedTexts) -> Evaluation:
    """Add the zero-shot measure, on the validation pictures if the catalog defines a split."""
    if plan.instances:
        return found
    strangers = sorted(set(plan.names) - set(found.classes))
    classes = (*found.classes, *strangers)
    texts = class_vectors(classes, plan.names, plan.templates, embed_texts)
    rows = _zero_shot_rows(found)
    asked = Gallery(found.sample.vectors[rows], found.sample.groups[rows])
    # Texts belong to no picture's group: groups are numbered from 0.
    gallery = Gallery(texts, np.full(len(texts), -1, dtype=np.intp))
    near = nearest(asked, gallery, plan.neighbours)
    guesses = knn_vote(near, np.arange(len(texts), dtype=np.intp), len(texts))
    truth = found.truth[rows]
    words = Classification(rows, guesses, guesses.right(truth, 1), guesses.right(truth, 5))
    return Evaluation(
        found.sample, classes, found.truth, found.split, found.leave_one_out, found.few_shot,
        words, found.retrieval, found.asked, found.notes,
    )  # fmt: skip


def _zero_shot_rows(found: Evaluation) -> NDArray[np.intp]:
    if any(picture.part is not None for picture in found.sample.pictures):
        return np.array(found.split.validation, dtype=np.intp)
    return found.asked


def _of_items(asked: int, answerable: int) -> tuple[str, ...]:
    named = (
        "No label was named, so the measure is whether pictures find other pictures of their item."
    )
    if not answerable:
        return (
            f"{named} No item has a second picture, so there is nothing to find: name a field with --label.",
        )
    if answerable < asked:
        return (
            named,
            f"{asked - answerable:,} of the pictures are not used as queries: their item has no other.",
        )
    return (named,)


def _notes(parts: Split, plan: EvaluationPlan, alone: int, *, words: bool) -> tuple[str, ...]:
    notes = []
    shots = plan.shots
    if alone:
        notes.append(
            f"{alone:,} of the pictures are not used as queries: nothing outside their group has their label."
        )
    if parts.left_out:
        notes.append(
            f"{shots.train}-shot: {len(parts.left_out)} classes have fewer than {shots.train} pictures to learn "
            f"from and one of another group to guess; they are left out (--train asks for less)."
        )
    if not words:
        notes.append("Zero-shot: not measured, the model has no text tower.")
    return tuple(notes)
