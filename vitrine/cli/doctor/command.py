"""`vitrine doctor`: check every part, and report problems with fixes."""

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
    epilog="Exit codes: 0 no problems (warnings are possible), 2 a setting is invalid, 3 problems found."
)
@click.option(
    "--model", shell_complete=complete_models, help="Check this model instead of VITRINE_MODEL."
)
@click.option("--device", help="Check this device instead of VITRINE_DEVICE.")
@click.option("--load", is_flag=True, help="Also load the model and embed a test picture.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def doctor(
    ctx: click.Context, /, model: str | None, device: str | None, load: bool, as_json: bool
) -> None:
    """Find problems and say how to fix them.

    Checks settings and keys, Redis, the vector store, workers, the API, the model and its device, the clock and the
    disk. Changes nothing.
    """
    from vitrine.cli.doctor.report import print_findings
    from vitrine.core.errors import EXIT_FINISHED_WITH_FAILURES, EXIT_OK
    from vitrine.core.load_settings import load as load_settings
    from vitrine.core.service_discovery import discover
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
    """Yield the check of every part by name, in order of dependency."""
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
