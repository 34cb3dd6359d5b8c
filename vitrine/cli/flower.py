"""`vitrine flower`: Flower on vitrine's own broker, behind a password."""

from __future__ import annotations

import os
from typing import Any

import click

AUTH_VARIABLE = "FLOWER_BASIC_AUTH"
"""Flower's own: `name:password`. It stays in the environment, where no process list shows it."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=5555, show_default=True, type=click.IntRange(0, 65535), help="Port."
)
def flower(host: str, port: int) -> None:
    """Watch tasks and workers in Flower.

    FLOWER_BASIC_AUTH=name:password asks visitors for it; beyond loopback it must be set, for Flower can stop
    workers and shows what they do.
    """
    from vitrine.broker import make_app
    from vitrine.cli.services import load_settings
    from vitrine.errors import BadInput
    from vitrine.loopback import is_loopback

    if not is_loopback(host) and not _is_guarded(os.environ.get(AUTH_VARIABLE, "")):
        raise BadInput(
            f"Flower would stand open on {host}.",
            hint=f"Set {AUTH_VARIABLE}=name:password, or keep it on 127.0.0.1.",
        )
    settings = load_settings()
    app = make_app(lambda: settings)
    _guard_metrics()
    app.start(["flower", f"--address={host}", f"--port={port}", "--enable_events=True"])


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
