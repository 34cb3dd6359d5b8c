"""A bulk load end to end: its index is built afterwards and the job waits for it, even if
processes are killed in between.
"""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.standalone_process import House, family, standalone, submit_file, until
from vitrine.demo.shop import Shop

pytestmark = [pytest.mark.long, pytest.mark.e2e]
PICTURES = 1000
INDEX_POINTS = 300
SWEEP_SECONDS = 3
"""Seconds between two index checks, so a job stays `indexing` at least that long: enough time for a kill."""


def write_catalog(folder: Path, shop: Shop) -> Path:
    """Write a catalog of many items that share a few pictures; one in a hundred is missing."""
    for n in range(20):
        Image.new("RGB", (32, 32), (n * 12, 255 - n * 12, 99)).save(folder / f"{n}.png")
    path = folder / "catalog.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "image"])
        for n in range(PICTURES):
            missing = n % 100 == 7
            url = shop.broken_url("none.jpg") if missing else shop.picture_url(f"{n % 20}.png")
            table.writerow([f"item-{n}", url])
    return path


def kill(house: House, part: str) -> None:
    """Kill a part of the service with SIGKILL."""
    [pid] = [child.pid for child in family(house.process.pid) if f"vitrine {part}" in child.command]
    os.kill(pid, signal.SIGKILL)


def indexing(house: House, job: str) -> dict[str, Any]:
    """Return the job's status once it waits for its index."""

    def waits() -> dict[str, Any] | None:
        status: dict[str, Any] = house.get(f"/v1/jobs/{job}")
        assert not status["finished"], "the job ended without waiting for its index"
        return status if status["state"] == "indexing" else None

    found: dict[str, Any] = until(waits, "the job to wait for its index")
    return found


@pytest.mark.parametrize("killed", [(), ("worker", "store")])
def test_a_bulk_job_ends_with_its_index_built(tmp_path: Path, killed: tuple[str, ...]) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    with Shop(folder) as shop:
        catalog = write_catalog(folder, shop)
        extra = {
            "VITRINE_FETCH_ALLOW": shop.address,
            "VITRINE_INDEX_POINTS": str(INDEX_POINTS),
            "VITRINE_SWEEP_SECONDS": str(SWEEP_SECONDS),
        }
        with standalone(tmp_path / "data", extra=extra) as house:
            job = submit_file(house, catalog, "bulk")
            waiting = indexing(house, job)
            assert (waiting["pending"], waiting["finished_at"]) == (0, None)
            for part in killed:
                kill(house, part)
            status = house.finished(job)
            assert status["state"] == "completed_with_failures"
            assert (status["embedded"], status["failed"]) == (990, 10)
            with house.store() as store:
                state = store.index_state("bulk")
                assert (state.points, state.indexed) == (990, 990)
                assert state.green
                assert store.deferred() == []
            found = house.post("/v1/search", collection="bulk", item="item-3", top=5)["hits"]
            assert len(found) == 5
