from __future__ import annotations

from typing import Any

import torch
from torch import nn

from workers.models.conv_folding import with_folded_convolutions


class Net(nn.Module):
    """A convolution, its normalisation and an activation; with `shared`, the convolution's raw output is used too."""

    def __init__(self, *, shared: bool) -> None:
        super().__init__()
        self.shared = shared
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU6()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        found = self.conv(pixels)
        after = self.act(self.norm(found))
        total: torch.Tensor = after + found if self.shared else after
        return total.mean(dim=(2, 3))


def made(*, shared: bool = False) -> Net:
    torch.manual_seed(0)
    net = Net(shared=shared)
    net.norm.running_mean = torch.randn(8)
    net.norm.running_var = torch.rand(8) + 0.5
    nn.init.normal_(net.norm.weight)
    nn.init.normal_(net.norm.bias)
    return net.eval()


PIXELS = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def probe(model: Any) -> torch.Tensor:
    vectors: torch.Tensor = model(PIXELS)
    return vectors


@torch.inference_mode()
def test_a_normalisation_is_folded_into_its_convolution() -> None:
    net = made()
    faster = with_folded_convolutions(net, probe)
    assert isinstance(faster.norm, nn.Identity)
    assert faster.act.inplace
    assert faster.conv.weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(faster(PIXELS), net(PIXELS), atol=1e-5, rtol=1e-4)


def test_the_original_is_kept_as_it_was_where_folding_would_change_its_vectors() -> None:
    net = made(shared=True)
    before = probe(net)
    assert with_folded_convolutions(net, probe) is net
    torch.testing.assert_close(probe(net), before, atol=0, rtol=0)


def test_a_model_without_batch_normalisation_is_left_alone() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 16), nn.Flatten())
    assert with_folded_convolutions(net, probe) is net


def test_a_normalisation_by_each_batch_is_left_alone() -> None:
    net = made()
    net.norm = nn.BatchNorm2d(8, track_running_stats=False).eval()
    assert with_folded_convolutions(net, probe) is net
