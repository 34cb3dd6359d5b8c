"""Near-duplicates among the hits of one search: each is grouped behind the best hit that it nearly equals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def group_near_duplicates(vectors: NDArray[np.float32], cosine: float) -> list[int]:
    """Return for each row of float32 [n, dimension], best hit first, the row of its group's lead, possibly itself."""
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
