"""`vitrine search`: ask the API, over HTTP, and show what it found."""

from __future__ import annotations

from typing import Any

import click


@click.command()
@click.option("--collection", required=True, help="The catalog to search.")
@click.option("--image", help="A picture: a file, or an http(s) URL that a worker fetches.")
@click.option("--item", help="The id of an item of the collection; it is left out of its result.")
@click.option("--text", help="Words, where the collection's model has a text tower.")
@click.option("--top", default=10, show_default=True, type=click.IntRange(1, 100))
@click.option(
    "--filter", "filter_json", help='JSON, such as {"colour": ["red"], "price": {"lt": 50}}.'
)
@click.option("--exact", is_flag=True, help="Compare with every vector; slower.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer.")
@click.option("--api", "api_url", help="The API's address (VITRINE_API_URL).")
def search(**options: Any) -> None:
    """Find the items that look most like a picture, an item or words.

    Give exactly one of --image, --item and --text.
    """
    from vitrine.cli.api_client import ApiClient
    from vitrine.cli.output import print_json
    from vitrine.cli.services import load_settings

    body = _body(options)
    settings = load_settings(api_url=options["api_url"])
    with ApiClient(settings.api_url, settings.api_key, timeout=settings.query_timeout) as client:
        answer = client.search(body, picture=_local(options["image"]))
    if options["as_json"]:
        print_json(answer)
    else:
        _show(answer)


def _body(options: dict[str, Any]) -> dict[str, Any]:
    given = [name for name in ("image", "item", "text") if options[name] is not None]
    if len(given) != 1:
        raise click.UsageError("Give exactly one of --image, --item and --text.")
    body = {name: options[name] for name in ("collection", "top", "exact")}
    if options["filter_json"] is not None:
        body["filter"] = _filter(options["filter_json"])
    if given == ["image"]:
        return body if _local(options["image"]) else body | {"image_url": options["image"]}
    return body | {given[0]: options[given[0]]}


def _filter(text: str) -> Any:
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--filter") from None


def _local(image: str | None) -> str | None:
    """The path of a picture on this machine; None where it is a URL, or no picture was given."""
    if image is None or image.lower().startswith(("http://", "https://")):
        return None
    if not image.strip():
        raise click.BadParameter(
            f"expected a file or an http(s) URL, found {image!r}.", param_hint="--image"
        )
    return _path_of(image) if image.lower().startswith("file:") else image


def _path_of(url: str) -> str:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise click.BadParameter(f"expected file:///path, found {url!r}.", param_hint="--image")
    return unquote(parts.path)


# --- showing --------------------------------------------------------------------------------------

_TITLES = ("title", "name", "product_name", "label", "description")
"""Fields that say what an item is, the likeliest first."""
_MORE_FIELDS = 3
_CELL_CHARS = 60


def _show(answer: dict[str, Any]) -> None:
    from vitrine.cli.output import print_table, say

    hits = answer["hits"]
    if not hits:
        say("Nothing found. A filter may leave nothing, or the collection is empty.")
        return
    rows = (
        (hit["rank"], f"{hit['score']:.3f}", hit["item_id"], _told(hit["fields"]), hit["image_url"])
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


def _told(fields: dict[str, Any]) -> str:
    """What the item is: its title, then a few short fields."""
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
