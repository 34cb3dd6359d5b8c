"""`vitrine api`: the HTTP API as one process, until SIGTERM or Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import click

from vitrine.core.errors import BadInput


@click.command()
@click.option("--host", help="Address to listen on (VITRINE_API_HOST); default: loopback.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on (VITRINE_API_PORT); 0 takes a free one.",
)
@click.option(
    "--port-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the API's URL to this file once it listens.",
)
@click.option("--exit-with-parent", is_flag=True, help="Exit when the parent process ends.")
def api(host: str | None, port: int | None, port_file: Path | None, exit_with_parent: bool) -> None:
    """Serve jobs and searches over HTTP; the routes are documented at /docs.

    To listen on other addresses than loopback it needs API keys (VITRINE_API_KEYS; create them with `vitrine keys new`).
    """
    from api.server import serve
    from vitrine.cli.common.output import say
    from vitrine.cli.common.services import load_settings
    from vitrine.telemetry import configure_logging

    settings = load_settings(api_host=host, api_port=port)
    configure_logging(settings.log_level, settings.log_format)
    if exit_with_parent:
        from vitrine.process.parent_watch import exit_with_parent as watch

        watch()

    def announce(url: str) -> None:
        if port_file is not None:
            write_at_once(port_file, f"{url}\n")
        say(f"The API listens on {url}; its documentation is at {url}/docs")

    serve(settings, announce)


def write_at_once(path: Path, text: str) -> None:
    """Write a file atomically; raises `BadInput` if it cannot be written."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(text)
        draft.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
