"""Made faces and tiny networks for the ladder."""

from __future__ import annotations

import torch

from engines.card import InputSpec
from tests.training.made_faces import made_faces
from training.blocks.multi_task import MultiTaskNet
from training.nets import fast_face
from training.studies.ladder.faces import LadderFaces, ladder_faces
from training.studies.ladder.settings import Settings

SPEC = InputSpec(size=16)

TINY = Settings(batch=32, epochs=1, learning_rate=0.02, bfloat16=False, mining_share=0.1, device="cpu")


def tiny_faces(task: str = "emotion", count: int = 480) -> LadderFaces:
    name = {"emotion": "ferplus", "smile": "genki4k"}.get(task, "utkface")
    return ladder_faces(task, made_faces(name, count), SPEC, margin_px=2)


def tiny_net(seed: int = 1) -> MultiTaskNet:
    torch.manual_seed(seed)
    net = fast_face.build(size=16, widths=(8, 8, 16, 16), dropout=0.0)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    net.train()(torch.randn(64, 1, 16, 16))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.3  # few steps must be enough
    return net.eval()
