"""The diary's own plain network."""

from typing import ClassVar, Literal

from torch import Tensor, nn

from core.models.base import Architecture, HeadDropout, InputSize
from core.models.edits import drop_before_head
from core.spec import setting


class MyNet(Architecture):
    """A plain convolutional network: blocks of two 3x3 convolutions, each with batch norm and ReLU,
    and a max-pool; then global average pooling and one linear layer. Source: the diary, experiments
    01 and 02, in the layout of Simonyan and Zisserman 2015, arXiv 1409.1556, with batch norm.

    The diary names blocks, convolutions, batch norm and pooling. It is silent on these, read as:
    3x3 kernels with padding 1; a width that doubles from block to block; convolutions without the bias
    that the batch norm behind them cancels; torch's default initial weights; global average pooling
    before the head. A flattened feature map was tried: at the diary's learning rate of 0.1 it does
    not train at all, since the head then sums over thousands of inputs.
    """

    label: ClassVar[str] = "my_net (plain CNN)"
    kind: Literal["my_net"] = "my_net"

    blocks: int = setting(2, label="Blocks", ge=1, le=4)
    """How many blocks; each halves the resolution with its max-pool."""

    width: int = setting(32, label="Width of the first block", unit="channels", ge=4, le=512, step=4)
    """Channels of the first block's convolutions; each further block has twice as many."""

    dropout: HeadDropout = 0.0
    input_size: InputSize = None

    def network(self, num_classes: int, channels: int, size: int) -> nn.Module:
        blocks = nn.Sequential()
        for number in range(self.blocks):
            width = self.width * 2**number
            blocks.append(_block(channels, width))
            channels = width
        model = _PlainNetwork(blocks, nn.Linear(channels, num_classes))
        drop_before_head(model, "head", self.dropout)
        return model


class _PlainNetwork(nn.Module):
    def __init__(self, blocks: nn.Sequential, head: nn.Linear) -> None:
        super().__init__()
        self.blocks = blocks
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.pool(self.blocks(images))  # (N, C, 1, 1)
        logits: Tensor = self.head(features.flatten(1))
        return logits


def _block(channels: int, width: int) -> nn.Sequential:
    """(N, channels, H, W) to (N, width, H // 2, W // 2)."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        # The same values as ReLU and then max-pool, to the bit and in their gradients too; on a quarter
        # of the pixels.
        nn.MaxPool2d(2),
        nn.ReLU(inplace=True),
    )
