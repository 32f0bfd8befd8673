"""Deep Koalarization: encoder, fusion with the features of a frozen classifier, decoder."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from colornb.errors import ColornbError
from colornb.models.film import ResidualBlock
from colornb.models.unet import Grid, make_head, thin

ENCODER = ((64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 1), (256, 1))
"""(channels, stride) of the encoder's 3x3 convolutions."""
DECODERS = {
    ("ab", "report"): (1, 3, 5),
    ("ab", "public"): (2, 4, 6),
    ("bins", "report"): (1, 3),
}
"""What the decoder ends in, and whose upsampling it has -> the convolutions after which the size
doubles, the sixth being its last. A distribution over bins, which is not smooth and 78 times as
large as ab, stays at half of the picture's size."""


class Koalarization(nn.Module):
    """Predicts ab from the gray picture and what a classifier sees in it.

    Baldassarre, Gonzalez Morin and Rodes-Guirao 2017 (arXiv 1712.03400), with the placement of
    the upsampling that the source report gives: after the decoder's first, third and fifth
    convolution.

    Args:
        features: length of the classifier's vector; 0 leaves the vector out.
        width: factor on all inner channels; 1 is the published network.
        feature_scale: factor on the vector. At 1 the logits outweigh the encoder's channels at
            first, and the network learns its training pictures by heart from them.
        feature_dropout: share of the vector's entries that training leaves out.
        condition: length of a vector that tells the network what to paint, through FiLM in a
            residual block after the fusion; 0 for none and no such block.
        head: "ab", or "bins" for logits over the 313 bins of ab at half the picture's size.
        upsampling: "report", or "public" for that of the authors' public code, which doubles the
            size of its answer last, so that ab has half the picture's resolution.

    Raises:
        ColornbError: head and upsampling are none of `DECODERS`.
    """

    size = 224

    def __init__(
        self,
        *,
        features: int = 1000,
        width: float = 1.0,
        feature_scale: float = 1.0,
        feature_dropout: float = 0.0,
        condition: int = 0,
        head: str = "ab",
        upsampling: str = "report",
    ):
        super().__init__()
        if (head, upsampling) not in DECODERS:
            known = "; ".join(" and ".join(pair) for pair in DECODERS)
            raise ColornbError(f"There is no decoder {head} and {upsampling}; there are: {known}.")
        self.options = {
            "features": features,
            "width": width,
            "feature_scale": feature_scale,
            "feature_dropout": feature_dropout,
            "condition": condition,
            "head": head,
            "upsampling": upsampling,
        }
        self.dropout = nn.Dropout(feature_dropout)

        def scaled(channels: int) -> int:
            return max(8, round(channels * width))

        layers, inside = [], 1
        for channels, stride in ENCODER:
            outside = scaled(channels)
            layers += [nn.Conv2d(inside, outside, 3, stride, padding=1), nn.ReLU(inplace=True)]
            inside = outside
        self.encoder = nn.Sequential(*layers)  # (N, 1, 224, 224) -> (N, 256, 28, 28)

        c256, c128, c64, c32 = (scaled(c) for c in (256, 128, 64, 32))
        if head == "bins":  # a few channels cannot tell 313 colours apart
            c32 = max(64, c32)
        doubled = DECODERS[head, upsampling]  # 28 -> 56 -> 112 -> 224
        sizes = ((c256, 1), (c128, 3), (c64, 3), (c64, 3), (c32, 3))
        layers, inside = [], inside + features
        for number, (outside, kernel) in enumerate(sizes, start=1):
            layers += [nn.Conv2d(inside, outside, kernel, padding=kernel // 2)]
            layers += [nn.ReLU(inplace=True)]
            if number in doubled:
                layers += [nn.Upsample(scale_factor=2)]
            inside = outside
        end = make_head(head, c32, kernel=3)
        last = [nn.Upsample(scale_factor=2)] if 6 in doubled else []
        self.decoder = nn.Sequential(*layers, *end, *last)
        self.block = ResidualBlock(c256, condition) if condition else None
        # Without batch norm, PyTorch's usual initial weights let the signal fade from layer to
        # layer, and the network stays at the mean colour (He et al. 2015, arXiv 1502.01852).
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        with torch.no_grad():
            if head == "ab":  # starts near gray instead of at random colours
                end[0].weight *= 0.1

    @property
    def fusion(self) -> nn.Conv2d:
        """The paper's fusion layer, the decoder's first convolution: 1x1, 1256 -> 256 channels."""
        return self.decoder[0]

    def forward(
        self,
        l: Tensor,
        features: Tensor | None = None,
        told: Tensor | None = None,
        *,
        grid: Grid | None = None,
    ) -> Tensor:
        """l (N, 1, H, W) in [-1, 1], H and W multiples of 8, features (N, 1000) and, with a
        condition, told (N, condition) -> ab (N, 2, H, W) in [-1, 1], or logits (N, 313, H/2, W/2),
        on a `grid` half as many each way. The published network has H = W = 224."""
        x = self.decoder[1](self._fuse(self.encoder(l), features))
        if self.block:
            x = self.block(x, told)
        if self.options["head"] == "ab":
            return self.decoder[2:](x)
        return self.decoder[-1](thin(self.decoder[2:-1](x), grid))

    def _fuse(self, encoded: Tensor, features: Tensor | None) -> Tensor:
        """The decoder's first convolution on the joined encoder's output and vector."""
        if not self.options["features"]:
            return self.fusion(encoded)
        features = self.dropout(features * self.options["feature_scale"])
        if not self.training:
            repeated = features[:, :, None, None].expand(-1, -1, *encoded.shape[2:])
            return self.fusion(torch.cat((encoded, repeated), dim=1))  # (N, 1256, 28, 28)
        # What the vector adds is the same at every place: training computes it once for each
        # picture, in up to a fifth less time for the whole step.
        of_encoder, of_vector = self.fusion.weight.split(
            (encoded.shape[1], features.shape[1]), dim=1
        )
        added = linear(features, of_vector.flatten(1), self.fusion.bias)
        return conv2d(encoded, of_encoder) + added[:, :, None, None]
