"""The devices named by `--devices`, and how the cores are divided among the workers."""

from __future__ import annotations

import pytest

from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from vitrine.process import cores
from vitrine.process.cores import thread_limits, usable_cores
from vitrine.process.devices import parse_devices


def never() -> int:
    raise AssertionError("GPUs were counted although the devices are named")


def test_all_is_every_gpu() -> None:
    assert parse_devices("all", lambda: 3) == ["cuda:0", "cuda:1", "cuda:2"]


def test_all_is_one_cpu_where_there_is_no_gpu() -> None:
    assert parse_devices(" all ", lambda: 0) == ["cpu"]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("cuda:0,cuda:2", ["cuda:0", "cuda:2"]),
        ("cpu,cpu", ["cpu", "cpu"]),
        (" cuda , cpu ", ["cuda:0", "cpu"]),
    ],
)
def test_a_list_is_taken_as_it_is_without_counting(asked: str, named: list[str]) -> None:
    assert parse_devices(asked, never) == named


@pytest.mark.parametrize("asked", ["", "cpu,", "all,cpu", "auto", "gpu", "cuda:x", "cuda:-1", "3"])
def test_what_names_no_device_is_refused_by_its_word(asked: str) -> None:
    wrong = next(word for word in asked.split(",") if word != "cpu")
    with pytest.raises(BadInput, match=f"no device '{wrong}'") as refusal:
        parse_devices(asked, never)
    assert "cuda:0,cuda:2" in str(refusal.value)


def test_eight_workers_share_sixteen_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "usable_cores", lambda: 16)
    shares = thread_limits(Settings(), 8, {})
    assert shares == {"VITRINE_DECODE_THREADS": "2", "OMP_NUM_THREADS": "2"}


def test_every_worker_has_a_core_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "usable_cores", lambda: 2)
    assert set(thread_limits(Settings(), 8, {}).values()) == {"1"}


def test_what_was_set_by_hand_is_per_worker_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "usable_cores", lambda: 16)
    shares = thread_limits(Settings(decode_threads=5), 4, {"OMP_NUM_THREADS": "3"})
    assert shares == {"VITRINE_DECODE_THREADS": "5"}


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1
