"""`vitrine score`: add a column of scores to a CSV of pictures and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vitrine.cli.common.completion import complete_models
from vitrine.core.errors import EXIT_FINISHED_WITH_FAILURES, EXIT_OK

MOST_COMPARED = 1000


@click.command(
    epilog="Exit codes: 0 every row has a score, 1 could not run, 2 usage or bad input, 3 some rows have no score."
)
@click.argument("pairs", type=click.Path(path_type=Path))
@click.option("--image", help="Column with pictures: URLs, or paths below the file's folder.")
@click.option("--text", help="Column with texts.")
@click.option("--image-root", help="Base folder or URL for relative picture paths.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Output file; default: {name}_with_scores.csv.")  # fmt: skip
@click.option(
    "--model", shell_complete=complete_models, help="The model to use if several are running."
)
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(1, 500), help="Pairs per request.")  # fmt: skip
@click.option("--compare", is_flag=True, help="Compare the speed of single requests and batches, and write {name}_comparison.json.")  # fmt: skip
@click.option(
    "--compare-pairs", default=100, show_default=True, type=click.IntRange(1, MOST_COMPARED),
    help="Number of pairs to time.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--api", "api_url", help="The API's address (VITRINE_API_URL).")
@click.pass_context
def score(ctx: click.Context, /, pairs: Path, **options: Any) -> None:
    """Score how well the picture and the text of each row match.

    PAIRS is a CSV or TSV file. The output file has all its columns, plus clip_score (100 times the cosine of picture
    and text, at least 0), probability (SigLIP models only) and score_error.
    """
    from vitrine.cli.common.api_retry import REQUEST_SECONDS
    from vitrine.cli.common.output import print_json
    from vitrine.cli.common.services import load_settings
    from vitrine.cli.score.client import Scorer
    from vitrine.cli.score.output_csv import default_output
    from vitrine.cli.score.pairs import PairsFile
    from vitrine.cli.score.report import print_scores
    from vitrine.cli.score.run import ScoreRun
    from vitrine.client import ApiClient

    settings = load_settings(api_url=options["api_url"])
    with (
        ApiClient(settings.api_url, settings.api_key, timeout=REQUEST_SECONDS) as client,
        PairsFile(
            pairs, image=options["image"], text=options["text"], image_root=options["image_root"],
            most=settings.fetch_max_bytes,
        ) as opened,
    ):  # fmt: skip
        run = ScoreRun(
            Scorer(client, options["model"]),
            pairs,
            options["output"] or default_output(pairs),
            options["batch_size"],
            options["compare_pairs"] if options["compare"] else 0,
        )
        tally = run(opened)
    print_json(tally.told()) if options["as_json"] else print_scores(tally)
    ctx.exit(EXIT_FINISHED_WITH_FAILURES if tally.failed or tally.rejected else EXIT_OK)
