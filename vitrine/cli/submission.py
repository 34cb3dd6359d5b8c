"""What `vitrine submit` does: look at the catalog, send it, follow it, and come to an exit code."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass

import click

from producer import (
    Catalog,
    CatalogOptions,
    Publish,
    Report,
    Source,
    Submission,
    from_argument,
    inspect,
    open_catalog,
    refuse_empty,
    refuse_flawed,
    what_blocks,
)
from vitrine.cli import services
from vitrine.cli.crew import is_served, no_worker
from vitrine.cli.existing import refuse_other_model
from vitrine.cli.follow import follow
from vitrine.cli.job_view import exit_code, print_status, status_json
from vitrine.cli.output import print_json, say
from vitrine.cli.report_view import print_report, report_json
from vitrine.cli.row_progress import RowProgress
from vitrine.contracts import JobSpec, JobStatus, is_collection_name, model_name, new_job_id
from vitrine.errors import EXIT_FINISHED_WITH_FAILURES, EXIT_OK, BadInput
from vitrine.ledger.base import Ledger
from vitrine.settings import Settings


@dataclass(frozen=True, slots=True)
class Request:
    """What the command was given."""

    file: str
    collection: str | None
    model: str | None
    catalog: CatalogOptions
    wait: bool
    strict: bool
    dry_run: bool
    as_json: bool


def run(request: Request) -> int:
    """Do it; the exit code is 3 where a row was rejected or a picture is known to have failed."""
    _check_collection(request.collection)
    settings = services.load_settings(model=request.model)
    _check_model(settings.model)
    # Strict reads twice; a pipe is then copied into a temporary file first.
    source = from_argument(request.file, rereadable=request.strict and not request.dry_run)
    with closing(source):
        if request.dry_run:
            return _look(source, request)
        return _send(source, request, settings)


def _look(source: Source, request: Request) -> int:
    with open_catalog(source, request.catalog) as catalog:
        report = _inspected(catalog)
        if request.as_json:
            print_json(report_json(report, catalog, request.collection))
        else:
            print_report(report, catalog)
    refuse_empty(report)
    if request.strict:
        refuse_flawed(report)
    return _rows_code(report)


def _send(source: Source, request: Request, settings: Settings) -> int:
    with services.open_ledger_and_publisher(settings) as (ledger, publisher):
        if request.collection is not None:
            refuse_other_model(settings, request.collection)
        if request.strict:
            with open_catalog(source, request.catalog) as catalog:
                refuse_flawed(_inspected(catalog))
        began = time.monotonic()
        with open_catalog(source, request.catalog) as catalog:
            spec = _spec(request, settings, catalog)
            report = _submitted(spec, catalog, ledger, publisher.publish, settings)
        if not request.as_json:
            print_report(report, catalog)
        if request.wait:
            status = follow(ledger, spec.id, settings)
            return _tell_status(request, report, catalog, status, time.monotonic() - began)
        return _tell_sent(request, report, catalog, spec, no_worker(settings, spec))


def _submitted(
    spec: JobSpec, catalog: Catalog, ledger: Ledger, publish: Publish, settings: Settings
) -> Report:
    limit = settings.max_pending_images

    def served(model: str) -> bool:
        return is_served(settings, model)

    try:
        with RowProgress(lambda count: what_blocks(ledger, count, limit, served)) as progress:
            return Submission(
                spec,
                ledger,
                publish,
                max_pending=limit,
                on_wait=progress.wait,
                on_progress=progress.show,
            ).run(catalog)
    except KeyboardInterrupt:
        say(f"Not every row was sent, so job {spec.id} is cancelled; submitting again is safe.")
        raise


def _tell_sent(
    request: Request, report: Report, catalog: Catalog, spec: JobSpec, warning: str | None
) -> int:
    if warning is not None:
        say(warning)
    if request.as_json:
        sent = report_json(report, catalog, spec.collection, spec)
        print_json(sent | {"warnings": [] if warning is None else [warning]})
    else:
        click.echo(f"Job {spec.id} is on its way. Follow it: vitrine status {spec.id} --wait")
    return _rows_code(report)


def _tell_status(
    request: Request, report: Report, catalog: Catalog, status: JobStatus, took: float
) -> int:
    if request.as_json:
        sent = report_json(report, catalog, status.spec.collection, status.spec)
        print_json(sent | {"status": status_json(status)})
    else:
        print_status(status, took=max(took, 0.001))
    return exit_code(status)


def _inspected(catalog: Catalog) -> Report:
    with RowProgress() as progress:
        return inspect(catalog, on_progress=progress.show)


def _spec(request: Request, settings: Settings, catalog: Catalog) -> JobSpec:
    if request.collection is None:
        raise BadInput("A collection must be named.")
    return JobSpec(
        id=new_job_id(),
        collection=request.collection,
        model=model_name(settings.model),
        source=catalog.name,
        created_at=time.time(),
        asked_model=settings.model,
        file_root=catalog.file_root,
    )


def _check_collection(name: str | None) -> None:
    if name is not None and not is_collection_name(name):
        raise BadInput(
            f"{name!r} cannot be a collection's name.",
            hint="Use lowercase letters, digits, - and _, at most 63, beginning with a letter or digit.",
        )


def _check_model(model: str) -> None:
    if not model.strip():
        raise BadInput(
            "A model without a name was given.",
            hint="Give --model (or VITRINE_MODEL) a name or a directory, or leave it out.",
        )


def _rows_code(report: Report) -> int:
    return EXIT_FINISHED_WITH_FAILURES if report.rejected_rows else EXIT_OK
