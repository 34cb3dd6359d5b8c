"""The run of `vitrine score`: score a file of pairs, then compare single requests with batches if requested."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import orjson

from vitrine.cli.common.files import check_writable, write_text
from vitrine.cli.common.progress import ScoreProgress
from vitrine.cli.score.client import Scorer, request_batches
from vitrine.cli.score.compare import compare_ways
from vitrine.cli.score.output_csv import ScoredFile, default_output
from vitrine.cli.score.pairs import PairsFile, ScorePair
from vitrine.cli.score.report import ScoreTally


@dataclass
class ScoreRun:
    """One run; `compared` is the number of pairs to time, from the first on; 0 for none."""

    scorer: Scorer
    path: Path
    output: Path
    batch_size: int
    compared: int
    _kept: list[ScorePair] = field(default_factory=list)

    def __call__(self, pairs: PairsFile) -> ScoreTally:
        """Score all pairs and write the files; raises `BadInput` before anything is scored if a file cannot be written."""
        check_writable(self.output, self.comparison_file if self.compared else None)
        tally = ScoreTally(self.output)
        with ScoreProgress() as progress:
            self._score(pairs, tally, progress)
            if self._kept:
                self._compare(tally, progress)
        return tally

    @property
    def comparison_file(self) -> Path:
        """The file that the comparison is written to: next to the output, named after the input."""
        named = default_output(self.path).name.replace("_with_scores.csv", "_comparison.json")
        return self.output.with_name(named)

    def _score(self, pairs: PairsFile, tally: ScoreTally, progress: ScoreProgress) -> None:
        with ScoredFile(self.output, pairs.names) as file:
            for group in request_batches(pairs, self.batch_size):
                sent = [one for one in group if isinstance(one, ScorePair)]
                progress.problems([one for one in group if not isinstance(one, ScorePair)])
                tally.rejected += len(group) - len(sent)
                for scored in self.scorer(sent):
                    file.add(scored)
                    tally.add(scored)
                self._keep(sent)
                progress.show(tally.scored, tally.failed)

    def _keep(self, sent: list[ScorePair]) -> None:
        good = [pair for pair in sent if pair.problem is None]
        self._kept += good[: self.compared - len(self._kept)]

    def _compare(self, tally: ScoreTally, progress: ScoreProgress) -> None:
        tally.comparison = compare_ways(
            self.scorer, self._kept, self.batch_size, begin=progress.compared
        )
        tally.comparison_file = self.comparison_file
        text = orjson.dumps(tally.comparison, option=orjson.OPT_INDENT_2).decode()
        write_text(tally.comparison_file, [text, "\n"])
