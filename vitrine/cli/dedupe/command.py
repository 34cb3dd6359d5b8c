"""`vitrine dedupe`: the near-identical pictures of a collection, as a table, CSV, JSON or a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.cli.common.completion import complete_collections

if TYPE_CHECKING:
    from vitrine.core.settings import Settings
    from vitrine.similarity.dedupe import Duplicates

SHOWN = 20
"""Groups in the table; the files contain all of them."""


@click.command()
@click.option(
    "--collection",
    required=True,
    shell_complete=complete_collections,
    help="The collection to search.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True),
    help="Lowest cosine of near-identical pictures; default: chosen from the collection.",
)
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all groups to a CSV file, one line per picture."
)  # fmt: skip
@click.option(
    "--page", type=click.Path(dir_okay=False, path_type=Path), help="Write the groups as an HTML page with their pictures."
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def dedupe(
    collection: str,
    threshold: float | None,
    csv_file: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Find pictures that are nearly the same: re-encoded, scaled, slightly cropped, or used twice.

    Every picture is compared with every other by the vectors in the collection. Without --threshold, the threshold is set
    where near-identical pictures separate from those that only look similar, and the command says how it was found.
    The collection is not changed.
    """
    from vitrine.cli.common.files import check_writable
    from vitrine.cli.common.output import print_json, say
    from vitrine.cli.common.services import load_settings
    from vitrine.cli.dedupe.report import print_groups, report_json

    settings = load_settings()
    check_writable(csv_file, page)
    found = _find(settings, collection, threshold)
    if csv_file is not None:
        _write_csv(csv_file, found)
    if page is not None:
        _write_page(page, settings, collection, found)
    if as_json:
        print_json(report_json(collection, found))
    else:
        print_groups(collection, found, SHOWN)
    for what, path in (("lines", csv_file), ("pictures", page)):
        if path is not None:
            say(f"Wrote the groups' {what} to {path}")


def _find(settings: Settings, collection: str, threshold: float | None) -> Duplicates:
    from vitrine.cli.common.progress import ComparingProgress
    from vitrine.similarity.dedupe import find_duplicates
    from vitrine.store.open import open_store

    store = open_store(settings)
    try:
        with ComparingProgress() as progress:
            progress.expect(store.describe(collection).points)
            return find_duplicates(
                store, collection, cosine=threshold, on_progress=progress.advance
            )
    finally:
        store.close()


def _write_csv(path: Path, found: Duplicates) -> None:
    from vitrine.cli.common.files import write_text
    from vitrine.cli.dedupe.report import csv_lines

    write_text(path, csv_lines(found))


def _write_page(path: Path, settings: Settings, collection: str, found: Duplicates) -> None:
    from vitrine.cli.common.files import write_text
    from vitrine.cli.common.thumbnails import picture_source
    from vitrine.cli.dedupe.page import render_page

    write_text(path, render_page(collection, found, picture_source(settings)))
