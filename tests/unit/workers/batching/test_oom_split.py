from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitrine.core.types import FailureReason, ItemFailure
from workers.batching.oom_split import GROW_AFTER, FittingBatchSize, OomSplitter


def embed_but(bad: set[int], largest: int = 1000) -> tuple[list[int], OomSplitter[int]]:
    calls: list[int] = []

    def embed(batch: Sequence[int]) -> NDArray[np.float32]:
        calls.append(len(batch))
        if len(batch) > largest:
            raise MemoryError
        if bad & set(batch):
            raise ValueError("a secret within the picture")
        return np.array([[n, 1.0] for n in batch], np.float32)

    return calls, OomSplitter(embed, FittingBatchSize(64))


@given(st.sets(st.integers(0, 63)), st.integers(1, 64))
def test_only_the_culprits_fail_and_order_is_kept(bad: set[int], count: int) -> None:
    _, halving = embed_but(bad)
    outcomes = halving(range(count))
    for n, outcome in enumerate(outcomes):
        if n in bad:
            assert isinstance(outcome, ItemFailure)
            assert outcome.reason is FailureReason.MODEL_ERROR
            assert "secret" not in outcome.detail
        else:
            assert not isinstance(outcome, ItemFailure)
            assert outcome[0] == n
    assert len(outcomes) == count


def test_one_culprit_costs_a_logarithm_of_batches() -> None:
    calls, halving = embed_but({37})
    halving(range(64))
    assert len(calls) == 1 + 2 * 6


def test_out_of_memory_is_the_batchs_fault_until_one_alone_does_not_fit() -> None:
    _, halving = embed_but(set(), largest=10)
    assert not any(isinstance(outcome, ItemFailure) for outcome in halving(range(64)))
    _, nothing_fits = embed_but(set(), largest=0)
    [outcome] = nothing_fits([1])
    assert isinstance(outcome, ItemFailure)
    assert outcome.reason is FailureReason.OUT_OF_MEMORY


def test_the_size_that_fits_is_remembered_and_grows_back() -> None:
    fitting = FittingBatchSize(64)
    fitting.overflowed(64)
    fitting.overflowed(32)
    assert fitting.value == 16
    for _ in range(GROW_AFTER):
        fitting.fitted(16)
    assert fitting.value == 32
    for _ in range(GROW_AFTER):
        fitting.fitted(3)  # Small batches prove nothing about large ones.
    assert fitting.value == 32
    fitting.overflowed(1)
    assert fitting.value == 1


def test_a_model_that_gives_too_few_vectors_fails_by_name() -> None:
    halving: OomSplitter[int] = OomSplitter(
        lambda batch: np.ones((1, 2), np.float32), FittingBatchSize(4)
    )
    outcomes = halving([1, 2, 3])
    assert all(isinstance(outcome, ItemFailure) for outcome in outcomes)
