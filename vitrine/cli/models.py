"""`vitrine models`: the models known by name, and their requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vitrine.core.model_registry import ModelCard

_FAMILIES = ("descriptor", "siglip", "siglip2", "clip", "dinov2")
_GIB = 1024**3
_CPU_BYTES, _GPU_BYTES = 4, 2


@click.command()
@click.argument("name", required=False)
@click.option("--family", type=click.Choice(_FAMILIES), help="Only models of this family.")
@click.option("--text", "with_text", is_flag=True, help="Only models that support search by words.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def models(name: str | None, family: str | None, with_text: bool, as_json: bool) -> None:
    """List the models known by name.

    Each is loaded at its pinned revision: `vitrine worker --model ID`, or ID@REVISION for another. Any other model in
    transformers' format is loaded by its directory or hub id. Memory is for the weights only; batches need more.
    """
    from vitrine.cli.common import output
    from vitrine.core.model_registry import MODEL_CARDS

    found = [
        card
        for card in ([_named(name)] if name else MODEL_CARDS)
        if (family is None or card.family == family) and (card.text or not with_text)
    ]
    if as_json:
        output.print_json([_as_json(card) for card in found])
        return
    headings = "model", "vectors", "sees", "words", "CPU GiB", "GPU GiB", "licence", "revision"
    output.print_table(headings, map(_row, found), folding=("model",))


def _named(name: str) -> ModelCard:
    from vitrine.core.errors import NotFound
    from vitrine.core.model_registry import resolve_model_card

    card = resolve_model_card(name)
    if card is None:
        raise NotFound(
            f"There is no model {name!r} in the list.",
            hint="`vitrine models` prints the list; other models are loaded by their directory or hub id.",
        )
    return card


def _row(card: ModelCard) -> tuple[object, ...]:
    sees = f"{card.patches} patches" if card.side is None else f"{card.side} x {card.side}"
    return (
        card.id,
        card.dimension,
        sees,
        "yes" if card.text else "no",
        f"{card.weights_bytes(_CPU_BYTES) / _GIB:.1f}",
        f"{card.weights_bytes(_GPU_BYTES) / _GIB:.1f}",
        card.licence or "part of vitrine",
        card.revision[:12] if card.revision else "",
    )


def _as_json(card: ModelCard) -> dict[str, object]:
    return {
        "id": card.id,
        "name": card.name,
        "revision": card.revision,
        "family": card.family,
        "dimension": card.dimension,
        "side": card.side,
        "patches": card.patches,
        "text": card.text,
        "parameters": card.parameters,
        "weights_bytes": {
            "float32": card.weights_bytes(_CPU_BYTES),
            "bfloat16": card.weights_bytes(_GPU_BYTES),
        },
        "licence": card.licence,
    }
