"""The parts of the larger benchmarks: pictures, their server, loads, and the arithmetic of a round."""

from __future__ import annotations

import sys
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from benchmarks.parts.load import CHUNK, RAGGED, full_chunks, ragged_chunks
from benchmarks.parts.picture_server import serving
from benchmarks.parts.pictures import SIDE, WANTED_BYTES, as_jpeg, drawn
from benchmarks.parts.process import running
from benchmarks.parts.turn import timed_turn
from tests.patience import PATIENCE

SLEEPING = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_drawn_picture_is_the_same_each_time_and_fills_its_file() -> None:
    first, again, other = drawn(1), drawn(1), drawn(2)
    assert np.array_equal(np.asarray(first), np.asarray(again))
    assert not np.array_equal(np.asarray(first), np.asarray(other))
    assert first.size == (SIDE, SIDE)
    assert 0.8 * WANTED_BYTES < len(as_jpeg(first)) <= WANTED_BYTES


def test_a_plain_picture_keeps_within_the_size() -> None:
    assert len(as_jpeg(Image.new("RGB", (SIDE, SIDE), (9, 9, 9)))) <= WANTED_BYTES


def test_full_chunks_hold_at_least_what_was_asked_for() -> None:
    assert full_chunks(130) == [CHUNK] * 3
    assert full_chunks(1) == [CHUNK]


def test_ragged_chunks_add_up_and_are_the_same_each_time() -> None:
    chunks = ragged_chunks(1000)
    assert sum(chunks) == 1000
    assert set(chunks) <= set(RAGGED)
    assert chunks == ragged_chunks(1000)


def test_the_host_serves_pictures_by_number_over_one_connection() -> None:
    with serving([b"one", b"two"], latency=0.0) as host, requests.Session() as session:
        session.trust_env = False
        bodies = [
            session.get(f"{host}/{number}.jpg", timeout=PATIENCE).content for number in range(4)
        ]
        assert bodies == [b"one", b"two", b"one", b"two"]
        assert session.get(f"{host}/elsewhere", timeout=PATIENCE).status_code == 404


def test_the_host_answers_after_its_latency() -> None:
    with serving([b"one"], latency=0.2) as host, requests.Session() as session:
        session.trust_env = False
        began = time.monotonic()
        session.get(f"{host}/0.jpg", timeout=PATIENCE)
        assert time.monotonic() - began >= 0.2


def test_a_turn_counts_from_after_its_warm_up_to_the_last_outcome(tmp_path: Path) -> None:
    done = count(0, 5)
    with running(SLEEPING, environment={}, log=tmp_path / "log") as process:
        turn = timed_turn(lambda: next(done), 50, process)
    assert turn.pictures_per_s > 0
    assert turn.cpu_ms >= 0


def test_a_process_that_fails_shows_its_log(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "raise SystemExit('out of organ pipes')"]
    with (
        running(failing, environment={}, log=tmp_path / "log") as process,
        pytest.raises(RuntimeError, match="out of organ pipes"),
    ):
        process.wait_for_end()


def test_more_outcomes_than_pictures_are_an_error(tmp_path: Path) -> None:
    done = iter([10, 60])
    with (
        running(SLEEPING, environment={}, log=tmp_path / "log") as process,
        pytest.raises(RuntimeError, match="60 outcomes of 50"),
    ):
        timed_turn(lambda: next(done), 50, process)


def test_a_process_that_ends_before_it_is_ready_shows_its_log(tmp_path: Path) -> None:
    with (
        running([sys.executable, "-c", "print('broken pipe organ')"], environment={}, log=tmp_path / "log") as process,
        pytest.raises(RuntimeError, match="broken pipe organ"),
    ):  # fmt: skip
        process.wait_for(lambda: False)
