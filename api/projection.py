"""The projection of a collection's vectors to a map: t-SNE (van der Maaten and Hinton, 2008), from scikit-learn.

It runs as a separate process, `python -m api.projection`, with a lower CPU priority than searches; when it
ends, all its memory is freed. Vectors go in and positions come out as `.npy`::

    stdin: float32 [n, dimension] ──▶ 50 principal components ──▶ t-SNE ──▶ stdout: float32 [n, 2] in [0, 1]
"""

from __future__ import annotations

import io
import os
import sys

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

COMPONENTS = 50
"""Principal components passed to t-SNE: the authors' number, which makes the distances ten times cheaper."""
PERPLEXITY = 30.0
"""Effective number of neighbours of each picture; the authors found little difference between 5 and 50."""
ITERATIONS = 750
MARGIN = 0.005
"""Share of the positions ignored at each end when the map is scaled, so that one outlier does not compress the rest."""
FEWEST = 4
"""Fewer pictures have no neighbourhoods; their map is their first two principal components."""


def project(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return positions, float32 [n, 2] in [0, 1], of unit vectors, float32 [n, dimension]; deterministic."""
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    components = _principal(centred, COMPONENTS)
    places = components[:, :2] if len(vectors) < FEWEST else _neighbourhoods(components)
    return _scaled(places)


def _principal(centred: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return coordinates [n, k >= 2] along the directions of most variance, padded with zeros if there is only one."""
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    kept: NDArray[np.float64] = (left * sizes)[:, :count]
    return np.pad(kept, ((0, 0), (0, max(0, 2 - kept.shape[1]))))


def _neighbourhoods(components: NDArray[np.float64]) -> NDArray[np.float64]:
    model = TSNE(
        perplexity=min(PERPLEXITY, (len(components) - 1) / 3), max_iter=ITERATIONS,
        init=_start(components), random_state=0, n_jobs=1,
    )  # fmt: skip
    with threadpool_limits(1):
        places: NDArray[np.float64] = model.fit_transform(components)
    return places


def _start(components: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the initial positions: the two directions of most variance, scaled down, which preserves the overall shape."""
    first = components[:, :2]
    spread = float(first[:, 0].std()) or 1.0
    return (first / spread * 1e-4).astype(np.float32)


def _scaled(places: NDArray[np.float64]) -> NDArray[np.float32]:
    low, high = np.quantile(places, [MARGIN, 1 - MARGIN], axis=0)
    size = np.where(high > low, high - low, 1.0)
    return np.clip(np.where(high > low, (places - low) / size, 0.5), 0, 1).astype(np.float32)


def main() -> None:
    """Read vectors from stdin and write positions to stdout."""
    os.nice(10)
    vectors = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    np.save(sys.stdout.buffer, project(vectors), allow_pickle=False)


if __name__ == "__main__":
    main()
