"""End to end with HTTP pictures, real Redis, the real store and `vitrine worker`, against the usual alternatives.

::

    python -m benchmarks.pipeline [--device fake|cpu|cuda]... [--seconds 10] [--rounds 3] [--quick] [--json]

A host in a separate process serves 100 KB JPEGs of 800 x 800 with 30 ms of latency. Worker, Redis, store and host share
the machine, so on few cores they compete. All candidates run interleaved on the same Redis, store and host and do
the same work on the store. A run's rate is counted from after its first tenth to its last outcome, and ratios are
computed within each round.

`fake` is a device that sleeps: 64 pictures in 50, 100, 200 and 300 ms, of which 30% pass however few there are. At
200 ms, vitrine is compared with (b) `task_per_picture`, (c) `celery_batches` in a solo and in a threads pool, and
(d) `own_batch`, also on chunks of 1 to 31 pictures (see `benchmarks.baselines`); (a) is the model alone on ready
batches, at every speed. `cpu` and `cuda` use a model of CLIP-B/32's size.

(b) and (c) fetch with requests and decode with Pillow, as is usual. `celery_batches_fast` and (d) use vitrine's
fetcher and decoders, so that they differ only in how the work is packed and overlapped. None of them keeps a ledger.

`vs_bare_model` is taken at the fastest fake device that is slower than this machine's pipeline capacity, which is the
rate reached with the fastest device: only there the model is the limit.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.environments import Unavailable, python_with
from benchmarks.interleave import interleaved, ratios
from benchmarks.parts.bare_model import BareModel
from benchmarks.parts.load import full_chunks, ragged_chunks
from benchmarks.parts.pacing import Paced
from benchmarks.parts.pictures import jpegs
from benchmarks.parts.surroundings import Surroundings, surroundings
from benchmarks.parts.turn import Turn
from benchmarks.parts.workers.baseline import Baseline, baseline_worker
from benchmarks.parts.workers.vitrine import VitrineWorker, vitrine_worker
from benchmarks.report import Report, parser
from workers.models.factory import open_model

PICTURES = 64
"""Number of distinct pictures; each URL serves another."""
FAKE_MS = (50, 100, 200, 300)
COMPARED_MS = 200
"""Device on which everything is compared: slower than two cores can decode, so that how well it is filled matters."""
BATCHES = ("celery[redis]>=5.6,<5.7", "celery-batches==0.11")
THREADS = 12
"""Concurrent tasks of a baseline in a threads pool: as many as vitrine's default number of chunks in progress."""
PICTURE_THREADS = 8
GOALS = (
    ("vs_bare_model", ">=", 0.95),
    ("vs_task_per_picture", ">=", 10),
    ("vs_celery_batches", ">=", 1.3),
    ("vs_celery_batches_solo", ">=", 2),
    ("vs_own_batch", ">=", 1.8),
    ("cpu_ms_per_picture", "<=", 4),
    ("gil_wait_ms", "<", 1),
)
Run = Callable[[], Turn]
Rounds = dict[str, list[Turn]]


@dataclass(frozen=True)
class Pace:
    """How long everything takes."""

    seconds: float  #: Length of a run, once its rate is known.
    rounds: int
    first: int  #: Pictures of the first run, and the minimum for any run.
    environments: bool = True  #: Whether to measure candidates that need a separate environment.
    fake_ms: Sequence[int] = (
        FAKE_MS  #: The fake devices, including the one that is compared with the baselines.
    )

    def over(self, turn: Callable[[Sequence[int]], Turn], *, ragged: bool = False) -> Run:
        """Return runs of this length over full or ragged chunks."""
        chunks = ragged_chunks if ragged else full_chunks
        return Paced(turn, chunks, seconds=self.seconds, first=self.first)

    def rounds_of(self, runs: dict[str, Run]) -> Rounds:
        """Run them interleaved."""
        return interleaved(runs, self.rounds)


def measure(devices: Sequence[str], pace: Pace) -> Report:
    """Run every comparison that this machine allows."""
    report = Report("pipeline")
    for goal in GOALS:
        report.goal(*goal)
    pictures, source = jpegs(PICTURES)
    report.note("pictures", source)
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder,
        surroundings(Path(folder), pictures) as around,
    ):
        if "fake" in devices:
            _fake(report, around, pace)
        for device in ("cpu", "cuda"):
            if device in devices:
                _real(report, around, pace, device)
    return report


def _fake(report: Report, around: Surroundings, pace: Pace) -> None:
    reached: dict[int, tuple[float, float]] = {}  # by the device's ms: its own rate, vitrine's
    for ms in pace.fake_ms:
        with vitrine_worker(around, _fake_name(ms)) as worker, ExitStack() as others:
            runs = {"bare": _bare(_fake_name(ms), "cpu", pace), "vitrine": pace.over(worker.turn)}
            if ms == COMPARED_MS:
                runs["vitrine_ragged"] = pace.over(worker.turn, ragged=True)
                runs |= _baselines(report, around, pace, others)
            rounds = pace.rounds_of(runs)
            _waits(report, worker, f"{ms}ms")
        reached[ms] = _versus_bare(report, rounds, f"{ms}ms")
        if ms == COMPARED_MS:
            _compare(report, rounds)
    _where_the_model_is_the_limit(report, reached)


def _waits(report: Report, worker: VitrineWorker, where: str) -> None:
    """Report how long the device's thread waited for the GIL, and how late it took a batch's result."""
    found = worker.gil_wait_ms()
    if found is not None:
        report.figure(f"gil_wait_ms_{where}", found[0])
        report.figure(f"gil_wait_p95_ms_{where}", found[1])
    report.figure(f"late_ms_{where}", statistics.median(worker.late_ms()))


