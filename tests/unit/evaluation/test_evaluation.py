"""One model on one catalog: which measures are taken, and on which pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.evaluation.samples import SPACE, clusters, picture, unit
from vitrine.evaluation.comparison import common_samples, compare
from vitrine.evaluation.confusions import confused_pairs, worst_misclassifications
from vitrine.evaluation.evaluation import Evaluation, EvaluationPlan, evaluate
from vitrine.evaluation.few_shot import ShotCounts
from vitrine.evaluation.knn import Classification
from vitrine.evaluation.sample import Sample, SplitPart

FEW = EvaluationPlan(shots=ShotCounts(train=3, validation=4))


def shares(voted: Classification | None) -> dict[str, float]:
    assert voted is not None
    return {name: score.share for name, score in voted.scores.items()}


def swapped(sample: Sample, first: int, second: int) -> Sample:
    """Return the sample with the labels of two pictures swapped."""
    labels = [sample.pictures[row].label for row in range(len(sample.pictures))]
    labels[first], labels[second] = labels[second], labels[first]
    renamed = [
        replace(one, label=label) for one, label in zip(sample.pictures, labels, strict=True)
    ]
    return replace(sample, pictures=tuple(renamed))


def axes(texts: Sequence[str]) -> NDArray[np.float32]:
    """A text tower that knows the classes of `clusters` by their number."""
    return unit([np.eye(SPACE.dimension)[int(text.split()[-1])] for text in texts])


NAMES = {f"class{number}": f"a {number}" for number in range(3)}


def test_clusters_apart_are_told_apart_by_every_measure() -> None:
    found = evaluate(clusters(3, 8), replace(FEW, names=NAMES, templates=("{}",)), axes)
    for voted in (found.leave_one_out, found.few_shot, found.zero_shot):
        assert shares(voted) == {"top1": 1.0, "top5": 1.0}
    assert found.few_shot is not None
    assert found.leave_one_out is not None
    assert (len(found.few_shot.rows), len(found.leave_one_out.rows)) == (12, 24)
    assert found.retrieval.mean_precision > 0.99
    assert found.notes == ()


def test_noise_is_told_apart_by_none() -> None:
    found = evaluate(clusters(4, 25, spread=20.0), EvaluationPlan())
    assert 0.1 < shares(found.leave_one_out)["top1"] < 0.45
    assert shares(found.leave_one_out)["top5"] > 0.9


def test_few_shot_learns_from_its_own_pictures_only() -> None:
    found = evaluate(clusters(3, 8), FEW)
    assert found.few_shot is not None
    assert found.few_shot.neighbours is not None
    voters = found.few_shot.neighbours.rows
    assert set(voters[voters >= 0].tolist()) <= set(found.split.train)
    assert voters.shape[1] == 9  # no more voters than three from each of three classes


def test_classes_with_too_few_pictures_are_named() -> None:
    found = evaluate(clusters(2, 3), EvaluationPlan())
    assert found.few_shot is None
    assert found.split.left_out == ("class0", "class1")
    assert "2 classes have fewer than 10 pictures" in found.notes[0]
    assert "no text tower" in found.notes[1]


def test_a_class_without_a_picture_can_be_guessed_from_words() -> None:
    sample = clusters(2, 5)
    names = NAMES | {"class2": "a 0"}  # as close to the pictures of class0 as its own name
    found = evaluate(sample, replace(FEW, names=names, templates=("{}",)), axes)
    assert found.classes == ("class0", "class1", "class2")
    assert shares(found.zero_shot) == {"top1": 1.0, "top5": 1.0}
    renamed = NAMES | {"class0": "a 5", "class2": "a 0"}
    wrong = evaluate(sample, replace(FEW, names=renamed, templates=("{}",)), axes)
    assert shares(wrong.zero_shot) == {"top1": 0.5, "top5": 1.0}


def test_words_guess_the_pictures_that_the_catalog_keeps_for_that() -> None:
    sample = clusters(2, 8)
    parts = [SplitPart.TRAIN if row % 2 else SplitPart.VALIDATION for row in range(16)]
    named = [replace(one, part=part) for one, part in zip(sample.pictures, parts, strict=True)]
    found = evaluate(
        replace(sample, pictures=tuple(named)),
        replace(FEW, names=NAMES, templates=("{}",)),
        axes,
    )
    assert found.zero_shot is not None
    assert sorted(found.zero_shot.rows.tolist()) == list(range(0, 16, 2))


def test_items_as_labels_are_only_found_again() -> None:
    found = evaluate(clusters(3, 4), EvaluationPlan(instances=True), axes)
    assert (found.leave_one_out, found.few_shot, found.zero_shot) == (None, None, None)
    assert found.retrieval.right(1).all()
    assert "other pictures of their item" in found.notes[0]


def test_only_so_many_ask_as_are_wanted() -> None:
    found = evaluate(clusters(3, 8), replace(FEW, questions=5))
    assert found.leave_one_out is not None
    assert (len(found.asked), len(found.leave_one_out.rows)) == (5, 5)


def test_a_picture_whose_class_is_all_of_its_group_is_not_asked() -> None:
    sample = clusters(2, 4)
    grouped = [
        replace(one, group="one product") if one.label == "class1" else one
        for one in sample.pictures
    ]
    found = evaluate(replace(sample, pictures=tuple(grouped)), FEW)
    assert found.leave_one_out is not None
    assert found.leave_one_out.rows.tolist() == [0, 1, 2, 3]
    assert (len(found.retrieval.first), found.retrieval.unasked) == (4, 4)
    assert found.notes[0].startswith("4 of the pictures are not used as queries")


def test_confusions_are_counted_and_the_surest_come_first() -> None:
    sample = clusters(3, 8)
    found = evaluate(swapped(sample, 0, 23), FEW)
    first, second = confused_pairs(found, 10)
    assert {(first.label, first.taken_for), (second.label, second.taken_for)} == {
        ("class2", "class0"), ("class0", "class2")
    }  # fmt: skip
    assert (first.count, first.of) == (1, 8)
    confusions = worst_misclassifications(found, 10)
    assert {one.picture.key for one in confusions} == {"class0-0", "class2-7"}
    assert confusions[0].share > 0.8
    assert confusions[0].share_of_label < 0.2
    assert all(0.9 < witness.cosine <= 1.0 for witness in confusions[0].neighbours)
    assert len(worst_misclassifications(found, 1)) == 1


def test_models_are_compared_on_what_both_embedded() -> None:
    sample = clusters(2, 4)
    order = [3, 1, 0, 5, 4, 7]
    fewer = Sample(tuple(sample.pictures[row] for row in order), sample.vectors[order], SPACE)
    mine, others = common_samples(sample, fewer)
    assert [one.key for one in mine.pictures] == [one.key for one in others.pictures]
    assert len(mine.pictures) == 6
    np.testing.assert_array_equal(mine.vectors, others.vectors)


def test_the_better_model_wins_its_duels_and_what_it_alone_got_right_is_shown() -> None:
    good = clusters(3, 8)
    random = clusters(3, 8, spread=30.0, seed=2)
    duel = compare(_evaluated(good), _evaluated(random), 4)
    for name in ("leave_one_out_top1", "few_shot_top1", "recall_at_1"):
        assert duel.duels[name].only_first > 3
        assert duel.duels[name].only_second == 0
    assert duel.duels["leave_one_out_top1"].p_value < 0.01
    assert "zero_shot_top1" not in duel.duels
    assert (len(duel.only_first), len(duel.only_second)) == (4, 0)
    assert all(one.taken_for != one.picture.label for one in duel.only_first)


def _evaluated(sample: Sample) -> Evaluation:
    return evaluate(sample, FEW)


def test_a_vector_too_few_is_noticed() -> None:
    two = (picture("a", "x"), picture("b", "x"))
    with pytest.raises(ValueError, match="one vector"):
        Sample(two, unit([[1.0]]), SPACE)
