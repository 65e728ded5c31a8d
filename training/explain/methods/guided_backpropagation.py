"""Guided backpropagation: which pixels move what a network says, along paths that speak for it all the way.

Springenberg et al.: Striving for simplicity: the all convolutional net, ICLR workshop 2015, section 3.4: a ReLU passes a
gradient back where its input was above 0 (backpropagation) and the gradient is above 0 (deconvnet). The map is the
largest magnitude over the channels, as Simonyan et al. 2014 draw gradients; the paper draws the signed gradient itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from training.blocks.multi_task import MultiTaskNet
from training.explain.score import Classes, Floats, require_explainable, task_score, to_one

TITLE = "guided backpropagation"

_RELUS = (functional.relu, functional.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)


def explain(net: MultiTaskNet, images: Floats, task: str, classes: Classes | None = None) -> Floats:
    """Return which pixels of each face speak for a class, or for a higher age; see the package."""
    require_explainable(net, images, task)
    image = torch.from_numpy(images).requires_grad_()
    with torch.enable_grad(), _GuidedRelus():
        score = task_score(net(image)[task], task, classes).sum()
    (gradient,) = torch.autograd.grad(score, image)
    return to_one(gradient.abs().amax(dim=1).numpy())


class _GuidedRelus(TorchFunctionMode):
    """Within it every ReLU is a guided one, be it a module, a function or in place; the network stays as it is."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[Any],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _RELUS:
            return _GuidedRelu.apply(args[0])
        return func(*args, **(kwargs or {}))


class _GuidedRelu(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, entry: Tensor) -> Tensor:
        context.save_for_backward(entry > 0)
        return entry.clamp(min=0)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        (passed,) = context.saved_tensors
        return gradients[0].clamp(min=0) * passed
