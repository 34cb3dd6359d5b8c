"""Makes convolutional models faster with the same result: folded normalisation, channels last, in-place activations.

A MobileNet spends most of its time moving numbers, not computing them. On two cores, folding its batch
normalisation into the convolutions, activating in place and keeping the channels last made it 1.4 to 2 times as
fast. The folded model is used only if it returns the same vector as the original.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

SAME = 1 - 1e-5
"""Minimum cosine at which a folded model's vector counts as equal; folding changes it only by rounding."""
Probe = Callable[[Any], torch.Tensor]
"""Runs a model on one picture and returns its vector, float [1, d]."""


def with_folded_convolutions(model: Any, probe: Probe) -> Any:
    """Return a faster copy if the model is convolutional and its vector stays the same; else the model."""
    pairs = _normalised_convolutions(model, probe)
    if not pairs:
        return model
    faster = copy.deepcopy(model)
    _fold(faster, pairs)
    _activate_in_place(faster)
    faster = faster.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        before, after = probe(model).double(), probe(faster).double()
    same = bool((torch.cosine_similarity(before, after) >= SAME).all())
    return faster if same else model


def _normalised_convolutions(model: Any, probe: Probe) -> dict[str, str]:
    """Map the names of batch normalisations to those of the convolutions whose output they take directly."""
    names = {module: name for name, module in model.named_modules()}
    made_by: dict[
        int, tuple[str, torch.Tensor]
    ] = {}  # Keep the tensors alive, or another could get the same id.
    pairs: dict[str, str] = {}

    def note_output(module: nn.Module, _: object, output: torch.Tensor) -> None:
        made_by[id(output)] = (names[module], output)

    def note_input(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if id(inputs[0]) in made_by:
            pairs[names[module]] = made_by[id(inputs[0])][0]

    with ExitStack() as hooks, torch.inference_mode():
        for module in names:
            if isinstance(module, nn.Conv2d):
                hooks.callback(module.register_forward_hook(note_output).remove)
            elif _folds(module):
                hooks.callback(module.register_forward_pre_hook(note_input).remove)
        if any(_folds(module) for module in names):
            probe(model)
    return pairs


def _folds(module: nn.Module) -> bool:
    """Return whether a module normalises with fixed statistics; one that computes them per batch cannot be folded."""
    return isinstance(module, nn.BatchNorm2d) and module.running_mean is not None


def _fold(model: Any, pairs: dict[str, str]) -> None:
    for normalisation, convolution in pairs.items():
        conv, norm = model.get_submodule(convolution), model.get_submodule(normalisation)
        conv.weight, conv.bias = nn.utils.fuse_conv_bn_weights(
            conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )  # fmt: skip
        model.set_submodule(normalisation, nn.Identity())


def _activate_in_place(model: Any) -> None:
    for module in model.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6 | nn.SiLU | nn.Hardswish):
            module.inplace = True
