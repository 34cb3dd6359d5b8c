"""`vitrine standalone`: run the whole service with one command, with persistent data, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from vitrine.cli.common.completion import complete_models
from vitrine.core.settings import Settings


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder for all data (VITRINE_DATA_DIR).",
)
@click.option(
    "--model",
    shell_complete=complete_models,
    help="Model name, hub id or local directory (VITRINE_MODEL).",
)
@click.option("--device", help="auto, cpu, cuda or cuda:N (VITRINE_DEVICE).")
@click.option("--host", help="Address the API listens on (VITRINE_API_HOST).")
@click.option("--port", type=int, help="Port of the API; 0 takes a free one (VITRINE_API_PORT).")
def standalone(
    data_dir: Path | None, model: str | None, device: str | None, host: str | None, port: int | None
) -> None:
    """Run Redis, the vector store, a worker and the API on this machine, until Ctrl-C.

    Data are kept across restarts. If VITRINE_REDIS_URL or VITRINE_QDRANT_URL is set, that server is used instead of a
    private one.
    """
    from vitrine.cli.common.output import error_console
    from vitrine.core.api_keys import read_keyring, require_keys_unless_loopback
    from vitrine.core.load_settings import load
    from vitrine.standalone import Standalone
    from vitrine.telemetry import configure_logging

    settings = load(data_dir=data_dir, model=model, device=device, api_host=host, api_port=port)
    configure_logging(settings.log_level, settings.log_format)
    # The API checks the same, but only after all other parts have been started.
    require_keys_unless_loopback(settings.api_host, read_keyring(settings))
    console = error_console()
    stop = threading.Event()
    # During the start, a signal interrupts it; afterwards, a signal stops the service in order.
    _on_signals(_interrupt)
    with Standalone(settings, say=lambda text: console.print(f"[dim]{text}[/dim]")) as service:
        _on_signals(lambda *_: stop.set())
        console.print(_welcome(service.settings))
        stop.wait()
        console.print("[dim]Stopping after current work finishes ...[/dim]")


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _welcome(settings: Settings) -> str:
    return (
        f"[bold]vitrine is up[/bold] at {settings.api_url} (docs at {settings.api_url}/docs)\n"
        f"data in {settings.data_dir}, logs in {settings.data_dir / 'logs'}; Ctrl-C stops it"
    )
