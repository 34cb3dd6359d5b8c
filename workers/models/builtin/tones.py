"""Tones: how a pattern's lightness is distributed around its local mean, at several scales.

The difference between the plane and its blur is divided by its own spread and counted in soft bins. Light dots on
dark, dark lines on light, checks of three tones and a plain area have different histograms, whatever their
colour and rotation. The spread itself is added on a logarithmic scale. Blurs include only the subject (normalised
convolution: Knutsson and Westin, 1993), so that its outline does not count as a pattern.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.models.builtin.smoothing import Plane, halved, tent_sums

SCALES = 3
"""Levels of the pyramid, each half the size of the one before."""
OCTAVES = 3
"""Octaves of the local mean's tent: 15 pixels wide at each level, standard deviation 3.2."""
BINS = 9
REACH = np.float32(2.5)
"""The outermost bins are at this many standard deviations."""
NOISE_FLOOR = np.float32(0.012)
"""Spread (in Oklab units) that counts as none: sensor noise is below it."""
LEVELS = 6
LEVELS_AN_OCTAVE = np.float32(1.25)

_TINY = np.float32(1e-6)


def tones(
    plane: Plane, mask: Plane, weight: Plane
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return histograms [SCALES, BINS] and spreads [SCALES, LEVELS]; every row sums to 1.

    plane, mask (0 background to 1 subject) and weight (>= 0) are float32 [side, side].
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
    """Return the mean over nearby pixels of the subject; pixels of the background or beyond the border do not count."""
    sums, counts = tent_sums(np.stack((plane * mask, mask)), OCTAVES)
    return np.asarray(sums / (counts + _TINY), np.float32)


def _soft_bins(
    position: NDArray[np.float32], weight: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    """Split each value between the two nearest of `count` bins; values beyond the ends count in the end bins."""
    position = np.clip(position.reshape(-1), 0.0, count - 1.001)
    low = position.astype(np.int64)
    share = position - low
    flat = weight.reshape(-1)
    total = np.bincount(low, flat * (1.0 - share), count)
    total += np.bincount(low + 1, flat * share, count)
    return total.astype(np.float32)
