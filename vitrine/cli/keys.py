"""`vitrine keys`: make an API key; nothing of it is stored here."""

from __future__ import annotations

import click


@click.group()
def keys() -> None:
    """Make API keys."""


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

    The key goes to the client, as VITRINE_API_KEY or after `Authorization: Bearer`. The entry holds no
    secret; it goes into VITRINE_API_KEYS, or as a line into the file that VITRINE_API_KEYS_FILE names.
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
