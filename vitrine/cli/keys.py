"""`vitrine keys`: create an API key without storing anything."""

from __future__ import annotations

import click


@click.group()
def keys() -> None:
    """Create API keys."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(["read", "submit", "admin"]),
    help="Repeatable. admin includes read and submit.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def new(name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Create a key. It is shown only once, with the entry that makes a service accept it.

    Clients send the key: set it as VITRINE_API_KEY, or send it as `Authorization: Bearer KEY`. The entry is not
    secret: add it to VITRINE_API_KEYS, or as a line to the file that VITRINE_API_KEYS_FILE names.
    """
    from vitrine.cli.common.output import print_json, say
    from vitrine.core.api_keys import Scope, new_key

    key, kept = new_key(name, map(Scope, scopes))
    if as_json:
        print_json({"key": key, "entry": kept.entry})
        return
    click.echo(f"key    {key}")
    click.echo(f"entry  {kept.entry}")
    say("The key is shown only once: give it to the client. Put the entry into VITRINE_API_KEYS.")
