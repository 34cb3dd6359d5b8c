"""`vitrine api`: the HTTP API as one process, until SIGTERM or Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import click

from vitrine.core.errors import BadInput


@click.command()
@click.option("--host", help="Address to listen at (VITRINE_API_HOST); default: this machine only.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="VITRINE_API_PORT; 0 takes a free port."
)
@click.option(
    "--port-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the API's URL to this file once it listens.",
)
@click.option(
    "--exit-with-parent", is_flag=True, help="End when the process that started this one has gone."
)
def api(host: str | None, port: int | None, port_file: Path | None, exit_with_parent: bool) -> None:
    """Serve jobs and searches over HTTP; the routes are documented at /docs.

    Beyond this machine it starts only with API keys (VITRINE_API_KEYS; `vitrine keys new` makes them).
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
        say(f"The API listens at {url}, its description at {url}/docs")

    serve(settings, announce)


def write_at_once(path: Path, text: str) -> None:
    """Write a file that a reader sees whole or not at all; raises `BadInput` where it cannot be written."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(text)
        draft.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
