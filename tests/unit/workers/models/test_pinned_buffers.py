from __future__ import annotations

import numpy as np
import pytest

from workers.models.base import Inputs
from workers.models.pinned_buffers import PinnedBufferPool


def picture(level: int, side: int = 4) -> Inputs:
    return {
        "pixel_values": np.full((3, side, side), level, np.uint8),
        "spatial_shapes": np.array([level, side], np.int64),
    }


def test_pictures_lie_side_by_side_and_the_last_fills_what_is_left() -> None:
    slab = PinnedBufferPool(pinned=False).gather([picture(1), picture(2)], 4)
    assert slab.tensors["pixel_values"].shape == (4, 3, 4, 4)
    assert slab.tensors["pixel_values"][:, 0, 0, 0].tolist() == [1, 2, 2, 2]
    assert slab.tensors["spatial_shapes"].tolist() == [[1, 4], [2, 4], [2, 4], [2, 4]]


def test_a_buffer_is_used_again_only_when_given_back() -> None:
    slabs = PinnedBufferPool(pinned=False)
    first = slabs.gather([picture(1)], 2)
    second = slabs.gather([picture(2)], 2)
    assert first.tensors["pixel_values"][0, 0, 0, 0] == 1
    slabs.give_back(first)
    third = slabs.gather([picture(3)], 2)
    assert third is first
    assert third is not second
    assert slabs.gather([picture(3)], 4) is not second


@pytest.mark.parametrize(
    "other",
    [
        picture(1, side=8),
        {"pixel_values": np.zeros((3, 1, 1), np.uint8), "spatial_shapes": np.zeros(2, np.int64)},
        {"pixel_values": np.zeros((3, 4, 4), np.float32), "spatial_shapes": np.zeros(2, np.int64)},
        {"pixel_values": np.zeros((3, 4, 4), np.uint8)},
    ],
    ids=["larger", "one that would spread", "another type", "an input less"],
)
def test_pictures_of_different_inputs_do_not_go_together(other: Inputs) -> None:
    with pytest.raises(ValueError, match="different shapes"):
        PinnedBufferPool(pinned=False).gather([picture(1), other], 2)


def test_what_is_kept_is_bounded() -> None:
    slabs = PinnedBufferPool(pinned=False)
    taken = [slabs.gather([picture(1)], 2) for _ in range(10)]
    for slab in taken:
        slabs.give_back(slab)
    again = [slabs.gather([picture(1)], 2) for _ in range(10)]
    assert len({id(slab) for slab in again} & {id(slab) for slab in taken}) == 3
    for rows in range(1, 200):
        slabs.give_back(slabs.gather([picture(1)], rows))
    assert len(slabs._free) < 40


def test_a_buffer_for_each_size_of_batch_does_not_add_up() -> None:
    slabs = PinnedBufferPool(pinned=False)
    for rows in range(1, 33):
        slabs.give_back(slabs.gather([picture(1)], rows))
    full = slabs.gather([picture(1)], 32)
    slabs.give_back(full)
    assert sum(slab.nbytes for slab in slabs._free) <= 4 * full.nbytes
    assert slabs.gather([picture(1)], 32) is full
