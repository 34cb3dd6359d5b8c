"""`vitrine doctor`: look at every part, say what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import click

from vitrine.cli.common.completion import complete_models

if TYPE_CHECKING:
    from vitrine.core.settings import Settings
    from vitrine.doctor.finding import Finding

    Look = Callable[[], Iterable[Finding]]


@click.command(
    epilog="Exit codes: 0 nothing is wrong (there may be warnings), 2 a setting is not understood, 3 something is wrong."
)
@click.option(
    "--model", shell_complete=complete_models, help="Look at another model than VITRINE_MODEL."
)
@click.option("--device", help="Look at another device than VITRINE_DEVICE.")
@click.option("--load", is_flag=True, help="Load the model and embed a picture with it, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def doctor(
    ctx: click.Context, /, model: str | None, device: str | None, load: bool, as_json: bool
) -> None:
    """Look for what is wrong, and say how to fix it.

    Settings and keys, Redis, the vector store, workers, the API, the model and its device, the clock, the disk.
    Nothing is changed.
    """
    from vitrine.cli.doctor.report import print_findings
    from vitrine.core.errors import EXIT_FINISHED_WITH_FAILURES, EXIT_OK
    from vitrine.core.service_discovery import discover
    from vitrine.core.settings import load as load_settings
    from vitrine.doctor.finding import Severity, guarded_check

    given = load_settings(model=model, device=device)
    found = discover(given)
    findings = (
        finding
        for about, look in _looks(given, found, load=load)
        for finding in guarded_check(about, look)
    )
    told = print_findings(findings, as_json=as_json)
    wrong = any(finding.verdict is Severity.WRONG for finding in told)
    ctx.exit(EXIT_FINISHED_WITH_FAILURES if wrong else EXIT_OK)


def _looks(given: Settings, found: Settings, *, load: bool) -> Iterator[tuple[str, Look]]:
    """Every part by name, in the order in which they stand upon each other."""
    import os

    from vitrine.cli.doctor.model_check import check_device, check_model
    from vitrine.doctor.machine_check import check_disk, check_limits, check_port
    from vitrine.doctor.redis_check import check_redis
    from vitrine.doctor.settings_check import check_keys, check_settings
    from vitrine.doctor.store_check import check_store
    from vitrine.doctor.workers_check import check_workers

    yield "settings", lambda: check_settings(given, found, os.environ)
    yield "keys", lambda: check_keys(given)
    yield "disk", lambda: check_disk(found)
    yield "machine", check_limits
    yield "Redis", lambda: check_redis(found)
    yield "store", lambda: check_store(found)
    yield "workers", lambda: check_workers(found)
    yield "API", lambda: check_port(found, running=found is not given)
    yield "device", lambda: check_device(found)
    yield "model", lambda: check_model(found, load=load)
