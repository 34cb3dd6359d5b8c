"""`vitrine evaluate`: how good a model is on one's own labelled pictures, alone or against another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.cli.common.completion import complete_collections, complete_models

if TYPE_CHECKING:
    from vitrine.cli.evaluate.run import EvaluateRequest


@click.command(
    epilog="Exit codes: 0 every picture counted, 1 could not run, 2 usage or bad input, 3 measured, but a row had no label or "
    "a picture no vector."
)
@click.argument("catalog", required=False)
@click.option(
    "--collection",
    shell_complete=complete_collections,
    help="Take the vectors that this collection holds.",
)
@click.option(
    "--model",
    shell_complete=complete_models,
    help="Have the pictures embedded by this model's workers (VITRINE_MODEL).",
)
@click.option(
    "--against",
    metavar="MODEL",
    shell_complete=complete_models,
    help="Compare with another model on the same pictures.",
)
@click.option("--label", help="The column with the label; found by usual names where not given.")
@click.option(
    "--group",
    help="A column: pictures with the same value there are never each other's neighbours.",
)
@click.option("--split", help="A column that says train or validation; default: random.")
@click.option("--id", "id_column", help="The column with the item's id.")
@click.option("--image", "images", multiple=True, help="A column with pictures; may be repeated.")
@click.option("--image-root", help="Folder or URL that relative picture paths start from.")
@click.option(
    "--train", default=10, show_default=True, type=click.IntRange(1, 1000), help="Training pictures per class."
)  # fmt: skip
@click.option(
    "--validation", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Test pictures per class."
)  # fmt: skip
@click.option(
    "--neighbours", default=10, show_default=True, type=click.IntRange(1, 1000), help="Neighbours that vote."
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=int, help="Seed for random sampling.")
@click.option(
    "--prompt", "prompts", multiple=True, metavar="TEMPLATE",
    help='A sentence for zero-shot, such as "A photo of {text}."; several are averaged.',
)  # fmt: skip
@click.option(
    "--class-names", metavar="FILE", help="Lines of a label and its words, for zero-shot."
)
@click.option(
    "--pictures", default=100_000, show_default=True, type=click.IntRange(2), help="Sample at most this many pictures."
)  # fmt: skip
@click.option(
    "--questions", default=5000, show_default=True, type=click.IntRange(1), help="Use at most this many as queries."
)  # fmt: skip
@click.option(
    "--page", type=click.Path(dir_okay=False, path_type=Path), help="Write the worst confusions as an HTML page."
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def evaluate(ctx: click.Context, /, **options: Any) -> None:
    """Measure a model on your own labelled pictures.

    Classes by neighbours, retrieval, classes by words, what the index leaves out, and the time of a question.

    CATALOG is a file as `submit` takes it, with a column of labels, or a folder with a folder for each class. Its
    pictures are embedded by the workers of --model, or taken from --collection where that is named. A
    collection without CATALOG is labelled by a field of its own (--label), or by its items: then it is measured
    whether a picture finds the others of its item.
    """
    from vitrine.cli.evaluate.run import run_evaluation

    if options["catalog"] is None and options["collection"] is None:
        raise click.UsageError("Give a CATALOG, or --collection.")
    if options["collection"] is not None and options["model"] is not None:
        raise click.UsageError(
            "Give --model or --collection, not both: a collection has its model."
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
