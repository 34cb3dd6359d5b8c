"""Speed and memory of reading and checking a catalog: `vitrine submit --dry-run` on generated rows.

::

    python -m benchmarks.catalog [--rows 1000000] [--formats csv,jsonl,json,parquet,xml] [--repeats 3] [--large 10000000] [--json]

The rows (id, title, category, colour, size, price, stock, one to three picture URLs) are written to temporary
files. The command then runs in a separate process, as for a user; its peak memory is what the system reports.
Runs of the formats are interleaved. Finally, a large CSV file is read once: `csv_memory_growth` is its peak
divided by the median peak of the smaller files, which is 1 if memory stays flat. `--large 0` skips it.
"""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.interleave import interleaved
from benchmarks.report import Report, parser

FIELDS = ("id", "title", "category", "colour", "size", "price", "stock", "images")
COLOURS = ("red", "blue", "green", "black", "white", "ochre")
SIZES = ("S", "M", "L", "38", "40", "42")
KIBIBYTE = 1024
WORDS = (
    "jersey", "shirt", "linen", "dress", "wool", "coat", "cotton", "trousers", "denim", "jacket",
    "silk", "scarf", "knit", "cardigan", "leather", "boots", "relaxed", "slim", "fit", "long",
    "short", "sleeve", "collar", "striped", "checked", "plain", "washed", "organic", "classic",
    "summer", "winter", "light", "heavy", "button", "zip", "pocket", "waist", "pleated", "ribbed",
    "quilted", "lined",
)  # fmt: skip
TITLE_WORDS = range(4, 9)
LARGE_ROWS = 10_000_000
FLAT = 1.1
"""Largest accepted ratio of peak memory for the large file to that for the small one."""
GROUP_ROWS = 250_000
"""Rows per Parquet row group."""


def generate(rows: int, seed: int = 1, pictures: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield rows, the same for the same seed, with `pictures` pictures each or else one to three.

    The pictures' names are digests, as content delivery networks generate them, so that they do not compress.
    """
    pick = random.Random(seed)
    for number in range(rows):
        yield {
            "id": f"SKU-{number:08d}",
            "title": " ".join(pick.choices(WORDS, k=pick.choice(TITLE_WORDS))),
            "category": f"garments/{number % 97}",
            "colour": pick.choice(COLOURS),
            "size": pick.choice(SIZES),
            "price": pick.randrange(500, 20000) / 100,
            "stock": pick.randrange(200),
            "images": [
                f"https://cdn.example.com/catalog/{pick.getrandbits(64):016x}.jpg"
                for _ in range(pictures or 1 + number % 3)
            ],
        }


def write(path: Path, rows: int, form: str, pictures: int | None = None) -> None:
    """Write the rows as CSV (pictures joined with a bar), JSON Lines, one JSON array, Parquet or XML (a feed for Google)."""
    drawn = generate(rows, pictures=pictures)
    if form == "parquet":
        _write_parquet(path, drawn)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if form == "json":
            file.writelines(_array(drawn))
            return
        if form == "jsonl":
            file.writelines(json.dumps(row) + "\n" for row in drawn)
            return
        if form == "xml":
            file.writelines(_feed(drawn))
            return
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        for row in drawn:
            writer.writerow(row | {"images": " | ".join(row["images"])})


def _array(drawn: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(drawn):
        yield f"{',' if number else ''}\n{json.dumps(row)}"
    yield "\n]\n"


def _feed(drawn: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0">\n<channel>\n'
    for row in drawn:
        fields = [(name, str(row[name])) for name in FIELDS[:-1]]
        fields += [("image_link", picture) for picture in row["images"]]
        inner = "".join(f"  <g:{name}>{escape(text)}</g:{name}>\n" for name, text in fields)
        yield f"<item>\n{inner}</item>\n"
    yield "</channel>\n</rss>\n"


def _write_parquet(path: Path, drawn: Iterator[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = list(islice(drawn, GROUP_ROWS))
    schema = pa.Table.from_pylist(first).schema
    with pq.ParquetWriter(path, schema) as writer:
        while first:
            writer.write_table(pa.Table.from_pylist(first, schema))
            first = list(islice(drawn, GROUP_ROWS))


@dataclass(frozen=True, slots=True)
class Turn:
    """Results of one run of the command."""

    rows_per_s: float
    cpu_us_per_row: float
    peak_rss_mb: float


def written(folder: Path, rows: int, form: str) -> Path:
    """Write a catalog in a separate process, because a child's peak memory starts at that of its parent."""
    folder.mkdir(exist_ok=True)
    path = folder / f"catalog.{form}"
    writer = get_context("spawn").Process(target=write, args=(path, rows, form))
    writer.start()
    writer.join()
    return path


def turn(path: Path) -> Turn:
    """Run the command on a catalog. Raises `RuntimeError` if it fails."""
    began = time.perf_counter()
    report, usage = _run([sys.executable, "-m", "vitrine", "submit", str(path)])
    seconds = time.perf_counter() - began
    # Linux reports KiB, macOS bytes.
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else KIBIBYTE)
    rows = int(report["rows"])
    return Turn(rows / seconds, 1e6 * (usage.ru_utime + usage.ru_stime) / rows, peak / 1e6)


def _run(command: list[str]) -> tuple[dict[str, Any], resource.struct_rusage]:
    with subprocess.Popen([*command, "--dry-run", "--json"], stdout=subprocess.PIPE) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"the command ended with {process.returncode}")
    return json.loads(output), usage


def measure(rows: int, forms: Sequence[str], repeats: int, large: int) -> Report:
    """Measure every format in interleaved runs, then the large file."""
    report = Report("catalog")
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder:
        runs = {form: partial(turn, written(Path(folder), rows, form)) for form in forms}
        turns = interleaved(runs, repeats, warm_ups=0)
        at_large = turn(written(Path(folder) / "large", large, "csv")) if large else None
    for form, found in turns.items():
        report.spread(f"{form}_rows_per_s", [one.rows_per_s for one in found])
        report.spread(f"{form}_cpu_us_per_row", [one.cpu_us_per_row for one in found])
        report.spread(f"{form}_peak_rss_mb", [one.peak_rss_mb for one in found])
    if at_large is not None and "csv" in turns:
        _say_large(report, large, at_large)
    return report


def _say_large(report: Report, rows: int, found: Turn) -> None:
    report.figure("csv_rows_large", rows)
    report.figure("csv_rows_per_s_large", found.rows_per_s)
    report.figure("csv_peak_rss_mb_large", found.peak_rss_mb)
    report.figure("csv_memory_growth", found.peak_rss_mb / report.figures["csv_peak_rss_mb"])
    report.goal("csv_memory_growth", "<=", FLAT)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--formats", default="csv,jsonl,json,parquet,xml")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--large", type=int, default=LARGE_ROWS, help="rows; 0: leave it out")
    given = options.parse_args()
    forms = given.formats.split(",")
    rows, repeats, large = given.rows, given.repeats, given.large
    if given.quick:
        rows, repeats, large = 2000, 1, 4000
    measure(rows, forms, repeats, large).show(as_json=given.json)


if __name__ == "__main__":
    main()
