"""`vitrine store`: the process that owns the embedded store's directory and serves it to the others."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from vitrine import settings
from vitrine.errors import BadInput

PARENT_POLL_SECONDS = 1.0

logger = logging.getLogger(__name__)


@click.command("store")
@click.option(
    "--path",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory of the store; it belongs to one process at a time.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: a free one."
)
@click.option(
    "--port-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the URL here once it listens, for a supervisor to wait for.",
)
@click.option(
    "--parent-pid",
    type=click.IntRange(min=1),
    help="End when this process, the parent, is gone, so that none is left behind.",
)
def store(path: Path, host: str, port: int, port_file: Path | None, parent_pid: int | None) -> None:
    """Serve an embedded vector store over HTTP to the other processes of this machine.

    Every client needs the token in VITRINE_STORE_TOKEN, on loopback too: other users and the pages of a
    browser can reach a loopback port. SIGTERM and Ctrl-C flush and close the store.
    """
    from vitrine.vectors.edge_catalog import write_atomically
    from vitrine.vectors.server import serve

    with _stop_signals() as stop:
        server = serve(path, host, port, _token())
        try:
            server.start()
            click.echo(f"vitrine store listens on {server.url}", err=True)
            if port_file is not None:
                write_atomically(port_file, server.url.encode())
            _wait(stop, parent_pid)
        finally:
            server.shutdown()
            if port_file is not None:
                port_file.unlink(missing_ok=True)


def _token() -> str:
    token = settings.load().store_token
    if token is None:
        raise BadInput(
            "The store's token is not set.",
            hint="Set VITRINE_STORE_TOKEN, for instance to the output of `openssl rand -hex 16`.",
        )
    return token.get_secret_value()


def _wait(stop: threading.Event, parent_pid: int | None) -> None:
    while not stop.wait(PARENT_POLL_SECONDS):
        if parent_pid is not None and os.getppid() != parent_pid:
            logger.warning("The parent process is gone; closing the store")
            return


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, while inside."""
    stop = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
