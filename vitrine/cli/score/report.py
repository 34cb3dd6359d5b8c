"""What came of a file of pairs: counted, as JSON, and for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitrine.cli.common.output import counted, print_table, say
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


def print_scores(tally: ScoreTally) -> None:
    """Failures and where things are as notices; the result is a line, or a table of the comparison."""
    for error, (line, count) in tally.reasons.items():
        others = f" and {count - 1:,} more" if count > 1 else ""
        say(f"line {line}{others}: {error}")
    told = sum(count for _, count in tally.reasons.values())
    if tally.failed > told:
        say(f"and {tally.failed - told:,} more, in the column score_error")
    mean = "" if tally.mean is None else f", {tally.mean:.2f} on the mean"
    failed = f", {tally.failed:,} failed" if tally.failed else ""
    rejected = f", {counted(tally.rejected, 'row')} not read" if tally.rejected else ""
    say(f"{counted(tally.scored, 'pair')} scored{mean}{failed}{rejected}: {tally.output}")
    if tally.comparison is not None:
        _show_comparison(tally)


def _show_comparison(tally: ScoreTally) -> None:
    told = tally.comparison or {}
    rows = [
        (
            name,
            told[name]["requests"],
            f"{told[name]['pairs_per_second']:.1f}",
            f"{told[name]['request_ms_median']:.1f}",
            f"{told[name]['request_ms_p95']:.1f}",
        )
        for name in ("single", "batch")
    ]
    print_table(("way", "requests", "pairs a second", "median ms", "p95 ms"), rows)
    say(
        f"{told['pairs']} pairs, {told['rounds']} rounds each: {told['speedup']:.2f} times as many in batches of "
        f"{told['batch_size']}; {tally.comparison_file}"
    )
