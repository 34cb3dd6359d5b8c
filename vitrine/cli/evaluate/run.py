"""The run of `vitrine evaluate`: gather pictures and vectors, measure, compare, report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from producer import CatalogOptions
from vitrine.cli.common.files import check_writable
from vitrine.cli.common.output import error_console
from vitrine.cli.common.services import load_settings
from vitrine.cli.evaluate.labelled import LabelColumns, LabelledCatalog, read_labelled
from vitrine.cli.evaluate.report import EvaluationOutcome, print_evaluation, write_page
from vitrine.cli.evaluate.stored import by_catalog, by_field
from vitrine.core.errors import EXIT_FINISHED_WITH_FAILURES, EXIT_OK, BadInput, LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.core.types import model_name
from vitrine.evaluation.comparison import Comparison, common_samples, compare
from vitrine.evaluation.embedding import (
    BATCH_TIMEOUT,
    EmbeddedSample,
    embed_pictures,
    embed_texts,
    picture_query,
)
from vitrine.evaluation.evaluation import Evaluation, EvaluationPlan, evaluate
from vitrine.evaluation.index_recall import IndexRecall, measure_index_recall
from vitrine.evaluation.latency import WARM_UP, Latency, measure_latency
from vitrine.evaluation.report import WORST
from vitrine.evaluation.sample import LabelledPicture, Sample
from vitrine.evaluation.zero_shot import EmbedTexts
from vitrine.query.client import QueryClient, no_worker_error
from vitrine.store.open import open_store

INDEX_QUESTIONS = 200
TIMED_PICTURES = 20


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """The command's arguments and options."""

    catalog: str | None
    reading: CatalogOptions
    columns: LabelColumns
    collection: str | None
    model: str | None
    against: str | None
    plan: EvaluationPlan
    pictures: int
    page: Path | None
    as_json: bool


@dataclass(slots=True)
class _Gathered:
    """One model's sample, and the pictures that could not be used."""

    sample: Sample
    rejected: Counter[str] = field(default_factory=Counter)
    unsampled: int = 0
    failures: list[tuple[LabelledPicture, str]] = field(default_factory=list)
    index: IndexRecall | None = None
    embedding: Latency | None = None


def run_evaluation(request: EvaluateRequest) -> int:
    """Run the evaluation; the exit code is 3 if some pictures could not be used."""
    settings = load_settings(model=request.model)
    check_writable(request.page)
    read = _read(request)
    with closing(QueryClient.open(settings)) as lane:
        for model in _models_asked(request, settings):
            _require_worker(lane, model)
        gathered = _gather(request, settings, lane, read)
        if request.against is not None:
            outcome = _against(request, settings, lane, gathered)
        else:
            outcome = _outcome(request, gathered, _evaluated(gathered.sample, request.plan, lane))
    print_evaluation(outcome, as_json=request.as_json)
    if request.page is not None:
        write_page(request.page, outcome, settings)
    return EXIT_FINISHED_WITH_FAILURES if outcome.lost else EXIT_OK


def _models_asked(request: EvaluateRequest, settings: Settings) -> list[str]:
    """Return the models that need workers, as named by the user."""
    own = [] if request.collection is not None else [settings.model]
    return [*own, *filter(None, [request.against])]


def _require_worker(lane: QueryClient, model: str) -> None:
    """Raise an error if the model has no worker, before embedding with the other model takes a long time."""
    if not lane.workers(model_name(model)):
        raise no_worker_error(model)  # as given: the canonical name may not start a worker


# --- gathering ------------------------------------------------------------------------------------


def _read(request: EvaluateRequest) -> LabelledCatalog | None:
    """Return the catalog's labelled pictures; None if no catalog was given."""
    if request.catalog is None:
        return None
    return read_labelled(
        request.catalog,
        request.reading,
        request.columns,
        limit=request.pictures,
        seed=request.plan.shots.seed,
    )


def _gather(
    request: EvaluateRequest, settings: Settings, lane: QueryClient, read: LabelledCatalog | None
) -> _Gathered:
    if read is None:
        return _from_collection(request, settings)
    if request.collection is not None:
        gathered = _from_collection(request, settings, read.pictures)
    else:
        gathered = _embedded(lane, model_name(settings.model), read.pictures, settings)
    gathered.rejected.update(read.rejected)
    gathered.unsampled += read.unsampled
    return gathered


