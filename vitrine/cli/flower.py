"""`vitrine flower`: Flower on vitrine's broker, protected by a password."""

from __future__ import annotations

import os
import secrets
from typing import Any

import click

AUTH_VARIABLE = "FLOWER_BASIC_AUTH"
"""Flower's variable for `name:password`. It stays in the environment, so that process lists do not show it."""
CONFIGURATION_VARIABLE = "FLOWER_CONF"
"""Flower's variable for a Python file that sets its options."""
NAME = "vitrine"
PASSWORD_BYTES = 12
"""96 random bits: 16 characters, short enough to type."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=5555, show_default=True, type=click.IntRange(0, 65535), help="Port."
)
def flower(host: str, port: int) -> None:
    """Watch tasks and workers in Flower.

    Flower shows what workers do and can stop them, so it requires a login: set FLOWER_BASIC_AUTH=name:password. On
    loopback, if that is not set, a one-time password is printed.
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
    """Make Flower require a password; raises `BadInput` if none is set and the address is not loopback."""
    from vitrine.cli.common.output import say
    from vitrine.core.errors import BadInput
    from vitrine.core.loopback import is_loopback

    given = os.environ.get(AUTH_VARIABLE, "")
    if _is_guarded(given):
        return
    if given or not is_loopback(host):
        raise BadInput(
            f"Flower would be open to everyone on {host}.",
            hint=f"Set {AUTH_VARIABLE}=name:password, or leave it out on 127.0.0.1.",
        )
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    os.environ[AUTH_VARIABLE] = f"{NAME}:{password}"
    say(f'Log in to Flower as "{NAME}" with password {password} (valid until it stops).')


def _configuration() -> list[str]:
    """Ignore a `flowerconfig.py` that happens to be in the working directory; FLOWER_CONF can name one explicitly."""
    return [] if os.environ.get(CONFIGURATION_VARIABLE) else [f"--conf={os.devnull}"]


def _is_guarded(auth: str) -> bool:
    """Whether every `name:password` in the comma-separated list has both parts, which Flower does not check."""
    pairs = [pair.partition(":") for pair in auth.split(",")]
    return all(name and password for name, _, password in pairs)


def _guard_metrics() -> None:
    """Make /metrics, which reveals workers and tasks, require the password like Flower's other pages."""
    from flower.views.monitor import Metrics

    def prepare(handler: Any) -> None:
        if not handler.current_user:
            handler.send_error(401)

    Metrics.prepare = prepare
