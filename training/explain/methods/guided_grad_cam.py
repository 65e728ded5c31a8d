"""Guided Grad-CAM: the pixels of guided backpropagation where Grad-CAM says that the class is.

Selvaraju et al.: Grad-CAM, ICCV 2017, section 3.2: the product of both maps, place by place.
"""

from __future__ import annotations

from training.blocks.multi_task import MultiTaskNet
from training.explain.methods import grad_cam, guided_backpropagation
from training.explain.score import Classes, Floats, to_one

TITLE = "guided Grad-CAM"


def explain(net: MultiTaskNet, images: Floats, task: str, classes: Classes | None = None) -> Floats:
    """Return which pixels of each face speak for a class, within the places that do; see the package."""
    where = grad_cam.explain(net, images, task, classes)
    return to_one(where * guided_backpropagation.explain(net, images, task, classes))
