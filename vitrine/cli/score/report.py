"""The scores of a file, for people."""

from __future__ import annotations

from vitrine.cli.common.output import counted, print_table, say
from vitrine.cli.score.tally import ScoreTally


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
