"""VGG-16 without its last pooling, with fully connected layers for every task: the network of Distill-2MD-MTL.

Hosseini, Shabani, Cho: Distill-2MD-MTL: data distillation based on multi-dataset multi-domain multi-task framework,
sections 3.1 and 4.3 of the thesis that includes it; Simonyan and Zisserman: Very deep convolutional networks for
large-scale image recognition, ICLR 2015, configuration D.

Shared: image (N, C, 48, 48); five blocks of 3x3 convolutions with ReLU, (64, 64), (128, 128), (256, 256, 256), (512, 512,
512), (512, 512, 512), with 2x2 max pooling after the first four: (N, 512, 3, 3) in place of (N, 512, 1, 1). Per task two
fully connected layers with ReLU and dropout of 0.5, then one of as many units as the task has classes.

We differ: the thesis does not give the widths of the fully connected layers. VGG-16's own 4096 would make 143 of 158
million numbers for four tasks, so ours are 512 wide; `hidden=(4096, 4096)` gives the others. There is no batch
normalisation, as in VGG; `batch_norm` adds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import fully_connected_branches
from training.blocks.multi_task import MultiTaskNet
from training.blocks.vgg import vgg_blocks, vgg_widths

INPUT = (1, 48, 48)
DEPTHS = (2, 2, 3, 3, 3)
POOLS = 4
SMALL = {"width": 8, "hidden": (32, 32)}


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    dropout: float = 0.5,
    width: int = 64,
    hidden: Sequence[int] = (512, 512),
    batch_norm: bool = False,
) -> MultiTaskNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels, at least 16.
        channels: 1 gray or 3 RGB.
        dropout: Probability in the branches.
        width: Channels of the first block; the others have 2, 4, 8 and 8 times as many.
        hidden: Widths of the branches' fully connected layers.
        batch_norm: Normalise after every convolution and fully connected layer.

    Raises:
        ValueError: The size is too small.
    """
    require_size(size)
    modules, features = vgg_blocks(channels, size, vgg_widths(width, DEPTHS), batch_norm, pools=POOLS)
    branches = fully_connected_branches(classes, features, hidden, dropout, batch_norm)
    net = MultiTaskNet(nn.Sequential(*modules, nn.Flatten()), branches)
    he_initialise(net)
    return net
