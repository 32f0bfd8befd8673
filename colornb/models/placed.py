"""Koalarization, told what a frozen classifier sees at each place of the picture."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from colornb.models.informed import MAPS, split
from colornb.models.koalarization import Koalarization


class Placed(Koalarization):
    """Koalarization whose fusion joins the classifier's inner maps in place of its verdict.

    The published fusion repeats one vector at every place, so the network hears that there is a
    dog, but not where. The maps know: each goes through a batch norm, is brought to the size of
    the encoder's output and joined to it.

    Args:
        width: factor on Koalarization's inner channels.
        feature_dropout: share of the classifier's channels that training leaves out.
    """

    def __init__(self, *, width: float = 1.0, feature_dropout: float = 0.0):
        super().__init__(features=sum(MAPS), width=width)
        self.options = {"width": width, "feature_dropout": feature_dropout}
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels, affine=False) for channels in MAPS)
        self.dropout = nn.Dropout2d(feature_dropout)

    def forward(self, l: Tensor, seen: Tensor) -> Tensor:
        """l (N, 1, H, W) in [-1, 1], H and W multiples of 8, the maps `seen` of `features.extract`
        (N, D) -> ab (N, 2, H, W) in [-1, 1]."""
        encoded = self.encoder(l)
        maps = [
            interpolate(norm(one), encoded.shape[2:], mode="bilinear", antialias=True)
            for norm, one in zip(self.norms, split(seen.float()), strict=True)
        ]
        joined = torch.cat((encoded, self.dropout(torch.cat(maps, dim=1))), dim=1)
        return self.decoder(joined)