def _where_the_model_is_the_limit(report: Report, reached: dict[int, tuple[float, float]]) -> None:
    """Choose the device at which to judge `vs_bare_model` and the wait for the GIL."""
    capacity = reached[min(reached)][1]
    slower = [ms for ms, (bare, _) in reached.items() if bare < capacity]
    ms = min(slower, default=max(reached))
    report.figure("model_is_the_limit_at_ms", ms)
    report.figure("vs_bare_model", report.figures[f"vs_bare_model_{ms}ms"])
    if f"gil_wait_ms_{ms}ms" in report.figures:
        report.figure("gil_wait_ms", report.figures[f"gil_wait_ms_{ms}ms"])


def _compare(report: Report, rounds: Rounds) -> None:
    """Report the comparisons with the baselines, on the one device they share."""
    for name, turns in rounds.items():
        if name not in {"bare", "vitrine"}:
            report.spread(f"{name}_pictures_per_s", _rates(turns))
    report.spread("cpu_ms_per_picture", [turn.cpu_ms for turn in rounds["vitrine"]])
    _ratio(report, "vs_task_per_picture", rounds, "vitrine", "task_per_picture")
    _ratio(report, "vs_own_batch", rounds, "vitrine_ragged", "own_batch_ragged")
    _ratio(report, "vs_own_batch_full_chunks", rounds, "vitrine", "own_batch")
    for name in ("celery_batches", "celery_batches_fast"):
        pools = [pool for pool in (f"{name}_solo", f"{name}_threads") if pool in rounds]
        if pools:
            best = max(pools, key=lambda pool: report.figures[f"{pool}_pictures_per_s"])
            _ratio(report, f"vs_{name}", rounds, "vitrine", best)
            _ratio(report, f"vs_{name}_solo", rounds, "vitrine", pools[0])


def _versus_bare(report: Report, rounds: Rounds, where: str) -> tuple[float, float]:
    bare = report.spread(f"bare_pictures_per_s_{where}", _rates(rounds["bare"]))
    ours = report.spread(f"vitrine_pictures_per_s_{where}", _rates(rounds["vitrine"]))
    report.figure(f"worker_cores_{where}", statistics.median(t.cores for t in rounds["vitrine"]))
    _ratio(report, f"vs_bare_model_{where}", rounds, "vitrine", "bare")
    return bare.median, ours.median


def _ratio(report: Report, name: str, rounds: Rounds, over: str, under: str) -> None:
    report.spread(name, ratios(_rates(rounds[over]), _rates(rounds[under])))


def _rates(turns: Sequence[Turn]) -> list[float]:
    return [turn.pictures_per_s for turn in turns]


def _baselines(
    report: Report, around: Surroundings, pace: Pace, open_until: ExitStack
) -> dict[str, Run]:
    """Start the baselines that this machine allows, and keep them running until `open_until` ends."""
    runs: dict[str, Run] = {}
    for baseline in _known(report, environments=pace.environments):
        worker = open_until.enter_context(
            baseline_worker(around, baseline, _fake_name(COMPARED_MS))
        )
        runs[baseline.name] = pace.over(worker.turn)
        if baseline.name == "own_batch":
            runs["own_batch_ragged"] = pace.over(worker.turn, ragged=True)
    return runs


def _known(report: Report, *, environments: bool) -> Iterator[Baseline]:
    module = "benchmarks.baselines."
    yield Baseline(
        "task_per_picture", f"{module}task_per_picture", "threads", PICTURE_THREADS,
        whole_chunks=False,
    )  # fmt: skip
    yield Baseline("own_batch", f"{module}own_batch", "threads", THREADS, whole_chunks=True)
    if not environments:
        report.skip("celery_batches", "needs a separate environment (left out)")
        return
    try:
        python = python_with(BATCHES, over_this=True)
    except Unavailable as reason:
        report.skip("celery_batches", str(reason))
        return
    gathered = partial(Baseline, module=f"{module}batches_of_64", whole_chunks=False, python=python)
    for name, variant in (("celery_batches", ""), ("celery_batches_fast", "_fast")):
        yield gathered(f"{name}_solo", pool="solo", concurrency=1, variant=variant)
        yield gathered(f"{name}_threads", pool="threads", concurrency=THREADS, variant=variant)


def _real(report: Report, around: Surroundings, pace: Pace, device: str) -> None:
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        report.skip("cuda", "this machine has no GPU")
        return
    from benchmarks.parts.random_models import clip_b32

    model = str(clip_b32())
    with vitrine_worker(around, model, device=device) as worker:
        runs = {"bare": _bare(model, device, pace), "vitrine": pace.over(worker.turn_at_device)}
        rounds = pace.rounds_of(runs)
    _versus_bare(report, rounds, device)


def _bare(name: str, device: str, pace: Pace) -> Run:
    model = open_model(name, device=device)
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    return BareModel(model, model.preprocess(noise), seconds=pace.seconds / 3)


def _fake_name(ms: int) -> str:
    return f"timed-64-in-{ms}ms-base-{ms * 3 // 10}ms"


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--device", action="append", choices=("fake", "cpu", "cuda"))
    options.add_argument("--seconds", type=float, default=10.0, help="of a turn")
    options.add_argument("--rounds", type=int, default=3, help="turns of each that count")
    given = options.parse_args()
    pace = Pace(given.seconds, given.rounds, first=320)
    if given.quick:
        pace = Pace(0.5, rounds=1, first=256, environments=False, fake_ms=(COMPARED_MS,))
    measure(given.device or ("fake", "cpu", "cuda"), pace).show(as_json=given.json)


if __name__ == "__main__":
    main()
