"""`vitrine embed`: the vectors of pictures and words, as JSON lines or as one array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.cli.common.completion import complete_models
from vitrine.core.errors import EXIT_FINISHED_WITH_FAILURES, EXIT_OK

if TYPE_CHECKING:
    from vitrine.cli.embed.client import EmbedInput, EmbedOutcome


@click.command(
    epilog="Exit codes: 0 every input has a vector, 1 could not run, 2 usage or bad input, 3 some inputs have no vector."
)
@click.argument("pictures", nargs=-1)
@click.option("--text", "texts", multiple=True, help="Words; may be repeated. They come after the pictures.")  # fmt: skip
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="Write one array, float32 [n, dimension], in NumPy's format; failed inputs are NaN.",
)  # fmt: skip
@click.option(
    "--model", shell_complete=complete_models, help="The model to use if several are running."
)
@click.option("--grey", is_flag=True, help="Convert pictures to greyscale before embedding them.")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(1, 1000), help="Inputs per request.")  # fmt: skip
@click.option("--api", "api_url", help="The API's address (VITRINE_API_URL).")
@click.pass_context
def embed(ctx: click.Context, /, **options: Any) -> None:
    """Embed PICTURES, which are files or http(s) URLs, and words.

    Prints one JSON object per line: the input with its unit vector, or with the reason why it has none.
    """
    from vitrine.cli.common.api_retry import REQUEST_SECONDS
    from vitrine.cli.common.services import load_settings
    from vitrine.cli.embed.client import embed_inputs as embedded
    from vitrine.client import ApiClient

    if not options["pictures"] and not options["texts"]:
        raise click.UsageError("Give pictures, or --text.")
    settings = load_settings(api_url=options["api_url"])
    asked: dict[str, Any] = {"grey": options["grey"]}
    if options["model"] is not None:
        asked["model"] = options["model"]
    with ApiClient(settings.api_url, settings.api_key, timeout=REQUEST_SECONDS) as client:
        given = _given(options, settings.fetch_max_bytes)
        found = embedded(client, given, options["batch_size"], asked)
        failed = _print(found) if options["output"] is None else _write(found, options["output"])
    ctx.exit(EXIT_FINISHED_WITH_FAILURES if failed else EXIT_OK)


def _given(options: dict[str, Any], most: int) -> Iterator[EmbedInput]:
    from vitrine.cli.embed.client import picture_input, text_input

    yield from (picture_input(one, most) for one in options["pictures"])
    yield from (text_input(one) for one in options["texts"])


def _print(found: Iterable[EmbedOutcome]) -> int:
    import orjson

    failed = 0
    for one in found:
        outcome = {"error": one.error} if one.vector is None else {"embedding": one.vector}
        failed += one.vector is None
        line = {"input": one.name, **outcome}
        click.echo(orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY))
    return failed


def _write(found: Iterable[EmbedOutcome], path: Path) -> int:
    import numpy as np

    from vitrine.cli.common.output import counted, say
    from vitrine.core.errors import BadInput

    rows = list(found)
    failed = [one for one in rows if one.vector is None]
    for one in failed:
        say(f"{one.name}: {one.error}")
    dimension = next((len(one.vector) for one in rows if one.vector is not None), None)
    if dimension is None:
        raise BadInput("No input has a vector, so there is nothing to write.")
    nothing = np.full(dimension, np.nan, np.float32)
    matrix = np.stack([nothing if one.vector is None else one.vector for one in rows])
    try:
        with path.open("wb") as file:
            np.save(file, matrix, allow_pickle=False)
    except OSError as error:
        raise BadInput(f"The file {str(path)!r} cannot be written: {error.strerror}.") from error
    say(f"{counted(len(rows) - len(failed), 'vector')} of {dimension} numbers: {path}")
    return len(failed)
