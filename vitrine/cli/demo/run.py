"""The run of `vitrine demo`: start a shop and a service, ingest and search a catalog, and report.

The catalog is submitted by `vitrine submit` in a separate process and searched over HTTP, so that the report
measures what a user gets. The user's existing services and data are not touched.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.progress import track

from producer import CatalogOptions, from_argument, open_catalog
from vitrine.cli.common.output import console, error_console, print_json, say
from vitrine.core.errors import (
    EXIT_COULD_NOT_RUN,
    EXIT_FINISHED_WITH_FAILURES,
    EXIT_OK,
    BadInput,
    VitrineError,
)
from vitrine.core.load_settings import load
from vitrine.core.python_command import python_command
from vitrine.core.settings import MEBIBYTE, Settings
from vitrine.core.types import CatalogItem
from vitrine.demo.catalog import ExpectedOutcomes, write_catalog, write_folder_catalog
from vitrine.demo.drawing import designs, draw_catalog
from vitrine.demo.measure import (
    Labels,
    Searcher,
    SearchMeasurements,
    labels_of,
    measure,
    median,
    neighbour_precision,
)
from vitrine.demo.report import DemoReport, make_report, render_report
from vitrine.demo.shop import Shop, pictures_beneath

if TYPE_CHECKING:
    from vitrine.standalone import Standalone

COLLECTION = "demo"
FETCH_LIMIT = 4 * MEBIBYTE
"""The generated pictures have 0.1 MiB, so this limit makes the shop's endless picture cheap."""
SEARCHED_ITEMS = 500
SEARCHED_PICTURES = 100
_ELSEWHERE = ("REDIS_URL", "QDRANT_URL", "QDRANT_API_KEY", "STORE_TOKEN", "API_URL", "DATA_DIR")
"""Settings that would lead to the user's existing services and data."""


@dataclass(frozen=True, slots=True)
class PreparedCatalog:
    """A catalog that is ready to be submitted."""

    file: Path
    plan: ExpectedOutcomes | None  #: None for the user's catalog, whose outcomes are unknown.
    pictures: list[Path]  #: Some of its pictures as files, to search with.


@dataclass(frozen=True, slots=True)
class DemoRun:
    """One run of the demo, with its options."""

    then_exit: bool
    as_json: bool
    catalog: Path | None
    seed: int
    data_dir: Path | None

    def run(self) -> int:
        """Run the demo and return the exit code."""
        _forget_services()
        with (
            _terminated_as_interrupted(),
            self._home() as home,
            Shop(self._pictures(home), broken=self.catalog is None) as shop,
        ):
            staged = self._stage(home, shop)
            with _service(home, self._fetch_settings(shop)) as service:
                code = self._perform(staged, service.settings)
                if not self.then_exit:
                    _stay(service.api_url, service.settings.data_dir)
            return code

    def _perform(self, staged: PreparedCatalog, settings: Settings) -> int:
        """Submit, search and report; return the exit code."""
        job = _submit(staged.file, settings)
        measured, labels = _search(staged, settings)
        report = _report(job, measured, labels)
        self._show(report, measured)
        return _verdict(report, staged.plan)

    @contextmanager
    def _home(self) -> Iterator[Path]:
        if self.data_dir is not None:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            yield self.data_dir.resolve()
            return
        with tempfile.TemporaryDirectory(
            prefix="vitrine-demo-", ignore_cleanup_errors=True
        ) as made:
            yield Path(made).resolve()

    def _pictures(self, home: Path) -> Path:
        """Return the folder that the shop serves."""
        if self.catalog is not None and self.catalog.is_dir():
            return self.catalog.resolve()
        return home / "shop"

    def _stage(self, home: Path, shop: Shop) -> PreparedCatalog:
        file = home / "catalog.csv"
        if self.catalog is None:
            return _draw(file, home / "shop", shop, self.seed)
        if not self.catalog.is_dir():
            return PreparedCatalog(self.catalog.resolve(), None, [])
        if not write_folder_catalog(file, self.catalog, shop.picture_url):
            raise BadInput(f"There is no picture in {self.catalog}.")
        names = islice(pictures_beneath(self.catalog), SEARCHED_PICTURES)
        return PreparedCatalog(file, None, [self.catalog / name for name in names])

    def _fetch_settings(self, shop: Shop) -> dict[str, str]:
        allowed = ",".join([shop.address, *load().fetch_allow])
        limit = {} if self.catalog else {"VITRINE_FETCH_MAX_BYTES": str(FETCH_LIMIT)}
        return {"VITRINE_FETCH_ALLOW": allowed, **limit}

    def _show(self, report: DemoReport, measured: SearchMeasurements) -> None:
        if self.as_json:
            print_json(report.as_json())
            sys.stdout.flush()  # a reader may wait for it while the service stays up
        else:
            panel = render_report(
                report,
                picture_ms=median(measured.picture_ms),
                item_ms=median(measured.item_ms),
            )
            console().print(panel)


