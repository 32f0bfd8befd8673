"""The U-Net generator and the discriminator of the conditional GAN for 32x32 pictures."""

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from colornb import lab
from colornb.errors import ColornbError
from colornb.models.film import ResidualBlock

ENCODER = (64, 128, 256, 512, 512)
DECODER = (512, 256, 128, 64)


HEADS = {"ab": 2, "lab": 3, "bins": lab.BINS}
"""What a network ends in -> channels: a and b; L as well, as in the authors' public code, which
nobody needs, since it is given; or logits over the bins of `lab.ab_bins`."""

NORMS = {
    "batch": nn.BatchNorm2d,
    "instance": partial(nn.InstanceNorm2d, affine=True),
    "none": nn.Identity,
    "spectral": nn.Identity,
}
"""Name of a norm -> the layer that follows a convolution. The spectral norm (Miyato et al. 2018,
arXiv 1802.05957) is one of the convolution's weights, and has none."""


Grid = tuple[int, int]
"""Of a picture only every second row and column, from these on. A training on bins looks at no
more: neighbours tell nearly the same, and 313 numbers for each would take longer than the rest."""


def thin(maps: Tensor, grid: Grid | None) -> Tensor:
    """Maps (N, C, H, W) on a grid, (N, C, H/2, W/2); all of them without one."""
    if grid is None:
        return maps
    # with the channels last, so that the gradients come back as the layers below want them
    return maps.movedim(1, 3)[:, grid[0] :: 2, grid[1] :: 2].movedim(3, 1)


class PixelLinear(nn.Linear):
    """A 1x1 convolution as the product of matrices that it is: to 313 channels this is several
    times as fast on a CPU."""

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (N, inside, H, W) -> (N, outside, H, W)."""
        return super().forward(maps.movedim(1, 3)).movedim(3, 1)


def make_head(name: str, inside: int, kernel: int = 1) -> nn.Sequential:
    """The last layer, from `inside` channels: a convolution to ab or to Lab, which tanh cuts to
    [-1, 1], or for each pixel alone the logits of its bins.

    Raises:
        ColornbError: the name is none of `HEADS`.
    """
    if name not in HEADS:
        raise ColornbError(f"There is no head {name!r}; there are: {', '.join(HEADS)}.")
    if name == "bins":
        return nn.Sequential(PixelLinear(inside, HEADS[name]))
    return nn.Sequential(nn.Conv2d(inside, HEADS[name], kernel, padding=kernel // 2), nn.Tanh())


def _check_norm(name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise ColornbError(f"There is no norm {name!r} here; there are: {', '.join(known)}.")


def _scaled(channels: tuple[int, ...], width: float) -> list[int]:
    return [max(8, round(c * width)) for c in channels]


class UNetGenerator(nn.Module):
    """Predicts ab from the gray picture: a U-Net with skips and batch norm.

    Nazeri, Ng and Ebrahimi 2018 (arXiv 1803.05400) as the source report describes it: ReLU, and
    only ab predicted. It is evaluated with the running statistics of its batch norm, so that a
    picture's colours do not depend on the batch it comes in.

    Args:
        width: factor on all inner channels; 1 is the published network (16.65 M parameters).
        residual: residual blocks after each of the decoder's layers.
        condition: length of a vector that tells the network what to paint, through FiLM in its
            residual blocks; 0 for none.
        head: "ab"; "lab" for L as well; or "bins" for logits over the 313 bins of ab.
        norm: after each convolution but the first: "batch", "instance" or "none".
        dropout: share of the numbers that training leaves out after the decoder's first layer, as
            the authors' public code means to.
        gray_255: the gray picture comes unscaled, as 0 to 255, as in that code.

    Raises:
        ColornbError: an unknown head or norm, or a condition without residual blocks.
    """

    size = 32

    def __init__(
        self,
        *,
        width: float = 1.0,
        residual: int = 0,
        condition: int = 0,
        head: str = "ab",
        norm: str = "batch",
        dropout: float = 0.0,
        gray_255: bool = False,
    ):
        super().__init__()
        _check_norm(norm, ("batch", "instance", "none"))
        if condition and not residual:
            raise ColornbError("A condition comes in through residual blocks: set residual to 1.")
        self.options = {
            "width": width,
            "residual": residual,
            "condition": condition,
            "head": head,
            "norm": norm,
            "dropout": dropout,
            "gray_255": gray_255,
        }
        encoder, decoder = _scaled(ENCODER, width), _scaled(DECODER, width)
        self.encoder = nn.ModuleList()
        inside = 1
        for level, channels in enumerate(encoder):
            if level == 0:  # an even kernel keeps 32x32 only with one more pixel on one side
                layers = [nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(inside, channels, 4)]
            else:
                layers = [nn.Conv2d(inside, channels, 4, 2, 1), NORMS[norm](channels)]
            self.encoder.append(nn.Sequential(*layers, nn.ReLU(inplace=True)))
            inside = channels
        self.decoder, self.blocks = nn.ModuleList(), nn.ModuleList()
        for channels, skip in zip(decoder, reversed(encoder[:-1]), strict=True):
            self.decoder.append(
                nn.Sequential(
                    nn.ConvTranspose2d(inside, channels, 4, stride=2, padding=1),
                    NORMS[norm](channels),
                    nn.ReLU(inplace=True),
                )
            )
            blocks = (ResidualBlock(channels, condition) for _ in range(residual))
            self.blocks.append(nn.ModuleList(blocks))
            inside = channels + skip
        self.dropout = nn.Dropout(dropout)
        self.head = make_head(head, inside)

    def encode(self, l: Tensor) -> list[Tensor]:
        """Outputs of the encoder's layers, (N, 64, 32, 32) to (N, 512, 2, 2)."""
        if self.options["gray_255"]:
            l = (l + 1) * 127.5
        outputs = []
        for layer in self.encoder:
            l = layer(l)
            outputs.append(l)
        return outputs

    def forward(
        self,
        l: Tensor,
        told: Tensor | None = None,
        *,
        grid: Grid | None = None,
    ) -> Tensor:
        """l (N, 1, H, W) in [-1, 1], H and W multiples of 16, and, with a condition, told
        (N, condition) -> ab (N, 2, H, W) or Lab (N, 3, H, W) in [-1, 1], or logits (N, 313, H, W);
        on a `grid` half as many each way."""
        *skips, x = self.encode(l)
        for level, (layer, blocks) in enumerate(zip(self.decoder, self.blocks, strict=True)):
            x = layer(x) if level else self.dropout(layer(x))
            for block in blocks:
                x = block(x, told)
            x = torch.cat((x, skips.pop()), dim=1)
        return self.head(thin(x, grid))


