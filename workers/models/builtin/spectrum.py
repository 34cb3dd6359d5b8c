"""Pattern: the local power spectrum in rings and directions, described so that rotation changes little.

The plane is split into overlapping windows. The power of each is pooled over rings of frequency and over
directions. Per ring, the magnitudes of the Fourier series over direction do not change when the pattern is
rotated: order 0 is the strength of the ring, order 1 how much it resembles stripes, order 2 a grid. The background of
each window is first replaced by the subject's mean, so that an outline does not count as a pattern.

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
"""Cycles per window of the innermost and the outermost ring; the rings are at equal ratios."""
NOISE_FLOOR = np.float32(0.02)
"""Contrast (standard deviation, Oklab units) at which a window counts as half pattern, half plain."""

_HANN = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
_TAPER = _HANN[:, None] * _HANN[None, :]


def _pooling() -> NDArray[np.float32]:
    """Return each frequency's share in each pool: [WINDOW * (WINDOW // 2 + 1), RINGS * DIRECTIONS]."""
    fy = np.fft.fftfreq(WINDOW, 1 / WINDOW)[:, None]
    fx = np.fft.rfftfreq(WINDOW, 1 / WINDOW)[None, :]
    step = np.log(LAST_RADIUS / FIRST_RADIUS) / (RINGS - 1)
    ring = np.log(np.maximum(np.hypot(fx, fy), 1e-6) / FIRST_RADIUS) / step
    angle = (np.arctan2(fy, fx) % np.pi) * DIRECTIONS / np.pi
    once = np.where(fx == 0, 0.5, 1.0)  # in the column fx = 0, rfft keeps both mirror images
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
    """Return shares of the energy: rings by order [RINGS, ORDERS] and rings by direction [RINGS, DIRECTIONS].

    plane, mask (0 background to 1 subject) and weight (sums to 1) are float32 [side, side]. Order 0 sums to
    at most 1 over the rings, and to little for a plain picture; no order exceeds order 0.
    """
    rows = (len(plane) - WINDOW) // STRIDE + 1
    inside = _windows(mask) * _TAPER
    share = _windows(weight).sum(axis=(1, 2))
    power = _power(_windows(plane), inside)
    floor = np.square(NOISE_FLOOR * WINDOW) / 2 * np.square(inside).sum(axis=(1, 2))
    # One product per row of windows: a single product over all of them would start threads (see `smoothing`).
    pools = (power.reshape(rows, -1, power.shape[1]) @ _POOLING).reshape(-1, RINGS * DIRECTIONS)
    scale = share / share.sum() / (pools.sum(axis=1) + floor)
    rings = pools.reshape(-1, RINGS, DIRECTIONS)
    orders = np.abs(np.fft.rfft(rings, axis=2)).astype(np.float32)
    return np.tensordot(scale, orders, 1), np.tensordot(scale, rings, 1)


def _windows(plane: Plane) -> NDArray[np.float32]:
    """Return the overlapping windows of a plane: [n, WINDOW, WINDOW]."""
    view = np.lib.stride_tricks.sliding_window_view(plane, (WINDOW, WINDOW))
    return view[::STRIDE, ::STRIDE].reshape(-1, WINDOW, WINDOW)


def _power(cuts: NDArray[np.float32], inside: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return power spectra [n, frequencies] of the windows, minus the subject's mean, with the background faded out."""
    area = inside.sum(axis=(1, 2), keepdims=True)
    mean = (cuts * inside).sum(axis=(1, 2), keepdims=True) / area
    spectrum = np.fft.rfft2((cuts - mean) * inside)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return power.reshape(len(cuts), -1).astype(np.float32)
