"""The U-Net generator and the discriminator of the conditional GAN for 32x32 pictures."""

import torch
from torch import Tensor, nn

ENCODER = (64, 128, 256, 512, 512)
DECODER = (512, 256, 128, 64)


def _scaled(channels: tuple[int, ...], width: float) -> list[int]:
    return [max(8, round(c * width)) for c in channels]


class UNetGenerator(nn.Module):
    """Predicts ab from the gray picture: a U-Net with skips and batch norm.

    Nazeri, Ng and Ebrahimi 2018 (arXiv 1803.05400) as the source study describes it: ReLU, and
    only ab predicted. It is evaluated with the running statistics of its batch norm, so that a
    picture's colours do not depend on the batch it comes in.

    Args:
        width: factor on all inner channels; 1 is the published network (16.65 M parameters).
    """

    size = 32

    def __init__(self, *, width: float = 1.0):
        super().__init__()
        self.options = {"width": width}
        encoder, decoder = _scaled(ENCODER, width), _scaled(DECODER, width)
        self.encoder = nn.ModuleList()
        inside = 1
        for level, channels in enumerate(encoder):
            if level == 0:  # an even kernel keeps 32x32 only with one more pixel on one side
                layers = [nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(inside, channels, 4)]
            else:
                layers = [nn.Conv2d(inside, channels, 4, 2, 1), nn.BatchNorm2d(channels)]
            self.encoder.append(nn.Sequential(*layers, nn.ReLU(inplace=True)))
            inside = channels
        self.decoder = nn.ModuleList()
        for channels, skip in zip(decoder, reversed(encoder[:-1]), strict=True):
            self.decoder.append(
                nn.Sequential(
                    nn.ConvTranspose2d(inside, channels, 4, stride=2, padding=1),
                    nn.BatchNorm2d(channels),
                    nn.ReLU(inplace=True),
                )
            )
            inside = channels + skip
        self.head = nn.Sequential(nn.Conv2d(inside, 2, 1), nn.Tanh())

    def encode(self, l: Tensor) -> list[Tensor]:  # noqa: E741
        """Outputs of the encoder's layers, (N, 64, 32, 32) to (N, 512, 2, 2)."""
        outputs = []
        for layer in self.encoder:
            l = layer(l)  # noqa: E741
            outputs.append(l)
        return outputs

    def forward(self, l: Tensor) -> Tensor:  # noqa: E741
        """l (N, 1, H, W) in [-1, 1], H and W multiples of 16 -> ab (N, 2, H, W) in [-1, 1]."""
        *skips, x = self.encode(l)
        for layer in self.decoder:
            x = torch.cat((layer(x), skips.pop()), dim=1)
        return self.head(x)


class Discriminator(nn.Module):
    """Tells true pictures from colorized ones, given the gray picture: one logit a picture.

    Five convolutions of stride 2, 32x32 down to 1x1, with ReLU. The probability is the sigmoid
    of the logit; the sigmoid is part of the loss.

    Args:
        width: factor on all inner channels.
    """

    def __init__(self, *, width: float = 1.0):
        super().__init__()
        self.options = {"width": width}
        layers, inside = [], 3
        for level, channels in enumerate(_scaled((64, 128, 256, 512), width)):
            norm = [nn.BatchNorm2d(channels)] if level else []
            layers += [nn.Conv2d(inside, channels, 4, 2, 1), *norm, nn.ReLU(inplace=True)]
            inside = channels
        self.layers = nn.Sequential(*layers, nn.Conv2d(inside, 1, 4, 2, 1))

    def forward(self, lab: Tensor) -> Tensor:
        """Normalised Lab (N, 3, 32, 32), l and ab in [-1, 1] -> logits (N, 1); above 0 is true.

        The L channel is the condition: truth and colorization of a picture share it.
        """
        return self.layers(lab).flatten(1)
