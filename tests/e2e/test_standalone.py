"""The service as one command: it keeps its data, restarts what dies, refuses a second instance,
and leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.standalone_process import (
    House,
    environment,
    family,
    is_alive,
    processes,
    standalone,
    until,
    vitrine,
)
from tests.patience import PATIENCE
from vitrine.core.service_discovery import runtime_file
from vitrine.demo.shop import Shop

pytestmark = [pytest.mark.e2e]


def draw(folder: Path) -> Path:
    """Draw six flat pictures, half of them red."""
    folder.mkdir(exist_ok=True)
    for n in range(6):
        colour = (250, 10 * n, 10 * n) if n % 2 else (10 * n, 10 * n, 250)
        Image.new("RGB", (64, 64), colour).save(folder / f"{n}.png")
    return folder


def items(house: House, item: str) -> list[str]:
    """Return the items nearest to an item."""
    answer = house.post("/v1/search", collection="shop", item=item, top=5)
    return [hit["item_id"] for hit in answer["hits"]]


def test_a_folder_is_submitted_searched_and_still_there_after_a_restart(tmp_path: Path) -> None:
    pictures = draw(tmp_path / "pictures")
    data = tmp_path / "data"
    with standalone(data) as house:
        sent = vitrine(data, "submit", str(pictures), "--collection", "shop", "--wait")
        assert sent.returncode == 0, sent.stderr
        before = items(house, "1.png")
        assert set(before[:2]) == {"3.png", "5.png"}
        shown = vitrine(data, "search", "--collection", "shop", "--item", "1.png", "--top", "2")
        assert shown.returncode == 0, shown.stderr
        assert "3.png" in shown.stdout
        by_picture = ["search", "--collection", "shop", "--image", str(pictures / "1.png")]
        assert "1.png" in vitrine(data, *by_picture, "--json").stdout
        steered = ["search", "--collection", "shop", "--like", "1.png", "--unlike", "0.png"]
        assert "1.png, away from the item 0.png" in vitrine(data, *steered).stderr
        alike = vitrine(data, "dedupe", "--collection", "shop", "--threshold", "0.5", "--json")
        assert alike.returncode == 0, alike.stderr
        assert json.loads(alike.stdout)["pictures"] == 6
        assert {"1.png", "3.png", "5.png"} in [
            {member["item_id"] for member in group} & {"1.png", "3.png", "5.png"}
            for group in json.loads(alike.stdout)["groups"]
        ]
        words = vitrine(data, "search", "--collection", "shop", "--text", "red")
        assert words.returncode == 2
        assert "pictures only, not text" in words.stderr
        parts = family(house.process.pid)
        assert house.stop() == 0
        assert [part for part in parts if is_alive(part.pid)] == []
    with standalone(data) as house:
        assert items(house, "1.png") == before
        [job] = house.get("/v1/jobs")["jobs"]
        assert (job["state"], job["embedded"]) == ("completed", 6)


def test_a_second_service_on_the_same_data_says_so(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with standalone(data) as house:
        second = vitrine(data, "standalone", "--port", "0")
        assert second.returncode == 2
        assert "already runs" in second.stderr
        assert str(house.process.pid) in second.stderr
        assert "Traceback" not in second.stderr
        assert house.get("/healthz")


def test_what_dies_is_started_again_and_what_was_stored_is_kept(tmp_path: Path) -> None:
    pictures = draw(tmp_path / "pictures")
    data = tmp_path / "data"
    extra = {"VITRINE_LEASE_SECONDS": "3", "VITRINE_SWEEP_SECONDS": "1"}
    with standalone(data, extra=extra) as house:
        assert (
            vitrine(data, "submit", str(pictures), "--collection", "shop", "--wait").returncode == 0
        )
        before = items(house, "1.png")
        for part in ("store", "worker", "api", "redis-server"):
            for process in family(house.process.pid):
                if f"-m vitrine {part}" in process.command or f"/{part} 127" in process.command:
                    os.kill(process.pid, signal.SIGKILL)
            until(lambda: answers(house, before), f"the service to come back from a dead {part}")
        again = vitrine(data, "submit", str(pictures), "--collection", "again", "--wait")
        assert again.returncode == 0, again.stderr


def answers(house: House, expected: list[str]) -> bool:
    """Return whether the service is ready and finds the same items as before."""
    try:
        house.get("/readyz")
        return items(house, "1.png") == expected
    except (AssertionError, OSError):
        return False


def test_nothing_outlives_a_killed_service(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with standalone(data) as house:
        parts = family(house.process.pid)
        for name in ("redis-server", "vitrine store", "vitrine worker", "vitrine api"):
            assert any(name in part.command for part in parts), name
        house.process.kill()
        house.process.wait()
        until(lambda: not any(is_alive(part.pid) for part in parts), "the parts to end")


def test_a_worker_started_by_celerys_own_command_serves_the_same_queues(tmp_path: Path) -> None:
    pictures = draw(tmp_path / "pictures")
    data = tmp_path / "data"
    with Shop(pictures) as shop:
        urls = "\n".join(shop.picture_url(f"{n}.png") for n in range(6))
        with standalone(data) as house:
            own = until(house.worker_pid, "the first worker")
            settings = {
                **house.running,
                "VITRINE_FETCH_ALLOW": shop.address,
                "VITRINE_MODEL": "other",
            }
            del settings["api_url"]
            named = {f"VITRINE_{k.upper()}" if k.islower() else k: v for k, v in settings.items()}
            arguments = ["-A", "workers.app", "worker", "--pool=threads", "--model", "builtin"]
            with (tmp_path / "celery.log").open("wb") as log:
                celery = subprocess.Popen(
                    [sys.executable, "-m", "celery", *arguments],
                    env=environment(data, named),
                    stdout=log,
                    stderr=log,
                )
            try:
                until(lambda: len(house.get("/v1/workers")["workers"]) == 2, "the second worker")
                os.kill(own, signal.SIGSTOP)
                sent = vitrine(
                    data,
                    "submit",
                    "-",
                    "--format",
                    "urls",
                    "--collection",
                    "shop",
                    "--wait",
                    stdin=urls,
                )
                assert sent.returncode == 0, sent.stderr + (tmp_path / "celery.log").read_text()
            finally:
                os.kill(own, signal.SIGCONT)
                celery.send_signal(signal.SIGTERM)
                assert celery.wait(PATIENCE) == 0


def test_a_relative_data_directory_is_where_it_was_named(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with (
        said.open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "vitrine", "standalone", "--port", "0", "--data-dir", "here"],
            cwd=tmp_path,
            env=environment(tmp_path / "unused"),
            stderr=log,
            stdout=log,
        ) as process,
    ):
        until(lambda: "vitrine is up" in said.read_text(), "the service")
        assert runtime_file(tmp_path / "here").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("extra", "arguments", "said"),
    [
        ({}, ["--device", "gpu7"], "gpu7"),
        ({"VITRINE_QDRANT_URL": "bar"}, [], "VITRINE_QDRANT_URL"),
        ({"VITRINE_REDIS_URL": "foo"}, [], "VITRINE_REDIS_URL"),
    ],
)
def test_wrong_settings_are_bad_input_and_leave_nothing_running(
    tmp_path: Path, extra: dict[str, str], arguments: list[str], said: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "vitrine", "standalone", "--port", "0", *arguments],
        env=environment(tmp_path / "data", extra),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not [p for p in processes() if str(tmp_path) in p.command]


def test_ctrl_c_is_heard_while_the_service_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-m", "vitrine", "standalone", "--port", "0"],
        env=environment(data),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        until((data / "logs" / "store.log").exists, "the first parts")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    # A part that was just being started notices by itself that its parent has gone.
    until(
        lambda: not [p for p in processes() if str(tmp_path) in p.command], "every part to be gone"
    )


@pytest.mark.parametrize(
    ("extra", "model", "code", "said"),
    [
        ({"VITRINE_REDIS_URL": "redis://127.0.0.1:1/0"}, "builtin", 1, "Redis does not answer"),
        ({}, "./no/such/model", 2, "no/such/model"),
    ],
)
def test_a_worker_that_cannot_start_says_why_and_ends_with_its_code(
    tmp_path: Path, extra: dict[str, str], model: str, code: int, said: str
) -> None:
    with standalone(tmp_path / "data") as house:
        named = {f"VITRINE_{name.upper()}": value for name, value in house.running.items()}
        ended = subprocess.run(
            [sys.executable, "-m", "vitrine", "worker", "--model", model],
            env=environment(tmp_path / "data", {**named, **extra}),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
