"""`vitrine search`: query the API over HTTP and print the hits."""

from __future__ import annotations

from typing import Any

import click

from vitrine.cli.common.completion import complete_collections
from vitrine.core.schemes import FILE, is_allowed_in_requests, local_path, scheme_of


@click.command()
@click.option(
    "--collection",
    required=True,
    shell_complete=complete_collections,
    help="The collection to search.",
)
@click.option("--image", help="A picture: a file, or an http(s) URL that a worker fetches.")
@click.option("--item", help="Id of an item in the collection; it is excluded from the results.")
@click.option("--text", help="Words, alone or with a picture; the model needs a text tower.")
@click.option(
    "--text-weight", type=click.FloatRange(0, 10, min_open=True), default=1.0, show_default=True,
    help="Weight of the text relative to the picture or item.",
)  # fmt: skip
@click.option("--like", multiple=True, metavar="ITEM", help="More like this item; may be repeated.")
@click.option(
    "--unlike", multiple=True, metavar="ITEM", help="Less like this item; may be repeated."
)
@click.option("--top", default=10, show_default=True, type=click.IntRange(1, 100))
@click.option("--offset", default=0, type=click.IntRange(0, 999), help="Skip this many hits.")
@click.option(
    "--filter", "filter_json",
    help='JSON, such as {"colour": ["red"], "price": {"lt": 50}, "added": {"gte": "2026-11-01"}}.',
)  # fmt: skip
@click.option("--relevant", is_flag=True, help="Only hits that stand out from the collection.")
@click.option("--group-duplicates", is_flag=True, help="Show near-identical pictures as one hit.")
@click.option("--exact", is_flag=True, help="Compare with every vector; slower.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's response.")
@click.option("--api", "api_url", help="The API's address (VITRINE_API_URL).")
def search(**options: Any) -> None:
    """Find the items that look most like a picture, an item, words or examples.

    Give --image or --item, --text, --like, or several of them.
    """
    from vitrine.cli.common.output import print_json
    from vitrine.cli.common.services import load_settings
    from vitrine.client import ApiClient

    body = _body(options)
    settings = load_settings(api_url=options["api_url"])
    with ApiClient(settings.api_url, settings.api_key, timeout=settings.query_timeout) as client:
        answer = client.search(body, picture=_local(options["image"]))
    if options["as_json"]:
        print_json(answer)
    else:
        _show(answer)


_ALWAYS = ("collection", "top", "exact")
_WHERE_GIVEN = ("item", "text", "offset", "group_duplicates")
_NOT_GIVEN = (None, (), 0, False)


def _body(options: dict[str, Any]) -> dict[str, Any]:
    if options["image"] is not None and options["item"] is not None:
        raise click.UsageError("Give --image or --item, not both; --like takes more items.")
    if all(options[name] in (None, ()) for name in ("image", "item", "text", "like")):
        raise click.UsageError("Give --image, --item, --text or --like.")
    body = {name: options[name] for name in _ALWAYS}
    body |= {name: options[name] for name in _WHERE_GIVEN if options[name] not in _NOT_GIVEN}
    body |= {
        name: [{"item": item} for item in options[name]]
        for name in ("like", "unlike")
        if options[name]
    }
    if options["text"] and options["text_weight"] != 1:
        body["text_weight"] = options["text_weight"]
    if options["relevant"]:
        body["relevance"] = "cut"
    if options["filter_json"] is not None:
        body["filter"] = _filter(options["filter_json"])
    if options["image"] is not None and not _local(options["image"]):
        body["image_url"] = options["image"]
    return body


def _filter(text: str) -> Any:
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--filter") from None


def _local(image: str | None) -> str | None:
    """Return the path of a picture on this machine; None for a URL, or if no picture was given."""
    if image is None or is_allowed_in_requests(image):
        return None
    if not image.strip():
        raise click.BadParameter(
            f"expected a file or an http(s) URL, found {image!r}.", param_hint="--image"
        )
    return _path_of(image) if scheme_of(image) is FILE else image


def _path_of(url: str) -> str:
    try:
        return local_path(url)
    except ValueError as error:
        raise click.BadParameter(f"{error}; found {url!r}.", param_hint="--image") from None


# --- showing --------------------------------------------------------------------------------------

_TITLES = ("title", "name", "product_name", "label", "description")
"""Fields that can serve as an item's title, in order of preference."""
_MORE_FIELDS = 3
_CELL_CHARS = 60


def _show(answer: dict[str, Any]) -> None:
    from vitrine.cli.common.output import print_table, say

    hits = answer["hits"]
    if not hits:
        say(_nothing(answer))
        return
    rows = (
        (hit["rank"], f"{hit['score']:.3f}", _item(hit), _told(hit["fields"]), hit["image_url"])
        for hit in hits
    )
    print_table(
        ("rank", "score", "item", "fields", "picture"), rows, folding=("item", "fields", "picture")
    )
    took = answer["took"]
    say(
        f"Searched by {answer['query']['described']}, "
        f"{took['embed_ms'] + took['store_ms']:.0f} ms in the API."
    )
    if answer["next_offset"] is not None:
        say(f"More results: --offset {answer['next_offset']}.")


def _item(hit: dict[str, Any]) -> str:
    """Return the item, and how many near-identical ones it represents."""
    alike = len(hit["duplicates"])
    return f"{hit['item_id']} (+{alike} similar)" if alike else str(hit["item_id"])


def _nothing(answer: dict[str, Any]) -> str:
    if answer["relevance"] is not None:
        return (
            f"No close matches: none has a score of at least {answer['relevance']['cut']:.3f}. "
            "Leave out --relevant to see the nearest items."
        )
    return "No results: no item matches the filter, or the collection is empty."


def _told(fields: dict[str, Any]) -> str:
    """Describe the item by its title and a few short fields."""
    title = next((str(fields[name]) for name in _TITLES if fields.get(name)), None)
    others = [
        f"{name}: {value}"
        for name, value in fields.items()
        if name not in _TITLES and isinstance(value, str | int | float) and len(str(value)) <= 20
    ][:_MORE_FIELDS]
    parts = [title, *others] if title else others
    return ", ".join(
        part if len(part) <= _CELL_CHARS else f"{part[:_CELL_CHARS]}…" for part in parts
    )
