"""Tones: how a pattern's lightness is distributed around its local mean, at several scales.

The difference of the plane and its blur is divided by its own spread and counted in soft bins: light dots on
dark, dark lines on light, checks of three tones and an even ground have different histograms, whatever their
colour and however they are turned. Beside it stands the spread itself, on a logarithmic scale. Blurs count
only the subject (normalised convolution: Knutsson and Westin, 1993), so that its outline is no pattern.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.models.builtin.smoothing import Plane, halved, tent_sums

SCALES = 3
"""Levels of the pyramid, each half the size of the one before."""
OCTAVES = 3
"""Of the local mean's tent: 15 pixels wide at each level, standard deviation 3.2."""
BINS = 9
REACH = np.float32(2.5)
"""The outermost bins stand at this many standard deviations."""
NOISE_FLOOR = np.float32(0.012)
"""Spread (in Oklab units) that counts as none: a sensor's noise is below it."""
LEVELS = 6
LEVELS_AN_OCTAVE = np.float32(1.25)

_TINY = np.float32(1e-6)


def tones(
    plane: Plane, mask: Plane, weight: Plane
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Histograms [SCALES, BINS] and spreads [SCALES, LEVELS]; every row sums to 1.

    plane, mask (0 ground to 1 subject) and weight (>= 0) are float32 [side, side].
    """
    histograms, spreads = [], []
    for _ in range(SCALES):
        inside = weight * mask
        inside = inside / inside.sum()
        band = plane - _local_mean(plane, mask)
        spread = np.sqrt((np.square(band) * inside).sum())
        unit = np.float32((BINS - 1) / 2) / (REACH * (spread + NOISE_FLOOR))
        histograms.append(_soft_bins(band * unit + (BINS - 1) / 2, inside, BINS))
        octave = np.log2(1.0 + spread / NOISE_FLOOR) * LEVELS_AN_OCTAVE
        spreads.append(_soft_bins(np.atleast_1d(octave), np.ones(1, np.float32), LEVELS))
        below = halved(mask)
        plane = halved(plane * mask) / (below + _TINY)
        mask, weight = below, halved(weight)
    return np.stack(histograms), np.stack(spreads)


def _local_mean(plane: Plane, mask: Plane) -> Plane:
    """Mean over the subject's pixels nearby; the rim and the ground do not count."""
    sums, counts = tent_sums(np.stack((plane * mask, mask)), OCTAVES)
    return np.asarray(sums / (counts + _TINY), np.float32)


def _soft_bins(
    position: NDArray[np.float32], weight: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    """Each value shared between the two nearest of `count` bins; beyond the ends counts as the end."""
    position = np.clip(position.reshape(-1), 0.0, count - 1.001)
    low = position.astype(np.int64)
    share = position - low
    flat = weight.reshape(-1)
    total = np.bincount(low, flat * (1.0 - share), count)
    total += np.bincount(low + 1, flat * share, count)
    return total.astype(np.float32)
