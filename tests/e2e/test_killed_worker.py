"""The worker is killed with SIGKILL in the middle of a job, several times: in = out, and points = embedded pictures."""

from __future__ import annotations

import csv
import io
import os
import signal
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.standalone_process import House, standalone, submit_file, until
from vitrine.demo.shop import Shop

pytestmark = [pytest.mark.long, pytest.mark.e2e]
PICTURES = 5000
KILLS = 3
FILES = 50


def draw(folder: Path) -> list[str]:
    """Draw small distinct pictures."""
    names = []
    for n in range(FILES):
        picture = Image.new("RGB", (48, 48), (n * 5, 255 - n * 5, 128))
        picture.paste((255, 255, 255), (n % 40, 4, n % 40 + 8, 44))
        picture.save(folder / f"{n}.png")
        names.append(f"{n}.png")
    return names


def write_catalog(path: Path, shop: Shop, names: list[str]) -> None:
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["id", "image"])
    for n in range(PICTURES):
        missing = n % 1000 == 7
        url = shop.broken_url("none.jpg") if missing else shop.picture_url(names[n % FILES])
        table.writerow([f"item-{n}", url])
    path.write_text(file.getvalue())


def kill_worker(house: House, job: str, at_least: int) -> None:
    """Kill the worker once `at_least` pictures are embedded, and wait for the next worker."""

    def far_enough() -> bool:
        status = house.get(f"/v1/jobs/{job}")
        assert not status["finished_at"], "the job ended before the kill"
        return int(status["embedded"]) >= at_least

    until(far_enough, f"{at_least} embedded pictures")
    pid = until(house.worker_pid, "a worker to kill")
    os.kill(pid, signal.SIGKILL)
    until(lambda: house.worker_pid() not in {None, pid}, "the next worker")


def test_a_job_survives_its_worker_being_killed_three_times(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    names = draw(folder)
    with Shop(folder) as shop:
        catalog = tmp_path / "catalog.csv"
        write_catalog(catalog, shop, names)
        extra = {
            "VITRINE_FETCH_ALLOW": shop.address,
            "VITRINE_LEASE_SECONDS": "4",
            "VITRINE_SWEEP_SECONDS": "1",
            # A hundred rows share a picture: with the cache, the job would end before a worker could be killed.
            "VITRINE_EMBEDDING_CACHE_BYTES": "0",
        }
        with standalone(tmp_path / "data", extra=extra) as house:
            job = submit_file(house, catalog, "killed")
            for kill in range(KILLS):
                kill_worker(house, job, at_least=200 + 600 * kill)
            status = house.finished(job)
            assert status["state"] == "completed_with_failures"
            assert status["embedded"] + status["failed"] == status["images"] == PICTURES
            assert status["failed_by_reason"] == {"not_found": 5}
            with house.store() as store:
                stored = {
                    point.payload["item_id"] for point in store.scroll("killed", with_vectors=False)
                }
                assert store.count("killed") == status["embedded"]
            assert stored == {f"item-{n}" for n in range(PICTURES) if n % 1000 != 7}
