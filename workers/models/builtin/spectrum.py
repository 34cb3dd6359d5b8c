"""Pattern: the local power spectrum in rings and directions, described so that turning it changes little.

The plane is cut into overlapping windows. The power of each is pooled over rings of frequency and over
directions. Per ring, the magnitudes of the Fourier series over direction do not change when the pattern is
turned: order 0 is how strong the ring is, order 1 how much like stripes, order 2 how much like a grid. The
ground of each window is replaced by the subject's mean first, so that an outline does not count as pattern.

Sources: Hann window; triangular pooling in log-radius and angle as in log-Gabor filter banks (D. Field, 1987);
invariance by Fourier magnitudes over direction as in R. Manthalkar et al., "Rotation invariant texture
classification using even symmetric Gabor filters" (2003).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.models.builtin.smoothing import Plane

WINDOW = 32
STRIDE = 16
RINGS = 6
DIRECTIONS = 8
ORDERS = DIRECTIONS // 2 + 1
FIRST_RADIUS, LAST_RADIUS = 1.5, 13.0
"""Cycles a window of the innermost and the outermost ring; rings stand at equal ratios."""
NOISE_FLOOR = np.float32(0.02)
"""Contrast (standard deviation, Oklab units) at which a window is taken as half pattern, half plain."""

_HANN = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
_TAPER = _HANN[:, None] * _HANN[None, :]


def _pooling() -> NDArray[np.float32]:
    """[WINDOW * (WINDOW // 2 + 1), RINGS * DIRECTIONS]: shares of each frequency in each pool."""
    fy = np.fft.fftfreq(WINDOW, 1 / WINDOW)[:, None]
    fx = np.fft.rfftfreq(WINDOW, 1 / WINDOW)[None, :]
    step = np.log(LAST_RADIUS / FIRST_RADIUS) / (RINGS - 1)
    ring = np.log(np.maximum(np.hypot(fx, fy), 1e-6) / FIRST_RADIUS) / step
    angle = (np.arctan2(fy, fx) % np.pi) * DIRECTIONS / np.pi
    once = np.where(fx == 0, 0.5, 1.0)  # of the column fx = 0, rfft keeps both mirror images
    shares = []
    for r in range(RINGS):
        radial = np.clip(1.0 - np.abs(ring - r), 0.0, 1.0)
        for d in range(DIRECTIONS):
            apart = np.abs((angle - d + DIRECTIONS / 2) % DIRECTIONS - DIRECTIONS / 2)
            shares.append((radial * np.clip(1.0 - apart, 0.0, 1.0) * once).reshape(-1))
    return np.asarray(shares, np.float32).T


_POOLING = _pooling()


def pattern_spectrum(
    plane: Plane, mask: Plane, weight: Plane
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shares of the energy: rings by order [RINGS, ORDERS] and rings by direction [RINGS, DIRECTIONS].

    plane, mask (0 ground to 1 subject) and weight (sums to 1) are float32 [side, side]. Order 0 sums to
    at most 1 over the rings, and to little on a plain picture; no order exceeds order 0.
    """
    rows = (len(plane) - WINDOW) // STRIDE + 1
    inside = _windows(mask) * _TAPER
    share = _windows(weight).sum(axis=(1, 2))
    power = _power(_windows(plane), inside)
    floor = np.square(NOISE_FLOOR * WINDOW) / 2 * np.square(inside).sum(axis=(1, 2))
    # Row by row of windows: one product over all of them would start threads (see `smoothing`).
    pools = (power.reshape(rows, -1, power.shape[1]) @ _POOLING).reshape(-1, RINGS * DIRECTIONS)
    scale = share / share.sum() / (pools.sum(axis=1) + floor)
    rings = pools.reshape(-1, RINGS, DIRECTIONS)
    orders = np.abs(np.fft.rfft(rings, axis=2)).astype(np.float32)
    return np.tensordot(scale, orders, 1), np.tensordot(scale, rings, 1)


def _windows(plane: Plane) -> NDArray[np.float32]:
    """Overlapping windows of a plane: [n, WINDOW, WINDOW]."""
    view = np.lib.stride_tricks.sliding_window_view(plane, (WINDOW, WINDOW))
    return view[::STRIDE, ::STRIDE].reshape(-1, WINDOW, WINDOW)


def _power(cuts: NDArray[np.float32], inside: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power spectra [n, frequencies] of the windows, less the subject's mean, faded out at the ground."""
    area = inside.sum(axis=(1, 2), keepdims=True)
    mean = (cuts * inside).sum(axis=(1, 2), keepdims=True) / area
    spectrum = np.fft.rfft2((cuts - mean) * inside)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return power.reshape(len(cuts), -1).astype(np.float32)
