"""A network that takes the colours of a reference picture."""

import torch
from torch import Tensor, nn

from colornb import lab
from colornb.models.unet import UNetGenerator

UNTOLD = 1 / 8
"""Share of the pictures that training tells nothing but the batch's mean palette."""


class Referenced(nn.Module):
    """Predicts ab from the gray picture and the palette of a reference.

    The report's reference conditions generator and discriminator by a colour picture. Here it
    comes as its palette (`colornb.palettes`), so the network learns which colours it has and how
    much of each, and cannot copy where they are. FiLM in the residual blocks does as it says.

    In training the palette is mixed with that of another picture of the batch, whose share is drawn
    for each anew: a network that is shown nothing but a picture's own palette learns to take every
    colour of it, also those that do not fit. Some pictures get the batch's mean palette, so that
    the network also knows what to do when it is told nothing of the picture.

    Args:
        hidden: numbers that the palette becomes.
        foreign: greatest share of the other picture's palette in training.
        options: of the U-Net, with one residual block after each of its decoder's layers.
    """

    size = UNetGenerator.size

    def __init__(self, *, hidden: int = 128, foreign: float = 0.5, **options):
        super().__init__()
        self.painter = UNetGenerator(condition=hidden, **({"residual": 1} | options))
        self.options = {
            "hidden": hidden,
            "foreign": foreign,
            **{k: v for k, v in self.painter.options.items() if k != "condition"},
        }
        self.reader = nn.Sequential(
            nn.Linear(len(lab.ab_bins()), 2 * hidden),
            nn.ReLU(inplace=True),
            nn.Linear(2 * hidden, hidden),
        )

    def forward(self, l: Tensor, palette: Tensor) -> Tensor:
        """l (N, 1, H, W) in [-1, 1] and palette (N, 313) -> ab (N, 2, H, W) in [-1, 1]."""
        if self.training:
            palette = self._mixed(palette)
        # Shares are small and a few are large: their roots are of like size.
        return self.painter(l, self.reader(palette.sqrt()))

    def _mixed(self, palettes: Tensor) -> Tensor:
        other = palettes[torch.randperm(len(palettes), device=palettes.device)]
        share, dice = torch.rand(2, len(palettes), 1).to(palettes)
        mixed = torch.lerp(palettes, other, self.options["foreign"] * share)
        return torch.where(dice < UNTOLD, palettes.mean(0), mixed)
