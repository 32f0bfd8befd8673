"""Residual blocks, and FiLM: a vector that tells a network what to paint."""

import torch
from torch import Tensor, nn


class FiLM(nn.Module):
    """Scales and shifts feature maps by a vector: (1 + gamma) x + beta.

    Perez et al. 2018 (arXiv 1709.07871). Gamma and beta are linear in the vector and 0 at first,
    so that a network starts as if it were told nothing.

    Args:
        condition: length of the vector.
        channels: of the feature maps.
    """

    def __init__(self, condition: int, channels: int):
        super().__init__()
        self.linear = nn.Linear(condition, 2 * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """x (N, channels, H, W) and told (N, condition) -> (N, channels, H, W)."""
        gamma, beta = self.linear(told)[:, :, None, None].chunk(2, dim=1)
        return (1 + gamma) * x + beta


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm beside the identity (He et al. 2016, arXiv 1512.03385).

    With a `condition` FiLM follows the second norm, as in the captioned network of Manjunatha et
    al. 2018 (arXiv 1804.06026).

    Args:
        channels: of the feature maps.
        condition: length of the vector that the block is told; 0 for none.
    """

    def __init__(self, channels: int, condition: int = 0):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.film = FiLM(condition, channels) if condition else None

    def forward(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        """x (N, channels, H, W) and, with a condition, told (N, condition) -> as x."""
        added = self.layers(x)
        if self.film:
            added = self.film(added, told)
        return torch.relu(x + added)
