"""A worker's memory: whether it stays flat over 200,000 pictures, and how much large pictures add.

::

    python -m benchmarks.memory [--pictures 200000] [--json]

A separate worker process takes a catalog from a picture host on loopback through real Redis and the real store, with a
simulated device. Most pictures are small (256 x 256), so that 200,000 take only minutes. Of every 128, two have 4
megapixels, one is truncated, one is not a picture and one is missing, because failures take a separate path through
every stage. `rss_mb_at_N` is the median of the resident set over the 5% of the pictures before N percent;
`rss_growth` is its value at 100 divided by that at 10.

Then come pictures of 12 and of 47 megapixels (files of about 4 and 17 MB), more of them than the limits admit
together. `large_N_mp_mb` is the peak increase of the resident set over its value before; `_bound_mb` is the sum
of the limits in the settings: `fetch_memory_bytes`, one more picture, and four bytes per pixel for each decoding
thread. `rss_mb_after_large` is what the process retains.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from PIL import Image

from benchmarks.parts.fed_job import FedJob
from benchmarks.parts.pictures import drawn
from benchmarks.parts.process import Process, running
from benchmarks.parts.surroundings import Surroundings, surroundings
from benchmarks.report import Report, parser
from vitrine.core.redis_client import connect_redis
from vitrine.core.settings import Settings
from vitrine.messaging.worker_registry import live_workers
from vitrine.process.cores import usable_cores
from workers.images.decode_cost import FAST_JPEG

MODEL = "timed-64-in-25ms"
MIX = 128
PICTURES, QUICK_PICTURES = 200_000, 4_000
MEASURED_AT = range(10, 101, 10)
"""Percent of the pictures."""
WINDOW = 5
"""Percent before each of these over which to take the median: a single moment may or may not hold a large picture."""
GROWTH = 1.05
LARGE = {12: (3464, 160), 47: (6880, 60)}
"""Megapixels: side in pixels, and number of pictures."""
LARGE_QUALITY = 98
MEGA = 1e6
_LOOK_EVERY = 0.1
_STILL_SECONDS = 300.0


@dataclass
class Watched:
    """A worker's resident set while jobs run."""

    process: Process
    seen: list[tuple[int, float]] = field(default_factory=list)  #: Outcomes so far, and MB then.

    def rss_mb(self) -> float:
        """Return the current resident set in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / MEGA

    def run(self, job: FedJob, pictures: int) -> float:
        """Run a job of this many pictures to its end. Returns its seconds; raises `RuntimeError` if it stalls."""
        self.seen.clear()
        began = moved = time.monotonic()
        while not self.seen or self.seen[-1][0] < pictures:
            status = job.feed(pictures)
            done = status.embedded + status.failed
            if self.seen and done > self.seen[-1][0]:
                moved = time.monotonic()
            if time.monotonic() - moved > _STILL_SECONDS:
                raise RuntimeError(
                    f"the worker stands still; its log ends so:\n{self.process.tail()}"
                )
            self.seen.append((done, self.rss_mb()))
            time.sleep(_LOOK_EVERY)
        return time.monotonic() - began

    def median_mb(self, low: float, high: float) -> float:
        """Return the median in MB between two numbers of outcomes, or the last sample before if there is none."""
        within = [mb for done, mb in self.seen if low < done <= high]
        before = [mb for done, mb in self.seen if done <= high]
        return statistics.median(within or before[-1:])

    def peak_mb(self) -> float:
        """Return the largest sample in MB."""
        return max(mb for _, mb in self.seen)


@contextmanager
def watched_worker(around: Surroundings) -> Iterator[Watched]:
    """Run a worker for the duration of the block."""
    command = [sys.executable, "-P", "-m", "vitrine", "worker", "--model", MODEL, "--device", "cpu"]
    log = around.folder / "worker.log"
    with running(command, environment=around.environment(), log=log) as process:
        with closing(connect_redis(around.redis_url)) as redis:
            process.wait_for(lambda: any(one.pid == process.pid for one in live_workers(redis)))
        yield Watched(process)


def mixed() -> list[bytes]:
    """Return the long job's pictures, `MIX` of them. The one at index 2 is never requested."""
    sources = [drawn(seed) for seed in range(8)]
    small = [saved(source.resize((256, 256)), 85) for source in sources]
    pictures = [small[number % len(small)] for number in range(MIX)]
    pictures[0] = pictures[64] = saved(sources[0].resize((2000, 2000)), 80)
    pictures[1] = small[0][: len(small[0]) // 2]
    pictures[3] = b"<!doctype html><title>Sold out</title>" * 100
    return pictures


def large(side: int) -> bytes:
    """Return a picture of `side` x `side` pixels with as much detail as a photograph."""
    tile, canvas = drawn(1), Image.new("RGB", (side, side))
    for left in range(0, side, tile.width):
        for top in range(0, side, tile.height):
            canvas.paste(tile, (left, top))
    return saved(canvas, LARGE_QUALITY)


def saved(image: Image.Image, quality: int) -> bytes:
    """Encode as JPEG."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def soak(around: Surroundings, worker: Watched, report: Report, pictures: int) -> None:
    """Run the long job."""

    def url(number: int) -> str:
        missing = number % MIX == 2
        return f"{around.pictures_url}/{'gone' if missing else number % MIX}.jpg?{number}"

    with closing(FedJob(around, MODEL, url)) as job:
        seconds = worker.run(job, pictures)
    report.figure("pictures", pictures)
    report.figure("pictures_per_s", pictures / seconds)
    for hundredths in MEASURED_AT:
        high = pictures * hundredths / 100
        mb = worker.median_mb(high - pictures * WINDOW / 100, high)
        report.figure(f"rss_mb_at_{hundredths}", mb)
    report.figure("rss_peak_mb", worker.peak_mb())
    report.figure("rss_growth", report.figures["rss_mb_at_100"] / report.figures["rss_mb_at_10"])
    report.goal("rss_growth", "<=", GROWTH)


def large_ones(
    around: Surroundings,
    worker: Watched,
    report: Report,
    size: tuple[int, int, int],
    *,
    quick: bool,
) -> None:
    """Run a job of large pictures only. `size` is megapixels, side in pixels, and the file's bytes."""
    megapixels, side, file_bytes = size
    count = 8 if quick else LARGE[megapixels][1]
    number = MIX + list(LARGE).index(megapixels)
    before = worker.rss_mb()
    with closing(FedJob(around, MODEL, lambda n: f"{around.pictures_url}/{number}.jpg?{n}")) as job:
        worker.run(job, count)
    name = f"large_{megapixels}_mp"
    report.figure(f"{name}_file_mb", file_bytes / MEGA)
    report.figure(f"{name}_mb", worker.peak_mb() - before)
    report.figure(f"{name}_bound_mb", bound_bytes(side * side, file_bytes) / MEGA)
    report.goal(f"{name}_mb", "<=", round(report.figures[f"{name}_bound_mb"]))


def bound_bytes(pixels: int, file_bytes: int) -> float:
    """Return the memory that pictures of one size may use with default settings. Model inputs are negligible."""
    defaults = Settings.model_construct()
    one = pixels * FAST_JPEG
    decoded = min(usable_cores() * one, defaults.decode_memory_bytes // 2)
    return defaults.fetch_memory_bytes + file_bytes + max(decoded, one)


def main() -> None:
    """Measure and report."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, default=PICTURES)
    given = options.parse_args()
    pictures = min(given.pictures, QUICK_PICTURES) if given.quick else given.pictures
    report = Report("memory")
    files = {megapixels: large(side) for megapixels, (side, _) in LARGE.items()}
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder,
        surroundings(Path(folder), [*mixed(), *files.values()]) as around,
        watched_worker(around) as worker,
    ):
        soak(around, worker, report, pictures)
        for megapixels, file in files.items():
            size = (megapixels, LARGE[megapixels][0], len(file))
            large_ones(around, worker, report, size, quick=given.quick)
        report.figure("rss_mb_after_large", worker.rss_mb())
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
