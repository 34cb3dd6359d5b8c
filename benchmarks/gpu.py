"""Throughput on a GPU: the card's matrix rate, the bare compiled model, the engine, and the service end to end.

::

    python -m benchmarks.gpu [--seconds 20] [--rounds 5] [--model so400m_384]... [--no-service] [--json]

Runs from a bare checkout on Python 3.11 to 3.13 with these packages, and installs nothing:
torch (with CUDA), transformers, safetensors, numpy, pillow, simplejpeg, rich, pydantic, pydantic-settings, orjson; for the
service also celery[redis], redis, hiredis, click, requests, pycurl, certifi, idna, qdrant-client, qdrant-edge-py and a
redis-server; torchvision for the decoder on the card. Anything missing is skipped and reported by name, as is the GPU.

The models are SigLIP so400m-384, SigLIP 2 base-224 and large-512 with random weights, because speed needs no training.
`bare` is the tower compiled by torch.compile for the engine's batch size, run repeatedly on a ready batch on the card.
`engine` gets uint8 pictures one by one from host memory, `jpegs` gets 100 KB JPEGs of 800 x 800, and `service` gets
them over HTTP, with real Redis and store. The first three are interleaved, and their ratios are computed within a
round. The service needs the card's memory for itself and runs after them, so its ratio is one of medians.
`decoder_on_card` is decoding alone; `_decoded` is decoding and scaling by the cores.

`--device cpu --tiny` runs the same code on a CPU with a tiny model; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel

from benchmarks.interleave import interleaved, ratios
from benchmarks.machine import cores
from benchmarks.parts import siglip_models
from benchmarks.parts.card import matrix_rate, on_card_decoder, settle
from benchmarks.parts.engine_rate import Engine, Rate
from benchmarks.parts.pictures import jpegs
from benchmarks.parts.siglip_models import Tower
from benchmarks.report import Report, parser
from workers.batching import Batcher
from workers.batching.batch_size_store import BatchSizeStore
from workers.batching.warm_up import UNTRIED_BATCH, warm_up
from workers.models.base import Compile
from workers.models.device import resolve_dtype
from workers.models.transformers_model import TransformersModel

TOWERS = {
    tower.name: tower
    for tower in (siglip_models.SO400M_384, siglip_models.BASE_224, siglip_models.LARGE_512)
}
MATRIX_SHARE = 0.5
ENGINE_SHARE = 0.97
SERVICE_SHARE = 0.9
PICTURES = 64


@dataclass(frozen=True)
class Plan:
    """What to run, and for how long."""

    device: str
    towers: Sequence[Tower]
    seconds: float  #: Approximate length of a run.
    rounds: int
    compiling: Compile
    service: bool


def measure(plan: Plan) -> Report:
    """Measure every tower of a plan."""
    report = Report("gpu")
    pictures, source = jpegs(PICTURES)
    report.note("pictures", source)
    report.spread("matrix_tflops", [matrix_rate(plan.device) / 1e12 for _ in range(plan.rounds)])
    _decoder_on_card(report, plan, pictures)
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder:
        for tower in plan.towers:
            directory = siglip_models.make(tower, Path(folder) / tower.name)
            _tower(report, plan, tower, directory, pictures)
    return report


def _tower(
    report: Report, plan: Plan, tower: Tower, directory: Path, pictures: Sequence[bytes]
) -> None:
    model = TransformersModel(
        directory, given=str(directory), device=plan.device, compiling=plan.compiling
    )
    with _running(model, directory) as batcher:
        report.figure(f"{tower.name}_batch", batcher.size)
        bare = Bare(directory, tower, plan, rows=batcher.size)
        rounds = _rounds(plan, bare, Engine(model, batcher), pictures)
        decoded = Engine(model, batcher).inputs_only(pictures, pictures=rounds.pictures)
    report.figure(f"{tower.name}_decoded_per_s", decoded)
    _say(report, tower, rounds.turns)
    del model, batcher, bare  # the worker needs the card's memory
    _service(report, plan, tower, directory, pictures, decoded=decoded)


@contextmanager
def _running(model: TransformersModel, directory: Path) -> Iterator[Batcher]:
    batcher = Batcher(model, size=UNTRIED_BATCH, wait=0.01)
    batcher.start()
    try:
        warm_up(model, batcher, batch_size=0, remembered=BatchSizeStore(directory))
        yield batcher
    finally:
        batcher.close()


class Bare:
    """transformers' own tower, compiled, on one ready batch: the upper limit of any engine."""

    def __init__(self, directory: Path, tower: Tower, plan: Plan, *, rows: int) -> None:
        dtype = resolve_dtype(None, plan.device)
        loaded: Any = AutoModel.from_pretrained(directory, dtype=dtype, attn_implementation="sdpa")
        self._tower = loaded.eval().to(plan.device)
        self._run = self._embed if plan.compiling == "off" else torch.compile(self._embed)
        self._device = plan.device
        self._pixels = torch.randn(rows, 3, tower.side, tower.side, dtype=dtype, device=plan.device)

    @torch.inference_mode()
    def __call__(self, seconds: float) -> Rate:
        """Embed batches for about `seconds`, after two uncounted batches."""
        self._batches(1)
        batches = max(1, round(seconds / self._batches(1)))
        return Rate(batches * len(self._pixels) / self._batches(batches), 1.0)

    def _batches(self, count: int) -> float:
        """Return the seconds that `count` batches take."""
        settle(self._device)
        began = time.perf_counter()
        for _ in range(count):
            self._run(self._pixels)
        settle(self._device)
        return time.perf_counter() - began

    def _embed(self, pixels: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self._tower(pixel_values=pixels).pooler_output
        return vectors


@dataclass(frozen=True)
class Rounds:
    """Runs by name, and the number of pictures per run of `jpegs`."""

    turns: dict[str, list[Rate]]
    pictures: int


def _rounds(plan: Plan, bare: Bare, engine: Engine, pictures: Sequence[bytes]) -> Rounds:
    ready = engine.inputs(pictures[0])
    first = bare(plan.seconds / 4)
    count = max(8, round(first.pictures_per_s * plan.seconds))
    fed = max(8, min(count, round(engine.inputs_only(pictures, pictures=PICTURES) * plan.seconds)))
    runs: dict[str, Callable[[], Rate]] = {
        "bare": partial(bare, plan.seconds),
        "engine": partial(engine.from_inputs, ready, pictures=count),
        "jpegs": partial(engine.from_jpegs, pictures, pictures=fed),
    }
    return Rounds(interleaved(runs, plan.rounds), fed)


def _say(report: Report, tower: Tower, turns: dict[str, list[Rate]]) -> None:
    rates = {name: [turn.pictures_per_s for turn in series] for name, series in turns.items()}
    for name, series in rates.items():
        report.spread(f"{tower.name}_{name}_per_s", series)
    for name in ("engine", "jpegs"):
        report.spread(f"{tower.name}_{name}_vs_bare", ratios(rates[name], rates["bare"]))
        busy = statistics.median(turn.busy for turn in turns[name])
        report.figure(f"{tower.name}_{name}_busy", busy)
    used = tower.flops * statistics.median(rates["engine"]) / 1e12
    report.figure(f"{tower.name}_matrix_share", used / report.figures["matrix_tflops"])
    _set_goals(report, tower)


def _set_goals(report: Report, tower: Tower) -> None:
    report.goal(f"{tower.name}_engine_vs_bare", ">=", ENGINE_SHARE)
    if tower is siglip_models.SO400M_384:
        report.goal(f"{tower.name}_matrix_share", ">=", MATRIX_SHARE)


def _service(
    report: Report,
    plan: Plan,
    tower: Tower,
    directory: Path,
    pictures: Sequence[bytes],
    *,
    decoded: float,
) -> None:
    """Measure the service end to end, with a goal only if the cores decode as fast as the card embeds."""
    name, bare = f"{tower.name}_service", report.figures[f"{tower.name}_bare_per_s"]
    if decoded < bare:
        said = f"{cores()} cores decode {decoded:.0f} pictures/s, the card takes {bare:.0f}"
        report.note(f"{name}_limit", said)
    else:
        report.goal(f"{name}_vs_bare", ">=", SERVICE_SHARE)
    if not plan.service:
        report.skip(name, "left out by --no-service")
        return
    try:
        rates = _served(plan, directory, pictures, expected=min(bare, decoded))
    except (ImportError, RuntimeError) as error:
        report.skip(name, str(error).splitlines()[0])
        return
    report.spread(f"{name}_per_s", rates)
    report.figure(f"{name}_vs_bare", statistics.median(rates) / bare)
    report.figure(f"{name}_vs_limit", statistics.median(rates) / min(bare, decoded))


def _served(
    plan: Plan, directory: Path, pictures: Sequence[bytes], *, expected: float
) -> list[float]:
    from benchmarks.parts.load import full_chunks
    from benchmarks.parts.surroundings import surroundings
    from benchmarks.parts.workers.vitrine import vitrine_worker

    chunks = full_chunks(max(256, round(expected * plan.seconds)))
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder,
        surroundings(Path(folder), pictures) as around,
        vitrine_worker(
            around, str(directory), device=plan.device, COMPILE=plan.compiling
        ) as worker,
    ):
        return [worker.turn(chunks).pictures_per_s for _ in range(plan.rounds + 1)][1:]


