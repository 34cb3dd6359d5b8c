"""`vitrine demo`: draw a catalog, submit it to a service of its own, search it, and report."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--exit", "then_exit", is_flag=True, help="End after the report instead of staying up."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option(
    "--catalog",
    type=click.Path(exists=True, path_type=Path),
    help="Your own catalog file, or a folder of pictures, instead of the drawn one.",
)
@click.option("--seed", default=1, show_default=True, help="Another seed draws another catalog.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything here; the default is a folder that is removed in the end.",
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

    Everything runs in a service of its own with data of its own. Some rows of the drawn catalog fail, on
    purpose; the exit code is 0 where all came out as planned and 1 where not. With --catalog it is 3 where
    a picture failed or a row was rejected.
    """
    from vitrine.cli.demo.run import DemoRun

    ctx.exit(
        DemoRun(
            then_exit=then_exit, as_json=as_json, catalog=catalog, seed=seed, data_dir=data_dir
        ).run()
    )