def _from_collection(
    request: EvaluateRequest, settings: Settings, pictures: Sequence[LabelledPicture] | None = None
) -> _Gathered:
    name = request.collection or ""
    with closing(open_store(settings)) as store:
        if pictures is None:
            seed = request.plan.shots.seed
            stored = by_field(store, name, request.columns, limit=request.pictures, seed=seed)
        else:
            stored = by_catalog(store, name, pictures)
        asked = slice(INDEX_QUESTIONS)
        index = measure_index_recall(store, name, stored.sample.vectors[asked], stored.items[asked])
    return _Gathered(stored.sample, +Counter(stored.left_out), stored.unsampled, index=index)


def _embedded(
    lane: QueryClient, model: str, pictures: Sequence[LabelledPicture], settings: Settings
) -> _Gathered:
    embedding = _one_by_one(lane, model, pictures, settings)
    with _progress(f"Embedding with {model}", len(pictures)) as advance:
        found = embed_pictures(
            lane, model, pictures, max_bytes=settings.fetch_max_bytes, on_progress=advance
        )
    return _Gathered(_sample(found, model), failures=list(found.failures), embedding=embedding)


def _sample(found: EmbeddedSample, model: str) -> Sample:
    if found.space is None:
        picture, why = found.failures[0]
        raise BadInput(
            f"The model {model} could embed none of the {len(found.failures):,} pictures; "
            f"the first, {picture.key}: {why}"
        )
    return Sample(found.pictures, found.vectors, found.space)


def _one_by_one(
    lane: QueryClient, model: str, pictures: Sequence[LabelledPicture], settings: Settings
) -> Latency | None:
    """Measure the time of a single query by a picture that the worker has not seen before."""

    def ask(picture: LabelledPicture) -> None:
        with suppress(BadInput):  # reported later, with all other failures
            asked = replace(picture_query(picture, settings.fetch_max_bytes), fresh=True)
            lane.embed(model, asked, timeout=BATCH_TIMEOUT)

    return measure_latency(ask, pictures[: WARM_UP + TIMED_PICTURES])


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    out = error_console()
    shown = Progress(
        *columns, TimeRemainingColumn(), console=out, transient=True, disable=not out.is_terminal
    )
    with shown as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


# --- measuring ------------------------------------------------------------------------------------


def _evaluated(sample: Sample, plan: EvaluationPlan, lane: QueryClient) -> Evaluation:
    return evaluate(sample, plan, _words(lane, sample))


def _words(lane: QueryClient, sample: Sample) -> EmbedTexts | None:
    """Return a function that embeds texts into the sample's space; None if no worker can."""
    try:
        workers = lane.workers(sample.space.model)
    except LedgerUnavailable:
        return None  # a collection's vectors can be measured without a queue
    if not any(worker.supports_text and worker.space == sample.space for worker in workers):
        return None

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return embed_texts(lane, sample.space.model, texts)

    return embed


def _against(
    request: EvaluateRequest, settings: Settings, lane: QueryClient, gathered: _Gathered
) -> EvaluationOutcome:
    """Embed the same pictures with the other model, and measure both on the pictures that both could embed."""
    other = _embedded(lane, model_name(request.against or ""), gathered.sample.pictures, settings)
    mine, others = common_samples(gathered.sample, other.sample)
    if not mine.pictures:
        raise BadInput("The two models have no picture in common.")
    found = _evaluated(mine, request.plan, lane)
    rival = _evaluated(others, request.plan, lane)
    gathered.failures += other.failures
    comparison = compare(found, rival, WORST)
    return _outcome(request, gathered, found, against=(rival, other.embedding, comparison))


def _outcome(
    request: EvaluateRequest,
    gathered: _Gathered,
    found: Evaluation,
    *,
    against: tuple[Evaluation, Latency | None, Comparison] | None = None,
) -> EvaluationOutcome:
    return EvaluationOutcome(
        what=request.catalog or f"collection {request.collection}",
        plan=request.plan,
        found=found,
        index=gathered.index,
        embedding=gathered.embedding,
        rejected=dict(gathered.rejected),
        unsampled=gathered.unsampled,
        failures=tuple(gathered.failures),
        against=against,
    )
