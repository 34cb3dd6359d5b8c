"""The result of scoring a file of pairs: counts, as JSON or as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitrine.cli.common.output import counted, print_table, say
from vitrine.cli.score.client import ScoredPair

KEPT_ERRORS = 20
"""Number of failed rows, and of reasons, that are shown; the file has all of them."""


@dataclass
class ScoreTally:
    """Counts, and the first failures."""

    output: Path
    scored: int = 0
    failed: int = 0
    rejected: int = 0  #: Unreadable rows, which are not in the output.
    total: float = 0.0  #: Sum of all scores.
    errors: list[tuple[int, str]] = field(default_factory=list)  #: Line and reason.
    reasons: dict[str, list[int]] = field(default_factory=dict)
    """For each reason, the first line that has it, and how many do."""
    comparison: dict[str, Any] | None = None
    comparison_file: Path | None = None

    @property
    def mean(self) -> float | None:
        """The mean score; None if there are no scores."""
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
        """Return the tally for JSON."""
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
    """Print failures and file names as notices, and the comparison, if there is one, as a table."""
    for error, (line, count) in tally.reasons.items():
        others = f" and {count - 1:,} more" if count > 1 else ""
        say(f"line {line}{others}: {error}")
    told = sum(count for _, count in tally.reasons.values())
    if tally.failed > told:
        say(f"and {tally.failed - told:,} more, in the column score_error")
    mean = "" if tally.mean is None else f", mean {tally.mean:.2f}"
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
    print_table(("way", "requests", "pairs per second", "median ms", "p95 ms"), rows)
    say(
        f"{told['pairs']} pairs, {told['rounds']} rounds each: {told['speedup']:.2f} times as fast in batches of "
        f"{told['batch_size']}; {tally.comparison_file}"
    )
