"""`vitrine top`: jobs, workers and rates, live."""

from __future__ import annotations

import contextlib
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import click

from vitrine.core.errors import LedgerUnavailable

if TYPE_CHECKING:
    from vitrine.core.settings import Settings
    from vitrine.messaging.overview import ServiceOverview

QUIT = "q"


@click.command()
@click.option(
    "--interval",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0.2, 60),
    help="Seconds between updates.",
)
@click.option(
    "--jobs",
    default=12,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Maximum number of jobs.",
)
@click.option("--once", is_flag=True, help="Print once and exit (the default without a terminal).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and exit.")
def top(interval: float, jobs: int, once: bool, as_json: bool) -> None:
    """Watch jobs, workers, queues and rates; quit with q or Ctrl-C.

    Reads only Redis; no API or Prometheus needed.
    """
    from vitrine.cli.common import output, services
    from vitrine.cli.top import view as top_view

    settings = services.load_settings()
    with _looks(settings, jobs) as look:
        if as_json:
            output.print_json(top_view.overview_json(look()))
        elif once or not output.console().is_terminal:
            output.console().print(top_view.TopScreen().drawn(look()))
        else:
            with contextlib.suppress(KeyboardInterrupt):
                _live(look, interval)


@contextlib.contextmanager
def _looks(settings: Settings, jobs: int) -> Iterator[Callable[[], ServiceOverview]]:
    from vitrine.cli.common import services
    from vitrine.core.redis_client import connect_redis
    from vitrine.messaging.overview import read_overview

    with (
        services.open_ledger_and_publisher(settings) as (ledger, publisher),
        closing(connect_redis(settings.redis_url.get_secret_value())) as redis,
    ):
        yield lambda: read_overview(ledger, redis, publisher, jobs=jobs)


def _live(look: Callable[[], ServiceOverview], interval: float) -> None:
    """Redraw the screen until the user quits; if Redis is unreachable, say so and wait for it."""
    from rich.live import Live

    from vitrine.cli.common import output
    from vitrine.cli.top import view as top_view

    screen = top_view.TopScreen()
    with (
        _keys() as pressed,
        Live(console=output.console(), screen=True, auto_refresh=False) as live,
    ):
        while True:
            try:
                drawn = screen.drawn(look())
            except LedgerUnavailable as error:
                drawn = screen.away(str(error))
            live.update(drawn, refresh=True)
            if pressed(interval) == QUIT:
                return


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Yield a function that waits this many seconds for a key, without Enter, and returns it, or "" for none."""
    if not sys.stdin.isatty():
        yield _sleep
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield (
            lambda seconds: (
                sys.stdin.read(1) if select.select([sys.stdin], [], [], seconds)[0] else ""
            )
        )
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _sleep(seconds: float) -> str:
    time.sleep(seconds)
    return ""
