"""A network with a latent vector: another draw of it is another colorization."""

import torch
from torch import Tensor, nn

from colornb.models.unet import UNetGenerator


class Variational(nn.Module):
    """A conditional variational autoencoder of ab given the gray picture.

    Kingma and Welling 2014 (arXiv 1312.6114) and Sohn, Lee and Yan 2015. In training an encoder
    sees the true colours and gives a Gaussian over a latent z; the U-Net paints with a z drawn
    from it. Afterwards z is drawn from the standard normal, or set to 0. The whole picture has one
    z, so a draw is coherent.

    Args:
        latent: length of z.
        options: of the U-Net, with one residual block after each of its decoder's layers.
    """

    size = UNetGenerator.size

    def __init__(self, *, latent: int = 32, width: float = 1.0, **options):
        super().__init__()
        options = {"residual": 1} | options
        self.painter = UNetGenerator(condition=latent, width=width, **options)
        self.options = {
            "latent": latent,
            **{k: v for k, v in self.painter.options.items() if k != "condition"},
        }
        layers, inside = [], 3
        for channels in (64, 128, 256):
            channels = max(8, round(channels * width))
            layers += [nn.Conv2d(inside, channels, 4, 2, 1), nn.BatchNorm2d(channels), nn.ReLU()]
            inside = channels
        self.encoder = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.gaussian = nn.Linear(4 * inside, 2 * latent)

    def forward(
        self,
        l: Tensor,
        z: Tensor | None = None,
        *,
        truth: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """l (N, 1, H, W) in [-1, 1] and z (N, latent), by default 0 -> ab (N, 2, H, W) in [-1, 1].

        With the `truth`, ab (N, 2, H, W), z is drawn from its Gaussian, and that Gaussian's mean
        and logarithm of the variance, each (N, latent), come back as well.
        """
        if truth is None:
            z = l.new_zeros(len(l), self.options["latent"]) if z is None else z
            return self.painter(l, z)
        mean, log_variance = self.gaussian(self.encoder(torch.cat((l, truth), 1))).chunk(2, 1)
        mean, log_variance = mean.float(), log_variance.float().clamp(-10, 10)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        return self.painter(l, z), mean, log_variance
