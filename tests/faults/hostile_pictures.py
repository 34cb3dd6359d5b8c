"""Damaged pictures by the hundred thousand, through the decoder as workers configure it.

    python -m tests.faults.hostile_pictures COUNT [FOLDER]

Runs in a separate process, since a case may crash it. Pictures of every accepted format, and the files of FOLDER if
given, are truncated, overwritten, and have bytes inserted and removed; the same COUNT gives the same cases. Prints
JSON: the number of cases, the outcomes by reason (`decoded` for a picture), unexpected errors, and the resident set
after a tenth and at the end.
"""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from tests.faults.harness.promise import at_least, at_most
from tests.faults.harness.tally import Tally
from vitrine.core.types import ItemFailure
from workers.image_decoder import ImageDecoder
from workers.images.pillow_decode import prepare_pillow

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP")
LARGEST = 1_000_000
"""Maximum size in bytes of a file from FOLDER: larger ones take time and find nothing more."""
MAX_PIXELS = 4_000_000
GROWTH = 1.05
"""Maximum of the resident set at the end, relative to that after a tenth."""
HEAD = 1024
"""Half of the damage is within this many bytes, where decoders recognise the format."""


@dataclass
class Ends:
    """The outcomes of the cases."""

    cases: int
    outcomes: dict[str, int] = field(default_factory=dict)
    unforeseen: list[str] = field(default_factory=list)
    rss_at_tenth: int = 0  #: Bytes.
    rss_at_end: int = 0

    @property
    def growth(self) -> float:
        """The resident set at the end, relative to that after a tenth."""
        return self.rss_at_end / self.rss_at_tenth


def starts(folder: Path | None) -> list[bytes]:
    """Return whole pictures to damage."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    pixels = Image.fromarray(noise).resize((160, 120)).convert("RGB")
    made = []
    for name in FORMATS:
        for mode in ("RGB", "L", "P") if name in {"PNG", "GIF", "BMP"} else ("RGB",):
            file = io.BytesIO()
            pixels.convert(mode).save(file, name)
            made.append(file.getvalue())
    files = sorted(file for file in folder.rglob("*") if file.is_file()) if folder else []
    return made + [file.read_bytes() for file in files if file.stat().st_size <= LARGEST]


def damaged(whole: list[bytes], count: int) -> Iterator[bytes]:
    """Yield `count` cases, the same each time."""
    chance = random.Random(count)
    for _ in range(count):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 9)):
            _damage(data, chance)
        yield bytes(data[: len(data) if chance.random() < 0.7 else chance.randrange(len(data) + 1)])


def _damage(data: bytearray, chance: random.Random) -> None:
    reach = min(len(data), HEAD) if chance.random() < 0.5 else len(data)
    at = chance.randrange(reach + 1)
    piece = chance.choice((chance.randbytes(chance.randrange(1, 5)), b"\x00" * 4, b"\xff" * 4))
    kind = chance.randrange(4)
    if kind < 2:
        data[at : at + len(piece)] = piece
    elif kind == 2:
        data[at:at] = piece
    else:
        del data[at : at + len(piece)]


def decode_all(count: int, folder: Path | None) -> Ends:
    """Decode the cases in this process."""
    prepare_pillow()
    decode, process = ImageDecoder(MAX_PIXELS), psutil.Process()
    ends, outcomes = Ends(count), Counter[str]()
    for number, data in enumerate(damaged(starts(folder), count), 1):
        try:
            decode(data)
            outcomes["decoded"] += 1
        except ItemFailure as failure:
            outcomes[failure.reason.value] += 1
        except Exception as error:  # noqa: BLE001 - any other is what is looked for
            ends.unforeseen.append(f"case {number}: {type(error).__name__}: {error}")
        if number == max(1, count // 10):
            ends.rss_at_tenth = process.memory_info().rss
    ends.rss_at_end = process.memory_info().rss
    ends.outcomes = dict(outcomes)
    return ends


def in_a_process(count: int, folder: Path | None = None) -> Ends:
    """Decode the cases in a separate process; raises `RuntimeError` if it crashes."""
    named = [str(folder)] if folder else []
    ended = subprocess.run(
        [sys.executable, "-m", __name__, str(count), *named], capture_output=True, text=True, check=False
    )  # fmt: skip
    if ended.returncode:
        raise RuntimeError(f"the decoder's process ended with {ended.returncode}: {ended.stderr}")
    return Ends(**json.loads(ended.stdout))


def counted(count: int, folder: Path | None = None) -> Tally:
    """Return the result as a row among the faults; the files of `folder` are damaged too."""
    ends = in_a_process(count, folder)
    began = "the odd files" if folder else "drawn pictures only"
    counted = Tally(
        fault=f"damaged pictures through the decoder ({began})",
        times=count,
        put_in=count,
        out=sum(ends.outcomes.values()),
        lost=len(ends.unforeseen),
        doubled=0,
    )
    return counted.promising(
        at_most("memory at the end relative to a tenth in", GROWTH, ends.growth),
        at_most("MiB at the end", 1024, ends.rss_at_end / 2**20),
        at_least("kinds of outcome", 4, len(ends.outcomes)),
    )


if __name__ == "__main__":
    found = decode_all(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    sys.stdout.write(json.dumps(asdict(found)))
