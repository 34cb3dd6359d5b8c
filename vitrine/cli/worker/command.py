"""`vitrine worker`: one model on one device in this process, or on several devices with one process each."""

from __future__ import annotations

import warnings

import click

from vitrine.cli.common.completion import complete_models
from vitrine.core.settings import Settings


@click.command()
@click.option(
    "--model",
    shell_complete=complete_models,
    help="Model name, hub id or local directory (VITRINE_MODEL).",
)
@click.option("--device", help="auto, cpu, cuda or cuda:N (VITRINE_DEVICE).")
@click.option(
    "--devices", help="all (every GPU), or a list such as cuda:0,cuda:2; one process per device."
)
@click.option("--exit-with-parent", is_flag=True, help="Exit when the parent process ends.")
def worker(
    model: str | None, device: str | None, devices: str | None, exit_with_parent: bool
) -> None:
    """Fetch, embed and store pictures, and answer queries, with one model on one device.

    With --devices, runs one worker per device: crashed workers are restarted, and CPU cores are divided among them.
    On SIGTERM or Ctrl-C it finishes its current work and writes the outcomes, in well under 90 seconds.
    """
    from vitrine.core.model_registry import check_model_name
    from vitrine.core.redis_client import connect_redis
    from workers.celery_app.config import worker_settings

    if device is not None and devices is not None:
        raise click.UsageError("Give --device or --devices, not both.")
    settings = worker_settings(model=model, device=device)
    check_model_name(settings.model)
    # Check the URL before Celery starts: its banner prints an invalid URL unchanged, password included.
    connect_redis(settings.redis_url.get_secret_value()).close()
    if exit_with_parent:
        from vitrine.process.parent_watch import exit_with_parent as watch

        watch()
    if devices is not None:
        from vitrine.cli.worker.supervise import requested_devices, run_workers

        raise SystemExit(run_workers(settings, requested_devices(settings, devices)))
    _consume(settings)


def _consume(settings: Settings) -> None:
    """Run the worker until it is stopped."""
    from celery.exceptions import SecurityWarning

    from workers.app import app
    from workers.celery_app.node_name import resolved_device
    from workers.runtime import holder

    # The actual device: `auto` is resolved only once.
    device = resolved_device(settings)
    # Celery's banner would come before our first log line and is not JSON, as logs may have to be. Its warning about
    # running as root is for pickled messages, but ours are JSON.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    arguments = ["--quiet", "worker", "--pool=threads", "--task-events"]
    arguments += ["--without-gossip", "--without-mingle", "--loglevel", settings.log_level]
    app.worker_main([*arguments, "--model", settings.model, "--device", device])
    # Celery does not return the exit code.
    raise SystemExit(holder.exit_code)
