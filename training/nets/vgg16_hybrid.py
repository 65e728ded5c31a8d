"""VGG16-Hybrid: the gender first, then the age by a head for that gender.

Hosseini and Cho: GF-CapsNet, 2019 (section 2.1.2 and figure 2.4 of the thesis), after Xing et al.: Diagnosing deep learning
models for high accuracy age estimation from a single image, Pattern Recognition 66, 2017.

Shared: image (N, C, 48, 48) through the first four blocks of VGG-16, (N, 512, 3, 3). Each of three experts, one for the
gender and one for the age of each gender, has a fifth block of three 3x3 convolutions and 2x2 max pooling, (N, 512, 2, 2), and
two fully connected layers with ReLU and dropout, (N, 512), then its linear layer. The age is
sum_g p(g) z_g, the experts' logits weighed by the probabilities of the genders; where the gender is certain this is the
head of that gender, as in the thesis. Other tasks get an expert of the same form.

We differ: the choice is soft, because a hard one lets no gradient of the age reach the gender in the joint fine-tuning;
and the fully connected layers are 512 wide and the first four blocks shared, where three whole VGG-16 would have over 400
million numbers (the thesis gives neither number). `recipes.vgg16_hybrid` trains it in the thesis's steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from engines.card import GENDERS
from training.blocks.convolution import he_initialise, require_size
from training.blocks.fully_connected import fully_connected
from training.blocks.multi_task import MultiTaskNet, task_classes
from training.blocks.vgg import vgg_blocks, vgg_widths

INPUT = (1, 48, 48)
DEPTHS = (2, 2, 3, 3, 3)
SHARED_BLOCKS = 4
SMALL = {"width": 8, "hidden": (16,)}
AGE_OF = tuple(f"age_of_{gender}" for gender in GENDERS)
"""Training heads: the logits of each age expert alone, for training it on faces of its gender."""


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
        channels: 1 gray, 3 RGB, or more with Gabor responses.
        dropout: Probability after the experts' fully connected layers.
        width: Channels of the first block; the others have 2, 4, 8 and 8 times as many.
        hidden: Widths of the experts' fully connected layers.
        batch_norm: Normalise after every convolution and fully connected layer.

    Raises:
        ValueError: The size is too small, or age is asked for without gender.
    """
    require_size(size)
    counts = task_classes(classes)
    if "age" in counts and "gender" not in counts:
        raise ValueError(
            f"tasks: expected gender beside age, which it chooses the head of, found {', '.join(counts)}"
        )
    widths = vgg_widths(width, DEPTHS)
    blocks, features = vgg_blocks(channels, size, widths[:SHARED_BLOCKS], batch_norm)
    side = int((features // widths[SHARED_BLOCKS - 1][-1]) ** 0.5)

    def expert() -> list[nn.Module]:
        (block,), entry = vgg_blocks(widths[SHARED_BLOCKS - 1][-1], side, widths[SHARED_BLOCKS:], batch_norm)
        return [block, nn.Flatten(), *fully_connected(entry, hidden, dropout, batch_norm)]

    branches: dict[str, nn.Module] = {
        task: nn.Sequential(*expert(), nn.Linear(hidden[-1], count))
        for task, count in counts.items()
        if task != "age"
    }
    if "age" in counts:
        experts = [nn.Sequential(*expert()) for _ in GENDERS]
        last = nn.Linear(len(GENDERS) * (hidden[-1] + 1), counts["age"], bias=False)
        branches["age"] = nn.Sequential(GatedExperts(branches["gender"], experts), last)
    net = MultiTaskNet(nn.Sequential(*blocks), {task: branches[task] for task in counts})
    he_initialise(net)
    return net


def age_experts(net: MultiTaskNet) -> dict[str, nn.Module]:
    """Return training heads: name -> features to the age logits of one gender's expert alone.

    Raises:
        ValueError: The network has no age.
    """
    if "age" not in net.branches:
        raise ValueError(f"tasks: expected age, found {', '.join(net.branches)}")
    gated, last = net.branches["age"]  # type: ignore[misc]
    return {name: OneExpert(gated, last, number) for number, name in enumerate(AGE_OF)}


class GatedExperts(nn.Module):
    """The experts' features and a 1 each, times the probability of their gender: (N, F, h, w) -> (N, G (H + 1)).

    A linear layer on them gives sum_g p(g) (W_g h_g + b_g).

    Args:
        gender: Features -> logits (N, G).
        experts: One a gender, features -> (N, H).
    """

    def __init__(self, gender: nn.Module, experts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.gender = gender
        self.experts = nn.ModuleList(experts)

    def forward(self, features: Tensor) -> Tensor:
        """Return float (N, G (H + 1)), in the order of `GENDERS`."""
        probs = self.gender(features).softmax(dim=1)
        parts = []
        for number, expert in enumerate(self.experts):
            hidden = expert(features)
            with_one = torch.cat([hidden, torch.ones_like(hidden[:, :1])], dim=1)
            parts.append(with_one * probs[:, number : number + 1])
        return torch.cat(parts, dim=1)


class OneExpert(nn.Module):
    """The age logits of one expert alone; its weights are those of the age branch.

    Args:
        gated: The experts.
        last: The linear layer over all of them.
        number: Which expert.
    """

    def __init__(self, gated: GatedExperts, last: nn.Linear, number: int) -> None:
        super().__init__()
        # In a tuple they are no modules of this one: they are saved and loaded once, with the age branch.
        self._shared = gated.experts[number], last
        self._number = number

    def forward(self, features: Tensor) -> Tensor:
        """Return float (N, classes)."""
        expert, last = self._shared
        hidden = expert(features)
        start = self._number * (hidden.shape[1] + 1)
        own = last.weight[:, start : start + hidden.shape[1] + 1]
        return hidden @ own[:, :-1].T + own[:, -1]
