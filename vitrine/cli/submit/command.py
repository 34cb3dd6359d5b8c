"""`vitrine submit FILE`: submit a catalog as a job, or only check it (`--dry-run`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from producer.formats import FILE_FORMATS, FORMATS, PACKED, Format
from producer.presets import AUTO, NO_PRESET, PRESETS
from producer.text.encodings import canonical_encoding
from vitrine.cli.common.completion import complete_collections, complete_models
from vitrine.cli.jobs.commands import check_job_id

if TYPE_CHECKING:
    from vitrine.cli.submit.run import SubmitRequest


_TITLES = [FORMATS[name].title for name in FILE_FORMATS]
_NO_FILES = [spec.title for spec in FORMATS.values() if not spec.is_file]
_HELP = f"""Send a catalog: every picture becomes a vector or a named failure.

FILE is {", ".join(_TITLES)} (plain or {", ".join(PACKED)}), {", ".join(_NO_FILES)}, or - for standard input. Invalid
rows are reported and counted; valid rows are submitted. With --resume no other options about the catalog are needed: the job has a
record of how the file was read.
"""


def check_encoding(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The codec's own name; a usage error for one that Python does not know."""
    try:
        return None if value is None else canonical_encoding(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    help=_HELP,
    epilog="Exit codes: 0 all rows accepted, 1 could not run, 2 usage or bad input (with --dry-run also if the file would "
    "be refused), 3 a row was rejected or, with --wait, a picture failed, 130 interrupted (Ctrl-C): before all rows "
    "are sent, the job stays open for --resume; after that, it keeps running.",
)
@click.argument("file")
@click.option(
    "--collection",
    shell_complete=complete_collections,
    help="The catalog's name in the store; created if it does not exist.",
)
@click.option(
    "--model",
    shell_complete=complete_models,
    help="Model name or directory; default: VITRINE_MODEL.",
)
@click.option("--id", "id_column", help="Column with the item's id.")
@click.option("--image", "images", multiple=True, help="Column with pictures; may be repeated.")
@click.option(
    "--payload", multiple=True, help="Column to store with the vectors; default: all others."
)
@click.option("--image-separator", help="Separator between several pictures in one cell.")
@click.option("--image-root", help="Base folder or URL for relative picture paths.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice([name.value for name in Format]),
    help="File format; default: detected by suffix and content.",
)
@click.option(
    "--preset",
    type=click.Choice([AUTO, NO_PRESET, *PRESETS]),
    default=AUTO,
    show_default=True,
    help="The platform that exported the file; auto recognises it by its columns.",
)
@click.option(
    "--group-by",
    metavar="COLUMN",
    help="Merge the rows with one value in this column into one item, whose id it is.",
)
@click.option(
    "--encoding", callback=check_encoding, help="Of a text file, such as cp1252; default: detected."
)
@click.option(
    "--skip", type=click.IntRange(0, 1000), default=0, help="Skip this many lines above the header."
)
@click.option(
    "--row",
    metavar="PATH",
    help="XML or JSON: the path of the element that is a row, such as channel/item or data.items; "
    "Excel: the sheet.",
)
@click.option(
    "--resume",
    metavar="JOB",
    callback=check_job_id,
    help="Resume an interrupted submit of the same FILE.",
)
@click.option("--wait", is_flag=True, help="Wait until every picture is processed.")
@click.option("--strict", is_flag=True, help="Submit nothing if any row is invalid.")
@click.option(
    "--dry-run", is_flag=True, help="Check every row without submitting; needs no service."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def submit(ctx: click.Context, /, **options: Any) -> None:
    """Send a catalog, or only validate it; `_HELP` is the text that users see."""
    from vitrine.cli.submit.run import run_submit

    ctx.exit(run_submit(_request(options)))


def _request(options: dict[str, Any]) -> SubmitRequest:
    from producer import CatalogOptions, Format
    from vitrine.cli.submit.run import SubmitRequest

    if options["resume"] is not None and options["dry_run"]:
        raise click.UsageError("Give one of --resume and --dry-run.")
    if options["collection"] is None and not options["dry_run"] and options["resume"] is None:
        raise click.UsageError("Missing option '--collection'.")
    name = options["format_name"]
    return SubmitRequest(
        file=options["file"],
        collection=options["collection"],
        model=options["model"],
        catalog=CatalogOptions(
            format=None if name is None else Format(name),
            id=options["id_column"],
            images=options["images"],
            payload=options["payload"] or None,
            image_separator=options["image_separator"],
            image_root=options["image_root"],
            preset=options["preset"],
            group_by=options["group_by"],
            encoding=options["encoding"],
            skip=options["skip"],
            row=options["row"],
            allow_files=True,
            places=None,
        ),
        resume=options["resume"],
        wait=options["wait"],
        strict=options["strict"],
        dry_run=options["dry_run"],
        as_json=options["as_json"],
    )
