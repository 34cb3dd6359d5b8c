"""Embedding libraries compared: the same model directory and JPEGs in memory, each library in a separate process.

::

    python -m benchmarks.embedders [--seconds 12] [--rounds 3] [--quick] [--json]

vitrine's engine (decoders, batcher, model; no network, queue or store) against a plain transformers loop,
sentence-transformers and infinity, and all of them against the bare forward pass on a ready batch. All run in fp32 on
the CPU, and none is compiled. The peers use batches of 64; vitrine uses the size that it finds at startup, as it does
for users. Runs of the processes are interleaved, and ratios are computed within each round. Peers run in separate
environments on top of this one and use its torch. A peer that does not install or cannot open the model is skipped
and reported by name.

The models: one of CLIP ViT-B/32's size with random weights, and the MobileNets of the tests' data set if it is
available (VITRINE_TEST_DATA), which only transformers can open.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.embedding.peer import Peer, started, this_python
from benchmarks.environments import Unavailable, python_with
from benchmarks.interleave import interleaved, ratios
from benchmarks.parts.load import full_chunks
from benchmarks.parts.pacing import Paced
from benchmarks.parts.pictures import data_folder, jpegs
from benchmarks.parts.random_models import clip_b32
from benchmarks.parts.turn import Turn
from benchmarks.report import Report, parser

PICTURES = 64
HERE = (
    Peer("bare", "benchmarks.embedding.bare_forward"),
    Peer("vitrine", "benchmarks.embedding.with_vitrine"),
    Peer("loop", "benchmarks.embedding.transformers_loop"),
)
ELSEWHERE = (
    Peer(
        "sentence_transformers",
        "benchmarks.embedding.with_sentence_transformers",
        ("sentence-transformers==6.2.0",),
    ),
    # Its vision extra requires torch below 2.9, which brings gigabytes of CUDA; it runs with this one.
    Peer(
        "infinity",
        "benchmarks.embedding.with_infinity",
        ("infinity-emb[torch,logging]==0.0.78", "torch==2.13.0", "transformers==4.57.*", "numpy<2", "aiohttp"),
    ),
)  # fmt: skip
CLIP, SMALL, LARGER = "clip_b32", "mobilenet_v1", "mobilenet_v2"
MOBILENETS = {SMALL: "mobilenet_v1_0.25_128", LARGER: "mobilenet_v2_1.0_224"}
GOALS = (
    ("clip_b32_vitrine_vs_bare", ">=", 0.97),
    ("clip_b32_vitrine_vs_sentence_transformers", ">=", 1),
    ("clip_b32_vitrine_vs_infinity", ">=", 1),
    ("mobilenet_v1_vitrine_vs_loop", ">=", 1.5),
)


def measure(seconds: float, rounds: int, first: int, *, elsewhere: bool = True) -> Report:
    """Compare the libraries on every available model."""
    report = Report("embedders")
    for goal in GOALS:
        report.goal(*goal)
    pictures, source = jpegs(PICTURES)
    report.note("pictures", f"{source}, 800 x 800, about 100 KB")

    def compare(name: str, model: Path, peers: Sequence[Peer]) -> None:
        with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder, ExitStack() as up:
            runs: dict[str, Callable[[], Turn]] = {}
            for peer in peers:
                try:
                    python = _python(peer)
                    one = up.enter_context(started(peer, python, model, pictures, Path(folder)))
                except Unavailable as reason:
                    report.skip(f"{name}: {peer.name}", str(reason))
                    continue
                runs[peer.name] = Paced(one.turn, full_chunks, seconds=seconds, first=first)
            _note(report, name, interleaved(runs, rounds))

    compare(CLIP, clip_b32(), HERE + (ELSEWHERE if elsewhere else ()))
    for name, folder in MOBILENETS.items():
        model = data_folder() / "models" / folder
        if model.is_dir():
            compare(name, model, HERE)
        else:
            report.skip(name, "the tests' data set is missing")
    return report


def _python(peer: Peer) -> Path:
    return python_with(peer.requirements, over_this=True) if peer.requirements else this_python()


def _note(report: Report, model: str, rounds: dict[str, list[Turn]]) -> None:
    rates = {name: [turn.pictures_per_s for turn in turns] for name, turns in rounds.items()}
    for name, series in rates.items():
        report.spread(f"{model}_{name}_pictures_per_s", series)
        if name != "bare":
            report.spread(f"{model}_{name}_vs_bare", ratios(series, rates["bare"]))
        if name not in {"bare", "vitrine"}:
            report.spread(f"{model}_vitrine_vs_{name}", ratios(rates["vitrine"], series))


def main() -> None:
    """Measure and print."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its warning is not relevant here
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=12.0, help="of a turn")
    options.add_argument("--rounds", type=int, default=3, help="turns of each that count")
    given = options.parse_args()
    if given.quick:
        report = measure(0.5, 1, 64, elsewhere=False)
    else:
        report = measure(given.seconds, given.rounds, 64)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
