"""`vitrine worker --devices`: every device works, a dead worker is restarted, one signal stops all."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.blocking_host import held_shop
from tests.e2e.standalone_process import family, is_alive, until
from tests.e2e.worker_environment import Floor, workshop_floor
from tests.patience import PATIENCE
from vitrine.messaging.worker_registry import live_workers
from vitrine.store.open import open_store

pytestmark = [pytest.mark.e2e]
PICTURES = 64 * 4


def living(floor: Floor) -> set[int]:
    """Return the process ids of the live workers."""
    with floor.redis as redis:
        return {worker.pid for worker in live_workers(redis) if is_alive(worker.pid)}


def stored(floor: Floor) -> int:
    """Return the number of points in the store."""
    store = open_store(floor.settings)
    try:
        return store.count("held")
    finally:
        store.close()


def ended(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


def test_two_devices_share_a_job_and_a_killed_worker_comes_back(tmp_path: Path) -> None:
    with (
        held_shop() as shop,
        workshop_floor(
            tmp_path,
            VITRINE_FETCH_ALLOW=shop.address,
            VITRINE_INGEST_THREADS="1",
            VITRINE_LEASE_SECONDS="3",
            VITRINE_SWEEP_SECONDS="1",
        ) as floor,
        (tmp_path / "worker.log").open("wb") as log,
    ):
        fleet = floor.popen("worker", "--devices", "cpu,cpu", log=log)
        try:
            until(lambda: len(living(floor)) == 2, "two workers")
            floor.submit(shop.urls(PICTURES))
            until(lambda: list(floor.in_work().values()) == [1, 1], "a chunk in both workers")
            before = living(floor)
            killed = min(before)
            os.kill(killed, signal.SIGKILL)
            until(lambda: len(living(floor) - {killed}) == 2, "the killed worker to come back")
            assert before - {killed} < living(floor)
            shop.doors.set()
            until(lambda: stored(floor) == PICTURES, "every picture")
            workers = family(fleet.pid)
            assert ended(fleet) == 0
            assert [worker for worker in workers if is_alive(worker.pid)] == []
        finally:
            ended(fleet)
    said = (tmp_path / "worker.log").read_text()
    assert "[cpu#1] " in said
    assert "[cpu#2] " in said
    assert "Traceback" not in said


def test_a_supervisor_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    with workshop_floor(tmp_path) as floor, (tmp_path / "worker.log").open("wb") as log:
        fleet = floor.popen("worker", "--devices", "cpu", log=log)
        try:
            until(lambda: living(floor), "the worker")
            workers = living(floor)
            fleet.kill()
            fleet.wait()
            until(lambda: not any(is_alive(pid) for pid in workers), "the worker to end")
        finally:
            fleet.kill()
            fleet.wait()


def test_a_model_that_is_not_there_is_told_and_not_tried_for_ever(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    with workshop_floor(tmp_path) as floor:
        end = floor.run("worker", "--devices", "all", "--model", missing)
    assert end.returncode == 2
    assert "There is no model directory" in end.stderr
    # The error comes before any worker of a device starts, so no supervisor reports one.
    assert "The worker on" not in end.stderr
    assert "Traceback" not in end.stderr + end.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--devices", "cpu,banana"], "no device 'banana'"),
        (["--devices", "cpu", "--device", "cpu"], "not both"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_starts(
    tmp_path: Path, arguments: list[str], why: str
) -> None:
    floor = Floor(tmp_path, "redis://127.0.0.1:1/0", "http://127.0.0.1:1", {})
    end = floor.run("worker", *arguments)
    assert end.returncode == 2
    assert why in end.stderr
    assert "[cpu]" not in end.stderr
