"""`vitrine evaluate`: measure a model on the user's labelled pictures, alone or against another model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.cli.common.completion import complete_collections, complete_models

if TYPE_CHECKING:
    from vitrine.cli.evaluate.run import EvaluateRequest


@click.command(
    epilog="Exit codes: 0 all pictures were used, 1 could not run, 2 usage or bad input, 3 measured, but some pictures could "
    "not be used."
)
@click.argument("catalog", required=False)
@click.option(
    "--collection",
    shell_complete=complete_collections,
    help="Use the stored vectors of this collection.",
)
@click.option(
    "--model",
    shell_complete=complete_models,
    help="Embed the pictures with this model's workers (VITRINE_MODEL).",
)
@click.option(
    "--against",
    metavar="MODEL",
    shell_complete=complete_models,
    help="Compare with another model on the same pictures.",
)
@click.option("--label", help="Label column; default: detected by common names.")
@click.option(
    "--group",
    help="Group column; pictures of the same group are never each other's neighbours. Default: the id.",
)
@click.option("--split", help="Column with train or validation; default: a random split.")
@click.option("--id", "id_column", help="Column with the item's id.")
@click.option("--image", "images", multiple=True, help="Column with pictures; may be repeated.")
@click.option("--image-root", help="Base folder or URL for relative picture paths.")
@click.option(
    "--train", default=10, show_default=True, type=click.IntRange(1, 1000), help="Training pictures per class."
)  # fmt: skip
@click.option(
    "--validation", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Test pictures per class."
)  # fmt: skip
@click.option(
    "--neighbours", default=10, show_default=True, type=click.IntRange(1, 1000), help="Number of neighbours that vote."
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=int, help="Seed for random sampling.")
@click.option(
    "--prompt", "prompts", multiple=True, metavar="TEMPLATE",
    help='Prompt for zero-shot, such as "A photo of {text}."; may be repeated, then averaged.',
)  # fmt: skip
@click.option(
    "--class-names", metavar="FILE", help="File with a label and its words per line, for zero-shot."
)
@click.option(
    "--pictures", default=100_000, show_default=True, type=click.IntRange(2), help="Sample at most this many pictures."
)  # fmt: skip
@click.option(
    "--questions", default=5000, show_default=True, type=click.IntRange(1), help="Use at most this many pictures as queries."
)  # fmt: skip
@click.option(
    "--page", type=click.Path(dir_okay=False, path_type=Path), help="Write the worst confusions as an HTML page."
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def evaluate(ctx: click.Context, /, **options: Any) -> None:
    """Measure a model on your own labelled pictures.

    Reports how well the model classifies pictures by their neighbours and by words, how well it retrieves pictures of
    the same class, and the time per query; for a collection, also the recall of its index.

    CATALOG is a file that `submit` accepts, with a label column, or a folder with one subfolder per class. Each row is
    a picture, or several; rows with one id are pictures of one product. Workers for --model embed the pictures; with
    --collection, their stored vectors are used instead.

    Without CATALOG, --label names the field of --collection that has the labels. Without --label, the command measures
    whether a picture finds the other pictures of its item.
    """
    from vitrine.cli.evaluate.run import run_evaluation

    if options["catalog"] is None and options["collection"] is None:
        raise click.UsageError("Give a CATALOG, or --collection.")
    if options["collection"] is not None and options["model"] is not None:
        raise click.UsageError(
            "Give --model or --collection, not both: a collection already has a model."
        )
    ctx.exit(run_evaluation(_request(options)))


def _request(options: dict[str, Any]) -> EvaluateRequest:
    from producer import CatalogOptions
    from vitrine.cli.evaluate.labelled import LabelColumns, read_class_names
    from vitrine.cli.evaluate.run import EvaluateRequest
    from vitrine.evaluation.evaluation import EvaluationPlan
    from vitrine.evaluation.few_shot import ShotCounts
    from vitrine.evaluation.zero_shot import TEMPLATES, check_templates

    names = options["class_names"]
    return EvaluateRequest(
        catalog=options["catalog"],
        reading=CatalogOptions(
            id=options["id_column"],
            images=options["images"],
            image_root=options["image_root"],
            allow_files=True,
            places=None,
        ),
        columns=LabelColumns(options["label"], options["group"], options["split"]),
        collection=options["collection"],
        model=options["model"],
        against=options["against"],
        plan=EvaluationPlan(
            shots=ShotCounts(options["train"], options["validation"], options["seed"]),
            neighbours=options["neighbours"],
            questions=options["questions"],
            templates=check_templates(options["prompts"] or TEMPLATES),
            names={} if names is None else read_class_names(names),
            instances=options["catalog"] is None and options["label"] is None,
        ),
        pictures=options["pictures"],
        page=options["page"],
        as_json=options["as_json"],
    )