def _decoder_on_card(report: Report, plan: Plan, pictures: Sequence[bytes]) -> None:
    try:
        rate = on_card_decoder(plan.device)
    except (ImportError, RuntimeError) as error:
        report.skip("decoder_on_card", str(error).splitlines()[0])
        return
    report.spread("decoder_on_card_per_s", [rate(pictures) for _ in range(plan.rounds)])


def _plan(given: argparse.Namespace) -> Plan:
    if given.tiny:
        return Plan(given.device, [siglip_models.TINY], 0.1, 1, "off", service=given.service)
    towers = [TOWERS[name] for name in given.model or TOWERS]
    seconds, rounds = (2.0, 1) if given.quick else (given.seconds, given.rounds)
    return Plan(given.device, towers, seconds, rounds, "auto", service=given.service)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--device", default="cuda", help="cuda, cuda:N; cpu with --tiny")
    options.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--model", action="append", choices=tuple(TOWERS))
    options.add_argument("--seconds", type=float, default=20.0, help="of a turn")
    options.add_argument("--rounds", type=int, default=5, help="turns of each that count")
    options.add_argument("--no-service", dest="service", action="store_false")
    given = options.parse_args()
    if given.device != "cpu" and not torch.cuda.is_available():
        report = Report("gpu")
        report.skip("gpu", "this machine has no GPU that torch can use")
        for tower in TOWERS.values():
            _set_goals(report, tower)
    else:
        report = measure(_plan(given))
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
