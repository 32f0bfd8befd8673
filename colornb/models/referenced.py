"""A network that takes the colours of a reference picture."""

from torch import Tensor, nn

from colornb import lab
from colornb.models.unet import UNetGenerator


class Referenced(nn.Module):
    """Predicts ab from the gray picture and the palette of a reference.

    The report's reference conditions generator and discriminator by a colour picture. Here it
    comes as its palette (`colornb.palettes`), so the network learns which colours it has and how
    much of each, and cannot copy where they are. FiLM in the residual blocks does as it says.

    Args:
        hidden: numbers that the palette becomes.
        options: of the U-Net, with one residual block after each of its decoder's layers.
    """

    size = UNetGenerator.size

    def __init__(self, *, hidden: int = 128, **options):
        super().__init__()
        self.painter = UNetGenerator(condition=hidden, **({"residual": 1} | options))
        self.options = {
            "hidden": hidden,
            **{k: v for k, v in self.painter.options.items() if k != "condition"},
        }
        self.reader = nn.Sequential(
            nn.Linear(len(lab.ab_bins()), 2 * hidden),
            nn.ReLU(inplace=True),
            nn.Linear(2 * hidden, hidden),
        )

    def forward(self, l: Tensor, palette: Tensor) -> Tensor:  # noqa: E741
        """l (N, 1, H, W) in [-1, 1] and palette (N, 313) -> ab (N, 2, H, W) in [-1, 1]."""
        # Shares are small and a few are large: their roots are of like size.
        return self.painter(l, self.reader(palette.sqrt()))
