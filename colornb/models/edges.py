"""EdgeNet: where there is an edge of colour, seen in the colours or guessed from gray."""

from torch import Tensor, nn


class EdgeNet(nn.Module):
    """Logits of chroma edges: five 3x3 convolutions, the middle ones dilated to see further.

    The report names EdgeNet (ICIP 2018, its text is not available) as a remedy against leaks; this
    network is ours.

    Args:
        channels: of its input: 2 for ab, which it judges; 1 for the gray picture, from which it
            guesses.
        width: factor on its 32 inner channels.
    """

    size = 32

    def __init__(self, *, channels: int = 2, width: float = 1.0):
        super().__init__()
        self.options = {"channels": channels, "width": width}
        inside, inner, layers = channels, max(8, round(32 * width)), []
        for dilation in (1, 1, 2, 2):
            layers += [
                nn.Conv2d(inside, inner, 3, padding=dilation, dilation=dilation),
                nn.BatchNorm2d(inner),
                nn.ReLU(inplace=True),
            ]
            inside = inner
        self.layers = nn.Sequential(*layers, nn.Conv2d(inside, 1, 3, padding=1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Normalised l (N, 1, H, W) or ab (N, 2, H, W) -> logits (N, 1, H, W); above 0 is an
        edge."""
        return self.layers(pictures)
