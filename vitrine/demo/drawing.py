"""Drawing the catalog: from a seed to items and their picture files, with one process per core.

Every item has a separate random stream (from seed and number), so the catalog is the same for any number
of processes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from vitrine.core.python_command import safe_path
from vitrine.demo import bags, fabrics, garments
from vitrine.demo.cut import Product
from vitrine.demo.palette import COLOURS
from vitrine.demo.photograph import as_file, photograph
from vitrine.demo.tailoring import tailor

CUTS: dict[str, Callable[[np.random.Generator], Product]] = {
    "t-shirt": garments.t_shirt,
    "shirt": garments.shirt,
    "hoodie": garments.hoodie,
    "jacket": garments.jacket,
    "dress": garments.dress,
    "skirt": garments.skirt,
    "trousers": garments.trousers,
    "shorts": garments.shorts,
    "tote bag": bags.tote_bag,
    "handbag": bags.handbag,
    "backpack": bags.backpack,
    "duffel bag": bags.duffel_bag,
}
ADJECTIVES = {
    "stripes": "striped", "checks": "checked", "dots": "dotted", "florals": "floral", "plain": "plain",
}  # fmt: skip
PRICES = {"garment": (19.0, 120.0), "bag": (29.0, 160.0)}


@dataclass(frozen=True, slots=True)
class Design:
    """An item before it is drawn."""

    number: int
    category: str
    pattern: str
    colour: str

    @property
    def id(self) -> str:
        """The item's id in the catalog."""
        return f"vt-{self.number:04d}"


@dataclass(frozen=True, slots=True)
class DrawnItem:
    """An item with its picture files, as paths relative to their folder."""

    id: str
    title: str
    category: str
    pattern: str
    colour: str
    price: float
    files: tuple[str, ...]


def designs() -> list[Design]:
    """Return every combination of pattern, colour and cut: 5 x 6 x 12 = 360 items."""
    combinations = (
        (category, pattern, colour)
        for pattern in fabrics.PATTERNS
        for colour in COLOURS
        for category in CUTS
    )
    return [Design(number, *names) for number, names in enumerate(combinations, start=1)]


def draw_catalog(
    folder: Path, *, seed: int, processes: int | None = None, only: list[Design] | None = None
) -> Iterator[DrawnItem]:
    """Draw every item's pictures into `folder`, yielding items in order as they are finished.

    `processes`: None for one per core; 1 draws in this process. `only` draws a part of the catalog.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw = partial(draw_item, folder=folder, seed=seed)
    todo = designs() if only is None else only
    workers = processes or os.cpu_count() or 1
    if workers == 1:
        yield from map(draw, todo)
        return
    with safe_path():  # all processes have been started when map returns
        # spawn: a fork would copy locks held by the caller's threads.
        pool = ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent
        )
        drawn = pool.map(draw, todo, chunksize=6)
    with pool:
        yield from drawn


def draw_item(design: Design, *, folder: Path, seed: int) -> DrawnItem:
    """Weave, cut, sew and photograph one item, in one to three pictures."""
    rng = np.random.default_rng([seed, design.number])
    cloth = fabrics.swatch(design.pattern, design.colour, rng)
    product = tailor(CUTS[design.category](rng), cloth, rng)
    files = []
    for index in range(int(rng.choice([1, 2, 2, 2, 3]))):
        suffix, content = as_file(photograph(product, rng), rng)
        files.append(f"{design.id}-{index}{suffix}")
        (folder / files[-1]).write_bytes(content)
    return _described(design, tuple(files), rng)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _described(design: Design, files: tuple[str, ...], rng: np.random.Generator) -> DrawnItem:
    low, high = PRICES[
        "bag" if "bag" in design.category or "pack" in design.category else "garment"
    ]
    return DrawnItem(
        id=design.id,
        title=f"{design.colour.capitalize()} {ADJECTIVES[design.pattern]} {design.category}",
        category=design.category,
        pattern=design.pattern,
        colour=design.colour,
        price=round(rng.uniform(low, high)) - 0.05,
        files=files,
    )
