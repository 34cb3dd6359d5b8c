"""An evaluation as JSON and as table rows, with the same content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from vitrine.evaluation.comparison import Comparison
from vitrine.evaluation.confusions import (
    Misclassification,
    confused_pairs,
    worst_misclassifications,
)
from vitrine.evaluation.evaluation import Evaluation, EvaluationPlan
from vitrine.evaluation.index_recall import IndexRecall
from vitrine.evaluation.knn import Classification
from vitrine.evaluation.latency import Latency
from vitrine.evaluation.retrieval import RANKS
from vitrine.evaluation.score import Proportion

PAIRS, WORST = 20, 24
"""Confusions to report: as many as a page can show clearly."""

_DUELS = {
    "leave_one_out_top1": "leave-one-out kNN, top-1",
    "few_shot_top1": "few-shot kNN, top-1",
    "zero_shot_top1": "zero-shot, top-1",
    "recall_at_1": "recall@1",
}
_CLASSIFICATIONS = ("few_shot", "leave_one_out", "zero_shot")


def plan_json(plan: EvaluationPlan) -> dict[str, Any]:
    """Return the protocol, so that others can repeat it."""
    return {
        "train": plan.shots.train,
        "validation": plan.shots.validation,
        "seed": plan.shots.seed,
        "neighbours": plan.neighbours,
        "weights": "1/distance, Euclidean, unit vectors",
        "questions": plan.questions,
        "templates": list(plan.templates),
    }


def evaluation_json(
    found: Evaluation,
    *,
    index: IndexRecall | None = None,
    embedding: Latency | None = None,
) -> dict[str, Any]:
    """Return one model's measures. Those not measured are null."""
    classifications = {
        name: _classification_json(getattr(found, name)) for name in _CLASSIFICATIONS
    }
    return {
        "model": asdict(found.sample.space),
        "pictures": len(found.sample.pictures),
        "classes": len({picture.label for picture in found.sample.pictures}),
        **classifications,
        "few_shot_left_out": list(found.split.left_out),
        "retrieval": found.retrieval.as_json(),
        "index": index.as_json() if index else None,
        "embedding": embedding.as_json() if embedding else None,
        "confused": [asdict(pair) for pair in confused_pairs(found, PAIRS)],
        "worst": [
            _confusion_json(confusion) for confusion in worst_misclassifications(found, WORST)
        ],
        "notes": list(found.notes),
    }


def _classification_json(voted: Classification | None) -> dict[str, Any] | None:
    if voted is None:
        return None
    return {name: score.as_json() for name, score in voted.scores.items()}


def _confusion_json(confusion: Misclassification) -> dict[str, Any]:
    return {
        "key": confusion.picture.key,
        "label": confusion.picture.label,
        "taken_for": confusion.taken_for,
        "share": round(confusion.share, 4),
        "share_of_label": round(confusion.share_of_label, 4),
        "neighbours": [
            {
                "key": witness.picture.key,
                "label": witness.picture.label,
                "cosine": round(witness.cosine, 4),
            }
            for witness in confusion.neighbours
        ],
    }


def measure_rows(found: Evaluation, plan: EvaluationPlan) -> Iterator[tuple[str, str, str]]:
    """Yield readable rows: measure, value, and its basis."""
    shots = f"{plan.shots.train}-shot kNN"
    named = (
        (shots, found.few_shot),
        ("leave-one-out kNN", found.leave_one_out),
        ("zero-shot", found.zero_shot),
    )
    for name, voted in named:
        if voted is not None:
            yield f"{name}, top-1", *_told(Proportion.counted(voted.top1))
            yield f"{name}, top-5", *_told(Proportion.counted(voted.top5))
    questions = len(found.retrieval.first)
    if not questions:
        return  # a share of nothing is not 0
    for rank in RANKS:
        yield f"recall@{rank}", *_told(Proportion.counted(found.retrieval.right(rank)))
    yield "mAP", f"{found.retrieval.mean_precision:.4f}", f"{questions:,} pictures"


def _told(score: Proportion) -> tuple[str, str]:
    low, high = score.interval
    return f"{score.share:.4f}", f"{score.of:,} pictures, 95%: {low:.3f} to {high:.3f}"


def timings(index: IndexRecall | None, embedding: Latency | None) -> Iterator[tuple[str, str, str]]:
    """Yield readable rows: the index's recall, and the latency of queries."""
    if index is not None:
        on = f"{index.questions:,} questions, {index.indexed:,} of {index.points:,} points indexed"
        yield "index recall@10", f"{index.recall:.4f}", on
        yield from _timing("search", index.approximate)
        yield from _timing("exact search", index.exact)
    yield from _timing("embed a picture", embedding)


def _timing(name: str, took: Latency | None) -> Iterator[tuple[str, str, str]]:
    if took is not None:
        told = f"p95 {took.p95:.1f} ms, p99 {took.p99:.1f} ms, {took.questions:,} one by one"
        yield f"{name}, p50", f"{took.p50:.1f} ms", told


def comparison_rows(
    comparison: Comparison, first: str, second: str
) -> Iterator[tuple[str, str, str]]:
    """Yield readable rows: how often only one model was right, and whether that may be chance."""
    for name, duel in comparison.duels.items():
        better = first if duel.only_first > duel.only_second else second
        verdict = f"{better} is better" if duel.p_value < 0.05 else "may be chance"
        yield (
            _DUELS[name],
            f"{duel.only_first} : {duel.only_second}",
            f"p {'< 0.0001' if duel.p_value < 1e-4 else f'= {duel.p_value:.4f}'}, {verdict}",
        )
