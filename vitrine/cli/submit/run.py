"""The run of `vitrine submit`: check the catalog, send it, follow the job, and return an exit code."""

from __future__ import annotations

import tempfile
import time
import zipfile
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import click

from producer import (
    Catalog,
    CatalogOptions,
    CatalogReport,
    Publish,
    ResumedJob,
    Source,
    Submission,
    from_argument,
    inspect,
    open_catalog,
    options_from_json,
    options_to_json,
    refuse_empty,
    refuse_flawed,
    what_blocks,
)
from producer.picture_archive import UPLOADS, unpack
from vitrine.cli.common import services
from vitrine.cli.common.output import print_json, say
from vitrine.cli.common.progress import RowProgress
from vitrine.cli.common.services import is_served, no_worker_notice
from vitrine.cli.jobs.follow import follow
from vitrine.cli.jobs.view import exit_code, print_status, resume_command, status_json
from vitrine.cli.submit.collection_check import refuse_other_model
from vitrine.cli.submit.report import print_report, report_json
from vitrine.core.errors import EXIT_FINISHED_WITH_FAILURES, EXIT_OK, BadInput, Conflict, NotFound
from vitrine.core.settings import Settings
from vitrine.core.types import JobSpec, JobStatus, is_collection_name, model_name, new_job_id
from vitrine.ledger.base import Ledger


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """The command's arguments and options."""

    file: str
    collection: str | None
    model: str | None
    catalog: CatalogOptions
    resume: str | None
    wait: bool
    strict: bool
    dry_run: bool
    as_json: bool


def run_submit(request: SubmitRequest) -> int:
    """Run the command; the exit code is 3 if a row was rejected or a picture is known to have failed."""
    _check_collection(request.collection)
    settings = services.load_settings(model=request.model)
    _check_model(settings.model)
    with ExitStack() as stack:
        source = _source(request, settings, stack)
        if request.dry_run:
            return _look(source, request)
        return _send(source, request, settings)


def _source(request: SubmitRequest, settings: Settings, stack: ExitStack) -> Source:
    """The catalog; an archive of pictures is unpacked into the data directory, for a dry run into a temporary folder."""
    path = Path(request.file).expanduser()
    if request.file != "-" and zipfile.is_zipfile(path):
        into = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vitrine-dry-run-")))
            if request.dry_run
            else settings.data_dir / UPLOADS
        )
        with path.open("rb") as file:
            archive = unpack(file, request.file, into)
        if archive is not None:
            return archive.source(request.file)
    # --strict reads the catalog twice, so a pipe is first copied to a temporary file.
    source = from_argument(request.file, rereadable=request.strict and not request.dry_run)
    return stack.enter_context(closing(source))


def _look(source: Source, request: SubmitRequest) -> int:
    with open_catalog(source, replace(request.catalog, check_files=True)) as catalog:
        report = _inspected(catalog)
        if request.as_json:
            print_json(report_json(report, catalog, request.collection))
        else:
            print_report(report, catalog)
    refuse_empty(report)
    if request.strict:
        refuse_flawed(report)
    return _rows_code(report)


def _send(source: Source, request: SubmitRequest, settings: Settings) -> int:
    with services.open_ledger_and_publisher(settings) as (ledger, publisher):
        begun, options = _beginning(request, settings, ledger)
        if request.strict:
            with open_catalog(source, options) as catalog:
                refuse_flawed(_inspected(catalog))
        began = time.monotonic()
        with open_catalog(source, options) as catalog:
            spec = _spec(request, settings, catalog) if begun is None else begun.spec
            report = _submitted(
                spec, catalog, ledger, publisher.publish, settings=settings, begun=begun
            )
        if not request.as_json:
            print_report(report, catalog)
        if request.wait:
            status = follow(ledger, spec.id, settings)
            return _tell_status(request, report, catalog, status, time.monotonic() - began)
        return _tell_sent(request, report, catalog, spec, no_worker_notice(settings, spec))


def _beginning(
    request: SubmitRequest, settings: Settings, ledger: Ledger
) -> tuple[ResumedJob | None, CatalogOptions]:
    if request.resume is not None:
        return resume_job(
            ledger,
            request.resume,
            collection=request.collection,
            model=request.model,
            given=request.catalog,
        )
    if request.collection is not None:
        refuse_other_model(settings, request.collection)
    return None, request.catalog


def _submitted(
    spec: JobSpec,
    catalog: Catalog,
    ledger: Ledger,
    publish: Publish,
    *,
    settings: Settings,
    begun: ResumedJob | None,
) -> CatalogReport:
    limit = settings.max_pending_images

    def served(model: str) -> bool:
        return is_served(settings, model)

    with RowProgress(lambda count: what_blocks(ledger, count, limit, served)) as progress:
        submission = Submission(
            spec,
            ledger,
            publish,
            max_pending=limit,
            on_wait=progress.wait,
            on_progress=progress.show,
            begun=begun,
        )
        try:
            return submission.run(catalog)
        except (NotFound, Conflict):
            raise  # The job is gone or was cancelled: there is nothing to resume.
        except BaseException:
            if submission.left_open:
                say(f"Not every row was sent, so job {spec.id} stays open; {resume_command(spec)}")
            raise


def _tell_sent(
    request: SubmitRequest,
    report: CatalogReport,
    catalog: Catalog,
    spec: JobSpec,
    warning: str | None,
) -> int:
    if warning is not None:
        say(warning)
    if request.as_json:
        sent = report_json(report, catalog, spec.collection, spec)
        print_json(sent | {"warnings": [] if warning is None else [warning]})
    else:
        click.echo(f"Submitted as job {spec.id}. Watch it: vitrine status {spec.id} --wait")
    return _rows_code(report)


def _tell_status(
    request: SubmitRequest, report: CatalogReport, catalog: Catalog, status: JobStatus, took: float
) -> int:
    if request.as_json:
        sent = report_json(report, catalog, status.spec.collection, status.spec)
        print_json(sent | {"status": status_json(status)})
    else:
        print_status(status, took=max(took, 0.001))
    return exit_code(status)


def _inspected(catalog: Catalog) -> CatalogReport:
    with RowProgress() as progress:
        return inspect(catalog, on_progress=progress.show)


def _spec(request: SubmitRequest, settings: Settings, catalog: Catalog) -> JobSpec:
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
        reading=options_to_json(request.catalog),
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
            "The model name is empty.",
            hint="Give --model (or VITRINE_MODEL) a name or a directory, or leave it out.",
        )


def _rows_code(report: CatalogReport) -> int:
    return EXIT_FINISHED_WITH_FAILURES if report.rejected_rows else EXIT_OK


def resume_job(
    ledger: Ledger, job: str, *, collection: str | None, model: str | None, given: CatalogOptions
) -> tuple[ResumedJob, CatalogOptions]:
    """Return what the job already has and how its catalog is read.

    Raises `NotFound`, `Conflict` for a job that cannot be resumed, and `BadInput` for an option that contradicts it.
    """
    begun = ResumedJob(ledger, job)
    _check("collection", collection, begun.spec.collection)
    _check("model", None if model is None else model_name(model), begun.spec.model)
    return begun, options_from_json(begun.spec.reading, given)


def _check(what: str, given: str | None, begun_with: str) -> None:
    if given not in (None, begun_with):
        raise BadInput(
            f"The job was submitted with the {what} {begun_with}, not {given}.",
            hint="Leave the option out.",
        )
