"""Preprocessing from a picture's bytes to a model's normalised input: vitrine's methods and transformers' processors.

::

    python -m benchmarks.preprocess [--megapixels 0.3 1 4 12 24] [--formats jpeg png webp] [--sides 224 384]
                                    [--rounds 3] [--torchvision PYTHON] [--quick] [--json]

Compares `fast` and `fast_dct` (with VITRINE_JPEG_SCALING), `reference` (VITRINE_PREPROCESS=reference), and transformers'
SigLIP processor after Pillow's decoder, on its Pillow backend and on torchvision's. Runs are interleaved, each in one
thread. Cost is the CPU time per picture, and ratios are computed within each round. Fidelity is relative to the
Pillow-backed processor: the largest difference in levels of 255, and one minus the cosine of a randomly initialised
SigLIP's vectors, plain and centred, each for the worst picture.

torchvision gets a separate environment, or runs in the given interpreter. If neither works, it is skipped and named.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks.environments import Unavailable, python_with
from benchmarks.interleave import interleaved, ratios
from benchmarks.preprocessing.fidelity import Embed, embedder, nearness
from benchmarks.preprocessing.mosaics import FORMATS, encoded
from benchmarks.preprocessing.timing import cpu_ms
from benchmarks.preprocessing.torchvision_process import (
    REQUIREMENTS,
    TorchvisionProcess,
    started,
)
from benchmarks.preprocessing.ways import MakePixels, transformers, vitrine
from benchmarks.report import Report, parser
from workers.images.pillow_decode import prepare_pillow

PICTURES = 3
"""Per size and format."""
BASE, OTHER = "transformers_pil", "transformers_torchvision"
GOALS = [
    (f"jpeg_4mp_{side}_{way}_{figure}", relation, bound)
    for side in (224, 384)
    for way, figure, relation, bound in (
        ("fast", "vs_transformers_pil", ">=", 3.0),
        ("fast", "vs_transformers_torchvision", ">=", 3.0),
        ("fast", "cosine_distance", "<=", 1e-4),
        ("fast_dct", "vs_transformers_pil", ">=", 5.0),
        ("fast_dct", "vs_transformers_torchvision", ">=", 5.0),
        ("fast_dct", "cosine_distance", "<=", 1e-3),
    )
]


@dataclass(frozen=True)
class Case:
    """Pictures of one size and format, and the target size."""

    name: str
    files: list[Path]
    side: int

    def contents(self) -> list[bytes]:
        """Return the files' bytes."""
        return [file.read_bytes() for file in self.files]


def ways(side: int) -> dict[str, MakePixels]:
    """Return the methods that are compared within this process."""
    return {
        "fast": vitrine(side),
        "fast_dct": vitrine(side, scaling=True),
        "reference": vitrine(side, way="reference"),
        BASE: transformers(side, backend="pil"),
    }


def compare(report: Report, case: Case, rounds: int, peer: TorchvisionProcess | None) -> None:
    """Measure one case: cost in interleaved runs, then fidelity."""
    makers, contents = ways(case.side), case.contents()
    runs: dict[str, Callable[[], float]] = {
        name: partial(cpu_ms, make, contents) for name, make in makers.items()
    }
    if peer:
        runs[OTHER] = partial(peer.cpu_ms, case.side, case.files)
    costs = interleaved(runs, rounds)
    for name, series in costs.items():
        report.spread(f"{case.name}_{name}_cpu_ms", series)
        if name not in {BASE, OTHER}:
            for base in {BASE, OTHER} & costs.keys():
                report.spread(f"{case.name}_{name}_vs_{base}", ratios(costs[base], series))
    pixels = {name: [make(data) for data in contents] for name, make in makers.items()}
    if peer:
        pixels[OTHER] = peer.pixels(case.side, case.files)
    embed: Embed = embedder(case.side)
    for name in pixels.keys() - {BASE}:
        near = nearness(pixels[name], pixels[BASE], embed)
        report.figure(f"{case.name}_{name}_levels", near.levels)
        report.figure(f"{case.name}_{name}_cosine_distance", near.distance)
        report.figure(f"{case.name}_{name}_centred_cosine_distance", near.centred_distance)


def measure(
    sizes: Sequence[float], formats: Sequence[str], sides: Sequence[int], rounds: int, python: str
) -> Report:
    """Measure every size in every format for every target side."""
    prepare_pillow()
    torch.set_num_threads(1)
    report = Report("preprocess")
    for goal in GOALS:
        report.goal(*goal)
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as temporary, ExitStack() as up:
        folder = Path(temporary)
        peer = _peer(report, up, folder, python)
        for megapixels in sizes:
            for kind in formats:
                files = _written(folder, megapixels, kind)
                for side in sides:
                    case = Case(f"{kind}_{megapixels:g}mp_{side}", files, side)
                    compare(report, case, rounds, peer)
                for file in files:
                    file.unlink()
    return report


def _peer(report: Report, up: ExitStack, folder: Path, python: str) -> TorchvisionProcess | None:
    if python == "none":
        report.skip(OTHER, "not requested")
        return None
    try:
        chosen = Path(python) if python else python_with(REQUIREMENTS, over_this=True)
        return up.enter_context(started(chosen, folder))
    except (Unavailable, OSError) as reason:
        report.skip(OTHER, str(reason))
        return None


def _written(folder: Path, megapixels: float, kind: str) -> list[Path]:
    files = [folder / f"{megapixels:g}-{number}.{kind}" for number in range(PICTURES)]
    for number, file in enumerate(files):
        file.write_bytes(encoded(megapixels, kind, number))
    return files


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--megapixels", type=float, nargs="+", default=[0.3, 1, 4, 12, 24])
    options.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    options.add_argument("--sides", type=int, nargs="+", default=[224, 384])
    options.add_argument("--rounds", type=int, default=3, help="turns of each that count")
    options.add_argument(
        "--torchvision", default="", metavar="PYTHON",
        help="an interpreter that has torchvision, transformers and Pillow; `none` leaves it out",
    )  # fmt: skip
    given = options.parse_args()
    if given.quick:
        report = measure([0.3], ["jpeg"], [224], 1, "none")
    else:
        report = measure(
            given.megapixels, given.formats, given.sides, given.rounds, given.torchvision
        )
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
