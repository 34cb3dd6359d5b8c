"""From a collection's vectors to a map: t-SNE (van der Maaten and Hinton, 2008), as scikit-learn has it.

It runs in a process of its own, `python -m api.projection`, with less claim to the CPU than searches have;
when it has ended nothing of it stays in memory. Vectors go in and places come out as `.npy`::

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
"""Principal components that t-SNE is given: what its authors used, and a tenth of the distances' cost."""
PERPLEXITY = 30.0
"""Neighbours that count for each picture; the authors found 5 to 50 to differ little."""
ITERATIONS = 750
MARGIN = 0.005
"""Share of the places left out at each end when the map is scaled: one outlier must not press the rest together."""
FEWEST = 4
"""Fewer pictures have no neighbourhoods: their first two principal components are the map."""


def project(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places float32 [n, 2] in [0, 1] of unit vectors float32 [n, dimension]; the same each time."""
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    components = _principal(centred, COMPONENTS)
    places = components[:, :2] if len(vectors) < FEWEST else _neighbourhoods(components)
    return _scaled(places)


def _principal(centred: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Coordinates [n, k >= 2] along the directions of most variance, padded with zeros where there are fewer."""
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
    """Where the pictures begin: the two directions of most variance, small, which keeps the whole's shape."""
    first = components[:, :2]
    spread = float(first[:, 0].std()) or 1.0
    return (first / spread * 1e-4).astype(np.float32)


def _scaled(places: NDArray[np.float64]) -> NDArray[np.float32]:
    low, high = np.quantile(places, [MARGIN, 1 - MARGIN], axis=0)
    size = np.where(high > low, high - low, 1.0)
    return np.clip(np.where(high > low, (places - low) / size, 0.5), 0, 1).astype(np.float32)


def main() -> None:
    """Read vectors from stdin and write places to stdout."""
    os.nice(10)
    vectors = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    np.save(sys.stdout.buffer, project(vectors), allow_pickle=False)


if __name__ == "__main__":
    main()
