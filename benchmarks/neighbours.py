"""Quality of neighbour judgements on labelled pictures: the relevance cut, near-duplicates and steering.

`python -m benchmarks.neighbours FOLDER [--model DIR]... [--json]`. FOLDER contains `labels.csv` with the columns
`file` and `label`, and the files. For each model it reports how much the per-query cut gains over the best fixed
score, how many copies created here (re-encoded, halved, brightened, cropped) are found as near-identical and how many
false matches come with them, and the effect of plus and minus. The figures in docs/similarity.md come from here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.parts.judged import FLAT, Cuts, copies_found, cuts, steered, uneven
from benchmarks.report import Report, parser
from vitrine.similarity.threshold import DISTANCE_RATIO
from workers.image_decoder import ImageDecoder
from workers.models.base import EmbeddingModel
from workers.models.factory import open_model

BATCH = 32
COPIED = 6  #: Copy one picture in this many.
SHARES = (0.10, DISTANCE_RATIO, 0.15)

Way = Callable[[Image.Image], Image.Image]


def _halved(image: Image.Image) -> Image.Image:
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)))


def _brighter(image: Image.Image) -> Image.Image:
    return image.point(lambda value: min(255, int(value * 1.08)))


def _cropped(image: Image.Image) -> Image.Image:
    """Remove 3% on each side."""
    width, height = image.size
    across, down = round(0.03 * width), round(0.03 * height)
    return image.crop((across, down, width - across, height - down))


WAYS: dict[str, tuple[int, Way]] = {
    "re-encoded": (60, lambda image: image),
    "halved": (85, _halved),
    "brighter": (90, _brighter),
    "cropped": (90, _cropped),
}
"""JPEG quality of each kind of copy, and its change to the picture."""


def copy_of(data: bytes, quality: int, way: Way) -> bytes:
    """Return a picture's copy as a JPEG."""
    with Image.open(io.BytesIO(data)) as image:
        made = way(image.convert("RGB"))
    written = io.BytesIO()
    made.save(written, "JPEG", quality=quality)
    return written.getvalue()


def embed(model: EmbeddingModel, pictures: Sequence[bytes]) -> NDArray[np.float32]:
    """Return unit vectors, float32 [n, dimension]."""
    decode = ImageDecoder(10**8)
    parts = [
        model.embed([model.preprocess(decode(data)) for data in pictures[start : start + BATCH]])
        for start in range(0, len(pictures), BATCH)
    ]
    vectors = np.concatenate(parts).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def measure(name: str, files: Sequence[tuple[str, str]], folder: Path, report: Report) -> Cuts:
    """Report everything about one model."""
    model = open_model(name, device="cpu")
    short = model.name
    pictures = [(folder / file).read_bytes() for file, _ in files]
    labels = np.array([label for _, label in files])
    vectors = embed(model, pictures)
    found = cuts(vectors, labels)
    _note(found, f"even_{short}", report)
    rows = uneven(labels)
    _note(cuts(vectors[rows], labels[rows]), f"uneven_{short}", report)
    for name_, share in steered(vectors, labels).items():
        report.figure(f"right_of_next_five_{name_}_{short}", share)
    for kinds, copied in _copies(pictures):
        copies = embed(model, [copy for _, copy in copied])
        names = [*(file for file, _ in files), *(files[row][0] for row, _ in copied)]
        for one in copies_found(np.concatenate([vectors, copies]), names, SHARES):
            report.figure(f"found_{kinds}_at_{one.share:g}_{short}", one.found)
            report.figure(f"false_{kinds}_at_{one.share:g}_{short}", one.false)
    return found


def _note(found: Cuts, of: str, report: Report) -> None:
    report.figure(f"f1_per_question_{of}", found.per_question)
    report.figure(f"f1_flat_{of}", found.flat)
    report.figure(f"f1_first_ten_{of}", found.always)
    report.figure(f"f1_best_possible_{of}", found.best_possible)


def _copies(pictures: Sequence[bytes]) -> Iterator[tuple[str, list[tuple[int, bytes]]]]:
    """Yield the copies of each kind alone, then all together, each with its picture's row."""
    rows = range(0, len(pictures), COPIED)
    made = {
        kind: [(row, copy_of(pictures[row], quality, way)) for row in rows]
        for kind, (quality, way) in WAYS.items()
    }
    yield from made.items()
    yield "together", [copy for kind in made.values() for copy in kind]


def transferred(found: Sequence[Cuts]) -> float:
    """Return the mean F1 if each model is cut at the fixed score that is best for another."""
    chosen = [int(one.by_flat.argmax()) for one in found]
    return float(np.mean([
        mine.by_flat[flat]
        for number, mine in enumerate(found) for other, flat in enumerate(chosen) if other != number
    ]))  # fmt: skip


def main() -> None:
    """Measure every model and print."""
    options = parser(__doc__)
    options.add_argument("folder", type=Path, help="pictures, with labels.csv")
    options.add_argument(
        "--model", action="append", help="a model; the built-in one where not given"
    )
    given = options.parse_args()
    with (given.folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        files = [(row["file"], row["label"]) for row in csv.DictReader(file)]
    if given.quick:
        files = files[::4]
    report = Report("neighbours")
    report.note("pictures", f"{len(files)} of {len({label for _, label in files})} labels")
    found = [measure(name, files, given.folder, report) for name in given.model or ["builtin"]]
    if len(found) > 1:
        report.figure("f1_flat_of_another_model", transferred(found))
        report.note("flat scores", f"{len(FLAT)} were tried")
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