class Discriminator(nn.Module):
    """Tells true pictures from colorized ones, given the gray picture: one logit a picture.

    Five convolutions of stride 2, 32x32 down to 1x1, with ReLU. The probability is the sigmoid
    of the logit; the sigmoid is part of the loss. Larger pictures have a logit for each part of
    about 94 x 94 pixels (a patch discriminator; Isola et al. 2017, arXiv 1611.07004).

    Args:
        width: factor on all inner channels.
        condition: length of a vector of shares that the pictures should agree with; 0 for none.
            The product of its roots, which are of like size, with the last feature maps is added
            to the logit (Miyato and Koyama 2018, arXiv 1802.05637).
        norm: one of `NORMS`; the first convolution and the last have none but the spectral one.
        sees_l: whether it sees L beside ab, that is, judges a colorization *of a picture*.

    Raises:
        ColornbError: an unknown norm.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        condition: int = 0,
        norm: str = "batch",
        sees_l: bool = True,
    ):
        super().__init__()
        _check_norm(norm, NORMS)
        self.options = {"width": width, "condition": condition, "norm": norm, "sees_l": sees_l}
        layers, inside = [], 3 if sees_l else 2
        for level, channels in enumerate(_scaled((64, 128, 256, 512), width)):
            between = [NORMS[norm](channels)] if level else []
            layers += [nn.Conv2d(inside, channels, 4, 2, 1), *between, nn.ReLU(inplace=True)]
            inside = channels
        self.layers = nn.Sequential(*layers, nn.Conv2d(inside, 1, 4, 2, 1))
        if norm == "spectral":
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    spectral_norm(layer)
        self.project = nn.Linear(condition, inside) if condition else None

    def forward(self, lab: Tensor, told: Tensor | None = None) -> Tensor:
        """Normalised Lab (N, 3, 32, 32), l and ab in [-1, 1], and, with a condition, told
        (N, condition) -> logits (N, 1); above 0 is true.

        The L channel is a condition as well: truth and colorization of a picture share it.
        """
        maps = self.layers[:-1](lab if self.options["sees_l"] else lab[:, 1:])
        logits = self.layers[-1](maps).flatten(1)
        if self.project:
            logits = logits + (self.project(told.sqrt()) * maps.mean((2, 3))).sum(1, keepdim=True)
        return logits
