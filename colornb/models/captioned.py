"""A network that paints what a caption says: a recurrent reader and FiLM."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from colornb.captions import VOCABULARY
from colornb.models.koalarization import Koalarization
from colornb.models.unet import UNetGenerator

PAINTERS = {"unet": UNetGenerator, "koalarization": Koalarization}
TOLD = (2 / 3, 1 / 6, 1 / 6)
"""How often training tells a whole caption, one without its colour words, and nothing."""


class Captioned(nn.Module):
    """Predicts ab from the gray picture and a caption.

    After Manjunatha et al. 2018 (arXiv 1804.06026): a bidirectional LSTM reads the words, and FiLM
    in the residual blocks of the painter does as it says. The vector is the largest of the LSTM's
    outputs over the words (Conneau et al. 2017, arXiv 1705.02364), since one word of many may name
    the colour; no words give 0.

    Args:
        network: the painter, "unet" or "koalarization".
        embedding: numbers that a word becomes.
        hidden: numbers that each direction of the LSTM keeps.
        options: of the painter; the U-Net has one residual block after each of its decoder's
            layers.
    """

    def __init__(self, *, network: str = "unet", embedding: int = 32, hidden: int = 64, **options):
        super().__init__()
        if network == "unet":
            options = {"residual": 1} | options
        self.painter = PAINTERS[network](condition=2 * hidden, **options)
        self.options = {
            "network": network,
            "embedding": embedding,
            "hidden": hidden,
            **{k: v for k, v in self.painter.options.items() if k != "condition"},
        }
        self.size = self.painter.size
        self.words = nn.Embedding(len(VOCABULARY), embedding, padding_idx=0)
        self.reader = nn.LSTM(embedding, hidden, batch_first=True, bidirectional=True)

    def read(self, tokens: Tensor) -> Tensor:
        """Captions (N, words) as `captions.encode` gives them -> (N, 2 hidden)."""
        with torch.autocast(tokens.device.type, enabled=False):
            there = tokens > 0
            number = there.sum(1).clamp(min=1)  # it takes no empty ones; those are masked below
            packed = pack_padded_sequence(
                self.words(tokens), number.cpu(), batch_first=True, enforce_sorted=False
            )
            said, _ = self.reader(packed)
            said, _ = pad_packed_sequence(said, batch_first=True, total_length=tokens.shape[1])
            largest = said.masked_fill(~there.unsqueeze(2), -1).amax(1)  # they are above -1
            return largest * there.any(1, keepdim=True)

    def forward(self, l: Tensor, *given: Tensor) -> Tensor:
        """l (N, 1, H, W), what the painter takes besides (the features of a Koalarization), and
        tokens (N, words) -> what the painter gives.

        In training, of tokens (N, 3, words) as `captions.to_train_with` gives them one way is drawn
        for each picture."""
        *rows, tokens = given
        if tokens.ndim == 3:
            way = torch.multinomial(torch.tensor(TOLD), len(tokens), replacement=True)
            tokens = tokens[torch.arange(len(tokens)), way.to(tokens.device)]
        return self.painter(l, *rows, self.read(tokens))
