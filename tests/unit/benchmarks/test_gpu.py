"""The GPU benchmark on a machine without a GPU: its refusal, its arithmetic, and its code with a tiny model."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from benchmarks import gpu
from benchmarks.parts.siglip_models import BASE_224, LARGE_512, SO400M_384, TINY, Tower


@pytest.mark.parametrize(
    ("tower", "gflop"), [(SO400M_384, 670), (BASE_224, 35.4), (LARGE_512, 728)]
)
def test_a_towers_arithmetic_is_that_of_its_published_size(tower: Tower, gflop: float) -> None:
    assert tower.flops / 1e9 == pytest.approx(gflop, rel=0.01)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_machine_without_a_gpu_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", "--json"])
    gpu.main()
    said = json.loads(capsys.readouterr().out)
    assert said["figures"] == {}
    assert {goal["figure"] for goal in said["goals"]} == {None}
    assert "no GPU" in said["skipped"]["gpu"]


def test_every_figure_but_the_services_is_there_with_a_model_of_no_size(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["gpu", "--device", "cpu", "--tiny", "--no-service", "--json"]
    monkeypatch.setattr(sys, "argv", arguments)
    gpu.main()
    said = json.loads(capsys.readouterr().out)
    figures = said["figures"]
    for name in ("bare_per_s", "engine_per_s", "jpegs_per_s", "engine_vs_bare", "matrix_share"):
        assert figures[f"{TINY.name}_{name}"] > 0
    assert 0 < figures[f"{TINY.name}_engine_busy"] <= 1
    assert next(goal["name"] for goal in said["goals"]) == f"{TINY.name}_engine_vs_bare"
    assert set(said["skipped"]) == {"decoder_on_card", f"{TINY.name}_service"}
