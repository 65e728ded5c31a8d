"""Headsets and masks drawn on faces, and hidden halves of chips: for training, demonstrations and tests.

Everything hangs on the 478-point face mesh, read as a rigid head in three dimensions, so that what is drawn
follows position, size, roll, yaw and pitch. It is painted on a small canvas and scaled onto the picture: a
48-pixel crop and a full frame get the same geometry. Looks are chosen by a seed.
"""

from engines.occlusion.halves import Half, hide_half
from engines.occlusion.headset import draw_headset
from engines.occlusion.kinds import KINDS, occlude, occlusion_layer
from engines.occlusion.mask import draw_mask
from engines.occlusion.shares import hidden_shares

__all__ = [
    "KINDS",
    "Half",
    "draw_headset",
    "draw_mask",
    "hidden_shares",
    "hide_half",
    "occlude",
    "occlusion_layer",
]
