"""The U-Net for small pictures, shown what a frozen classifier sees in the gray picture."""

from itertools import starmap

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from colornb.models.unet import ENCODER, Grid, UNetGenerator

MAPS = (40, 112, 320)
"""Channels of the classifier's maps: of EfficientNet-Lite0, at an 8th, a 16th and a 32nd of the
size that it gets the picture in."""
SPREAD = 14.0
"""Lab units: about as far as a and b of small pictures are spread, for a guess of them."""


def split(seen: Tensor) -> list[Tensor]:
    """`features.extract`'s maps (N, D) -> (N, 40, s, s), (N, 112, s/2, s/2), (N, 320, s/4, s/4),
    s being an 8th of the size that the classifier gets: half of a small picture's."""
    side = round((seen.shape[1] / sum(c / 4**k for k, c in enumerate(MAPS))) ** 0.5)
    shapes = [(channels, side >> k) for k, channels in enumerate(MAPS)]
    parts = seen.split([c * s * s for c, s in shapes], dim=1)
    return [part.unflatten(1, (c, s, s)) for part, (c, s) in zip(parts, shapes, strict=True)]


class Informed(UNetGenerator):
    """The U-Net, whose encoder is told at three sizes what a classifier sees there.

    Koalarization is told the classifier's verdict on the whole picture; here its inner maps, which
    know what is where, are added to the encoder's outputs of the same size, each through a batch
    norm and a 1x1 convolution.

    Args:
        width: factor on the U-Net's inner channels.
        head: see `UNetGenerator`.
        feature_dropout: share of the classifier's channels that training leaves out.
        guess: whether it is told a first guess of the colours as well (`colornb.guesses`), which
            joins the gray picture.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        head: str = "ab",
        feature_dropout: float = 0.0,
        guess: bool = False,
    ):
        super().__init__(width=width, head=head)
        self.options = {
            "width": width,
            "head": head,
            "feature_dropout": feature_dropout,
            "guess": guess,
        }
        if guess:
            _, first, _ = self.encoder[0]
            self.encoder[0][1] = nn.Conv2d(3, first.out_channels, first.kernel_size)
        inside = [max(8, round(channels * width)) for channels in ENCODER[1:4]]

        def join(channels: int, outside: int) -> nn.Module:
            norm, dropout = nn.BatchNorm2d(channels, affine=False), nn.Dropout2d(feature_dropout)
            return nn.Sequential(norm, dropout, nn.Conv2d(channels, outside, 1))

        self.joins = nn.ModuleList(starmap(join, zip(MAPS, inside, strict=True)))

    def encode(self, l: tuple[Tensor, list[Tensor]]) -> list[Tensor]:
        """Outputs of the encoder's layers for l and the maps of `split`."""
        x, maps = l
        outputs = []
        for level, layer in enumerate(self.encoder):
            x = layer(x)
            if 1 <= level <= len(maps):
                x = x + self.joins[level - 1](maps[level - 1])
            outputs.append(x)
        return outputs

    def forward(
        self,
        l: Tensor,
        seen: Tensor,
        guess: Tensor | None = None,
        *,
        grid: Grid | None = None,
    ) -> Tensor:
        """l (N, 1, H, W) in [-1, 1], H = W a multiple of 16, the maps `seen` of
        `features.extract` (N, 22528 where H is 32), and, for a network that is told one, a guess of
        ab in Lab units (N, 2, h, w) -> as `UNetGenerator.forward`."""
        if guess is not None:
            coarse = interpolate(guess / SPREAD, l.shape[-2:], mode="bicubic")
            l = torch.cat((l, coarse), dim=1)
        return super().forward((l, split(seen.float())), grid=grid)
