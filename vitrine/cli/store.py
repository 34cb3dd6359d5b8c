"""`vitrine store`: the process that owns the embedded store's directory and serves it to other processes."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from vitrine.core.errors import BadInput
from vitrine.core.load_settings import load
from vitrine.core.settings import Settings
from vitrine.process import parent_watch

logger = logging.getLogger(__name__)


@click.command("store")
@click.option(
    "--path",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory of the store; only one process can use it at a time.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--port-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the store's URL to this file once it listens.",
)
@click.option("--exit-with-parent", is_flag=True, help="Exit when the parent process ends.")
def store(path: Path, host: str, port: int, port_file: Path | None, exit_with_parent: bool) -> None:
    """Serve an embedded vector store over HTTP to the other processes of this machine.

    Every client needs the token in VITRINE_STORE_TOKEN, even on loopback, because other users and web pages in a
    browser can reach a loopback port. SIGTERM and Ctrl-C flush and close the store.
    """
    from vitrine.core.store_options import StoreOptions
    from vitrine.store.embedded.catalog import write_atomically
    from vitrine.store.remote.server import serve

    given = load()
    with _stop_signals() as stop:
        if exit_with_parent:
            parent_watch.exit_with_parent()
        options = StoreOptions.from_settings(given)
        server = serve(path, host, port, _token(given), options=options)
        try:
            server.start()
            click.echo(f"vitrine store listens on {server.url}", err=True)
            if port_file is not None:
                write_atomically(port_file, server.url.encode())
            stop.wait()
        finally:
            server.shutdown()
            if port_file is not None:
                port_file.unlink(missing_ok=True)


def _token(given: Settings) -> str:
    token = given.store_token
    if token is None:
        raise BadInput(
            "The store's token is not set.",
            hint="Set VITRINE_STORE_TOKEN, for instance to the output of `openssl rand -hex 16`.",
        )
    return token.get_secret_value()


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and SIGINT set inside the `with` block."""
    stop = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
