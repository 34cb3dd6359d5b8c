"""The disk below a standalone service fills up in the middle of a job, and is freed later.

The service runs in its own mount namespace, in which its data directory is a small in-memory file system; a ballast
file fills it and is later removed. Needs Linux and the right to create namespaces.
"""

from __future__ import annotations

import contextlib
import csv
import io
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.standalone_process import House, environment, submit_file
from tests.faults.harness.environment import COLLECTION, until
from tests.faults.harness.picture_host import Host, missing
from tests.faults.harness.promise import within
from tests.faults.harness.tally import Tally
from tests.faults.worker_faults import GONE_EVERY
from vitrine.core.service_discovery import runtime_file

SIZE_MIB = 200
_MOUNT = 'mount -t tmpfs -o size="$0"m vitrine "$1" && shift && exec "$@"'


def possible() -> bool:
    """Return whether this machine can create such a namespace."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return False
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def small_house(folder: Path, allow: list[str]) -> Iterator[House]:
    """Run a standalone service on a disk of `SIZE_MIB`; yield it once it is ready, with its data
    directory as seen from outside."""
    mounted = folder / "disk"
    mounted.mkdir()
    command = [sys.executable, "-m", "vitrine", "standalone", "--port", "0"]
    settings = {
        "VITRINE_FETCH_ALLOW": ",".join(allow),
        "VITRINE_LEASE_SECONDS": "3",
        "VITRINE_SWEEP_SECONDS": "1",
    }
    with (folder / "standalone.log").open("ab") as log:
        process = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", _MOUNT, str(SIZE_MIB), str(mounted), *command],
            env=environment(mounted, settings), stdout=log, stderr=log,
        )  # fmt: skip
    house = House(Path(f"/proc/{process.pid}/root{mounted}"), process)
    try:
        until(
            lambda: process.poll() is not None or runtime_file(house.data_dir).exists(),
            "the service",
        )
        assert process.poll() is None, (folder / "standalone.log").read_text()
        yield house
    finally:
        house.stop()


def fill(house: House) -> None:
    """Write a ballast file until the disk is full."""
    with contextlib.suppress(OSError), (house.data_dir / "ballast").open("wb", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


def make_room(house: House) -> None:
    """Delete the ballast file."""
    (house.data_dir / "ballast").unlink()


def full(folder: Path, *, pictures: int, seconds: float) -> Tally:
    """Fill the disk for some seconds in the middle of a job."""
    with (
        Host() as good,
        Host(missing) as gone,
        small_house(folder, [good.address, gone.address]) as house,
    ):
        job = submit_file(house, _catalog(folder, good, gone, pictures), COLLECTION)

        def come_so_far() -> bool:
            return int(_status(house, job)["embedded"]) > pictures // 5

        until(come_so_far, "a fifth of the job")
        fill(house)
        time.sleep(seconds)
        make_room(house)
        began = time.monotonic()
        status = until(lambda: _if_finished(house, job), f"job {job} to finish")
        took = time.monotonic() - began
        with house.store() as store:
            stored = {
                point.payload["item_id"] for point in store.scroll(COLLECTION, with_vectors=False)
            }
            points = store.count(COLLECTION)
    expected = {f"item-{n}" for n in range(pictures) if n % GONE_EVERY != 5}
    counted = Tally(
        fault="disk of the standalone service full", times=1, put_in=status["images"],
        out=status["embedded"] + status["failed"],
        lost=status["pending"] + abs(points - status["embedded"]),
        doubled=0, wrong=len(expected ^ stored), recoveries=[took],
    )  # fmt: skip
    return counted.promising(within("all done after space is freed", 120, [took]))


def _status(house: House, job: str) -> dict[str, Any]:
    """Return the job's status, or an empty one while the service cannot provide it."""
    with contextlib.suppress(AssertionError, OSError):
        found: dict[str, Any] = house.get(f"/v1/jobs/{job}")
        return found
    return {"embedded": 0, "finished_at": None}


def _if_finished(house: House, job: str) -> dict[str, Any] | None:
    status = _status(house, job)
    return status if status["finished_at"] else None


def _catalog(folder: Path, good: Host, gone: Host, pictures: int) -> Path:
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(["id", "image"])
    for n in range(pictures):
        rows.writerow([f"item-{n}", (gone if n % GONE_EVERY == 5 else good).url(n)])
    path = folder / "catalog.csv"
    path.write_text(file.getvalue())
    return path
