"""Near-duplicates among the hits of one search: each stands behind the best hit that it is nearly the same as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def group_near_duplicates(vectors: NDArray[np.float32], cosine: float) -> list[int]:
    """For each row of float32 [n, dimension], best hit first, the row that it stands behind: itself, where none."""
    leads: list[int] = []
    behind: list[int] = []
    for row, vector in enumerate(vectors):
        cosines = vectors[leads] @ vector
        near = int(cosines.argmax()) if leads else -1
        if near >= 0 and cosines[near] >= cosine:
            behind.append(leads[near])
        else:
            leads.append(row)
            behind.append(row)
    return behind
