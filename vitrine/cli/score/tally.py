"""What came of a file of pairs, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitrine.cli.score.client import ScoredPair

KEPT_ERRORS = 20
"""Failed rows, and reasons, that are shown; all of them stand in the file."""


@dataclass
class ScoreTally:
    """Counts, and the first failures."""

    output: Path
    scored: int = 0
    failed: int = 0
    rejected: int = 0  #: Rows that could not be read, and are not in the output.
    total: float = 0.0  #: Of all scores.
    errors: list[tuple[int, str]] = field(default_factory=list)  #: Line and reason.
    reasons: dict[str, list[int]] = field(default_factory=dict)
    """By reason the first line that has it, and how many have."""
    comparison: dict[str, Any] | None = None
    comparison_file: Path | None = None

    @property
    def mean(self) -> float | None:
        """The mean score; None without any."""
        return self.total / self.scored if self.scored else None

    def add(self, one: ScoredPair) -> None:
        """Count a row."""
        if one.clip_score is not None:
            self.scored += 1
            self.total += one.clip_score
            return
        self.failed += 1
        error = one.error or ""
        if len(self.errors) < KEPT_ERRORS:
            self.errors.append((one.pair.line, error))
        if error in self.reasons:
            self.reasons[error][1] += 1
        elif len(self.reasons) < KEPT_ERRORS:
            self.reasons[error] = [one.pair.line, 1]

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "output": str(self.output),
            "scored": self.scored,
            "failed": self.failed,
            "rejected_rows": self.rejected,
            "mean_clip_score": self.mean,
            "first_errors": [{"line": line, "error": error} for line, error in self.errors],
            "comparison": self.comparison,
        }
