"""`vitrine flower`: Flower on vitrine's own broker, behind a password."""

from __future__ import annotations

import os
import secrets
from typing import Any

import click

AUTH_VARIABLE = "FLOWER_BASIC_AUTH"
"""Flower's own: `name:password`. It stays in the environment, where no process list shows it."""
CONFIGURATION_VARIABLE = "FLOWER_CONF"
"""Flower's own: a file of Python that sets its options."""
NAME = "vitrine"
PASSWORD_BYTES = 12
"""Of chance, 96 bits: 16 letters, which one can type."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=5555, show_default=True, type=click.IntRange(0, 65535), help="Port."
)
def flower(host: str, port: int) -> None:
    """Watch tasks and workers in Flower.

    Visitors are asked for the name and the password of FLOWER_BASIC_AUTH=name:password, for Flower can stop workers
    and shows what they do. Without it, on loopback, a one-time password is printed.
    """
    from vitrine.cli.common.services import load_settings
    from vitrine.messaging.broker import make_app

    settings = load_settings()
    _guard(host)
    app = make_app(lambda: settings)
    _guard_metrics()
    options = [f"--address={host}", f"--port={port}", "--enable_events=True", *_configuration()]
    app.start(["flower", *options])


def _guard(host: str) -> None:
    """See to it that a password is asked for; raises `BadInput` where nobody could know it."""
    from vitrine.cli.common.output import say
    from vitrine.core.errors import BadInput
    from vitrine.core.loopback import is_loopback

    given = os.environ.get(AUTH_VARIABLE, "")
    if _is_guarded(given):
        return
    if given or not is_loopback(host):
        raise BadInput(
            f"Flower would stand open on {host}.",
            hint=f"Set {AUTH_VARIABLE}=name:password, or leave it out on 127.0.0.1.",
        )
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    os.environ[AUTH_VARIABLE] = f"{NAME}:{password}"
    say(f'Log in to Flower as "{NAME}" with password {password} (valid until it stops).')


def _configuration() -> list[str]:
    """Run no `flowerconfig.py` that happens to lie in the working directory; one is named with FLOWER_CONF."""
    return [] if os.environ.get(CONFIGURATION_VARIABLE) else [f"--conf={os.devnull}"]


def _is_guarded(auth: str) -> bool:
    """Whether every `name:password` of the comma-separated list has both; Flower takes one without as it is."""
    pairs = [pair.partition(":") for pair in auth.split(",")]
    return all(name and password for name, _, password in pairs)


def _guard_metrics() -> None:
    """Have /metrics, which tells workers and tasks, ask for the password as Flower's other pages do."""
    from flower.views.monitor import Metrics

    def prepare(handler: Any) -> None:
        if not handler.current_user:
            handler.send_error(401)

    Metrics.prepare = prepare
