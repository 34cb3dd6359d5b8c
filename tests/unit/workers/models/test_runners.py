"""Batches in prepared sizes, compiled code, and fallbacks from it; `backend` stands in for the compiler."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import torch
from PIL import Image

from workers.models.base import Compile
from workers.models.compile import captured, choose_runner
from workers.models.preprocess.normalisation import Tensors
from workers.models.runners import BatchRunner, EagerRunner, FixedSizeRunner, Run, fixed_sizes
from workers.models.transformers_model import TransformersModel

TinyModel: TypeAlias = Callable[[str], Path]
SAME = 0.9999
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")


def doubled(tensors: Tensors) -> torch.Tensor:
    return tensors["x"] * 2


def sample(rows: int) -> Tensors:
    return {"x": torch.arange(1.0, 3.0 * rows + 1).reshape(rows, 3)}


def eager_compiler(run: Run) -> Run:
    """Use Torch's own compile machinery, with no compiler behind it."""
    made: Run = torch.compile(run, dynamic=False, backend="eager")
    return made


def choose(
    run: Run = doubled, *, mode: Compile = "on", backend: Callable[[Run], Run] = eager_compiler
) -> BatchRunner:
    return choose_runner(run, sample, 16, mode=mode, device="cpu", backend=backend)


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(1, [1]), (2, [1, 2]), (16, [1, 4, 16]), (64, [1, 4, 16, 64]), (48, [1, 3, 12, 48])],
)
def test_the_ladder_goes_down_by_quarters_to_one(size: int, sizes: list[int]) -> None:
    assert fixed_sizes(size) == sizes


def test_a_batch_is_gathered_in_the_next_prepared_size() -> None:
    called: list[int] = []

    def noting(rows: int) -> Run:
        def run(tensors: Tensors) -> torch.Tensor:
            called.append(rows)
            return doubled(tensors)

        return run

    runner = FixedSizeRunner({16: noting(16), 4: noting(4)}, noting(0))
    assert [runner.rows(count) for count in (1, 4, 5, 16, 17)] == [4, 4, 16, 16, 17]
    for rows in (4, 16, 17, 3):
        assert len(runner(sample(rows))) == rows
    assert called == [4, 16, 0, 0]


def test_pictures_of_another_shape_than_was_prepared_for_run_as_they_come() -> None:
    def only_threes(tensors: Tensors) -> torch.Tensor:
        assert tensors["x"].shape[1:] == (3,)
        return doubled(tensors)

    runner = FixedSizeRunner({4: only_threes}, doubled, sample(4))
    wide = {"x": torch.ones(4, 5)}
    torch.testing.assert_close(runner(wide), doubled(wide))
    torch.testing.assert_close(runner(sample(4)), doubled(sample(4)))


def test_no_graph_is_captured_of_a_model_that_reads_its_inputs_on_the_cpu() -> None:
    def refuse(run: Run) -> Run:
        raise AssertionError("nothing is to be compiled")

    def flexible(rows: int) -> Tensors:
        return sample(rows) | {"spatial_shapes": torch.ones(rows, 2, dtype=torch.int64)}

    tried: list[int] = []

    def noted(rows: int) -> Tensors:
        tried.append(rows)
        return flexible(rows)

    runner = choose_runner(doubled, noted, 16, mode="on", device="cuda:0", backend=refuse)
    assert isinstance(runner, EagerRunner)
    assert tried == [1]


def test_compiled_code_is_kept_where_it_gives_the_same() -> None:
    runner = choose()
    assert isinstance(runner, FixedSizeRunner)
    with torch.inference_mode():
        torch.testing.assert_close(runner(sample(4)), doubled(sample(4)))


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_a_cpu_runs_eagerly_unless_asked(mode: Compile) -> None:
    assert isinstance(choose(mode=mode), EagerRunner)


def test_a_compiler_that_fails_leaves_the_model_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    def broken(run: Run) -> Run:
        raise RuntimeError("no compiler on this machine\nlong story")

    with caplog.at_level(logging.WARNING):
        runner = choose(backend=broken)
    assert isinstance(runner, EagerRunner)
    assert "no compiler on this machine" in caplog.text
    assert "long story" not in caplog.text


def test_compiled_code_that_gives_other_vectors_is_not_used() -> None:
    def wrong(run: Run) -> Run:
        return lambda tensors: run(tensors).flip(1)

    assert isinstance(choose(backend=wrong), EagerRunner)


@pytest.mark.parametrize(
    "family",
    ["siglip", "siglip2_naflex", "clip", "dinov2", "dinov2_with_registers", "mobilenet_v2"],
)
def test_vectors_do_not_depend_on_the_padding(
    family: str,
    tiny_model: TinyModel,
    pictures: list[Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uncompiled = partial(choose_runner, backend=lambda run: run)
    monkeypatch.setattr("workers.models.transformers_model.choose_runner", uncompiled)
    directory = tiny_model(family)
    plain = TransformersModel(directory, given=str(directory), device="cpu")
    padded = TransformersModel(directory, given=str(directory), device="cpu", compiling="on")
    padded.tune(16)
    assert isinstance(padded._runner, FixedSizeRunner)
    inputs = [plain.preprocess(picture) for picture in pictures[:3]]
    ours, theirs = padded.embed(inputs), plain.embed(inputs)
    assert ours.shape == theirs.shape
    products = (ours * theirs).sum(1)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    assert (products / lengths).min() >= SAME


@needs_gpu
def test_a_captured_graph_gives_what_its_run_gives() -> None:
    weight = torch.randn(3, 5, device="cuda")

    def run(tensors: Tensors) -> torch.Tensor:
        return tensors["x"] @ weight

    def there(rows: int) -> Tensors:
        return {"x": sample(rows)["x"].to("cuda")}

    with torch.inference_mode():
        replay = captured(run, there(4))
        other = {"x": torch.randn(4, 3, device="cuda")}
        torch.testing.assert_close(replay(other).clone(), run(other))


@needs_gpu
@pytest.mark.parametrize("family", ["siglip", "clip", "dinov2"])
def test_compiled_on_a_gpu_stays_close(
    family: str, tiny_model: TinyModel, pictures: list[Image.Image]
) -> None:
    directory = tiny_model(family)
    cpu = TransformersModel(directory, given=str(directory), device="cpu")
    gpu = TransformersModel(directory, given=str(directory), device="cuda", compiling="on")
    inputs = [cpu.preprocess(picture) for picture in pictures]
    gpu.tune(16)
    assert isinstance(gpu._runner, FixedSizeRunner)
    ours, theirs = gpu.embed(inputs), cpu.embed(inputs)
    products = (ours * theirs).sum(1)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    assert (products / lengths).min() >= 0.995
