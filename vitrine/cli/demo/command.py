"""`vitrine demo`: generate a catalog, submit it to a temporary service, search it, and report."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--exit",
    "then_exit",
    is_flag=True,
    help="Exit after the report instead of keeping the service running.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option(
    "--catalog",
    type=click.Path(exists=True, path_type=Path),
    help="Your catalog file, or a folder of pictures, instead of the generated one.",
)
@click.option("--seed", default=1, show_default=True, help="Seed of the generated catalog.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for all data; default: a temporary one, deleted at the end.",
)
@click.pass_context
def demo(
    ctx: click.Context,
    /,
    *,
    then_exit: bool,
    as_json: bool,
    catalog: Path | None,
    seed: int,
    data_dir: Path | None,
) -> None:
    """Generate a sample catalog, ingest it, and search it.

    The demo runs a separate service with its own data. Some rows of the generated catalog fail on purpose; the
    exit code is 0 if all outcomes are as planned, else 1. With --catalog it is 3 if a picture failed or a row
    was rejected.
    """
    from vitrine.cli.demo.run import DemoRun

    ctx.exit(
        DemoRun(
            then_exit=then_exit, as_json=as_json, catalog=catalog, seed=seed, data_dir=data_dir
        ).run()
    )