def _draw(file: Path, folder: Path, shop: Shop, seed: int) -> PreparedCatalog:
    drawn = track(
        draw_catalog(folder, seed=seed),
        description="Generating the catalog",
        total=len(designs()),
        console=error_console(),
        transient=True,
    )
    items = list(drawn)
    plan = write_catalog(file, items, shop.picture_url, shop.broken_url)
    say(f"Generated {plan.embedded} pictures of {len(items)} products: {file}")
    chosen = random.Random(seed).sample(items, SEARCHED_PICTURES)  # noqa: S311 - no secret
    return PreparedCatalog(file, plan, [folder / item.files[-1] for item in chosen])


@contextmanager
def _service(home: Path, environment: dict[str, str]) -> Iterator[Standalone]:
    from vitrine.standalone import Standalone

    settings = load(data_dir=home / "data", api_host="127.0.0.1", api_port=0)
    own = {
        # On loopback, no keys: those in the environment are for another service.
        "VITRINE_API_KEYS": "",
        "VITRINE_API_KEYS_FILE": "",
        # The demo searches by pictures of the catalog, but must measure the time for pictures never seen before.
        "VITRINE_EMBEDDING_CACHE_BYTES": "0",
    }
    with Standalone(settings, environment=environment | own, say=say) as service:
        yield service


def _submit(file: Path, settings: Settings) -> dict[str, Any]:
    """Submit the catalog as a user would; return the finished job and its rejected rows by code."""
    options = ["--collection", COLLECTION, "--wait", "--json"]
    command = python_command("vitrine", "submit", str(file), *options)
    done = subprocess.run(command, stdout=subprocess.PIPE, env=_environment(settings), check=False)
    if done.returncode not in (EXIT_OK, EXIT_FINISHED_WITH_FAILURES):
        raise VitrineError(f"The catalog could not be submitted (exit code {done.returncode}).")
    told: dict[str, Any] = orjson.loads(done.stdout)
    status: dict[str, Any] = told["status"]
    return status


def _environment(settings: Settings) -> dict[str, str]:
    """Return this process's environment, with the addresses of the demo's service."""
    urls = {
        "VITRINE_DATA_DIR": str(settings.data_dir),
        "VITRINE_REDIS_URL": settings.redis_url.get_secret_value(),
        "VITRINE_QDRANT_URL": settings.qdrant_url.get_secret_value(),
        "VITRINE_API_URL": settings.api_url,
    }
    if settings.store_token is not None:
        urls["VITRINE_STORE_TOKEN"] = settings.store_token.get_secret_value()
    return {**os.environ, **urls}


def _search(
    staged: PreparedCatalog, settings: Settings
) -> tuple[SearchMeasurements, dict[str, Labels]]:
    known = _known_items(staged.file)
    labels = {item: found for item, found in known.items() if found is not None}
    asked = list(labels or known)[:SEARCHED_ITEMS]
    with closing(Searcher(settings.api_url, COLLECTION)) as searcher:
        return measure(searcher, asked, staged.pictures), labels


def _known_items(file: Path) -> dict[str, Labels | None]:
    """Return the catalog's first items and their labels, read in the same way as by the job."""
    options = CatalogOptions(allow_files=True, places=None)
    with closing(from_argument(str(file))) as source, open_catalog(source, options) as catalog:
        items = (item for item in catalog if isinstance(item, CatalogItem))
        return {item.id: labels_of(item.payload) for item in islice(items, SEARCHED_ITEMS)}


def _report(
    job: dict[str, Any], measured: SearchMeasurements, labels: dict[str, Labels]
) -> DemoReport:
    return make_report(
        job,
        search_p50_ms=measured.search_p50_ms,
        precision=neighbour_precision(measured.neighbours, labels),
    )


def _verdict(report: DemoReport, plan: ExpectedOutcomes | None) -> int:
    """Return the exit code, and print any difference from the plan."""
    if plan is None:
        return EXIT_FINISHED_WITH_FAILURES if report.failed else EXIT_OK
    difference = plan.difference(report.embedded, report.failed)
    if difference is None:
        return EXIT_OK
    say(difference)
    return EXIT_COULD_NOT_RUN


def _stay(api_url: str, data_dir: Path) -> None:
    say(f"The API is at {api_url} (its documentation at {api_url}/docs).")
    say(f"For other commands, in another terminal: export VITRINE_DATA_DIR={data_dir}")
    say("Press Ctrl-C to stop the demo.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("Stopping ...")


def _forget_services() -> None:
    # Before anything reads the settings; also affects child processes.
    for name in _ELSEWHERE:
        os.environ.pop(f"VITRINE_{name}", None)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C: stop the demo's service and remove its folder."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
