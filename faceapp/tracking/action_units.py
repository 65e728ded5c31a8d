"""The action units of the face (FACS) and how each is measured on a mesh, or why it can't be.

Ekman and Friesen: Facial action coding system, 1978, names the units; table 3.1 of "Deep models and transfer learning
for facial expression recognition" ties them to emotions (it prints AU5 as "Upper Lip Raiser"; FACS calls it the upper
lid raiser, and we measure the lid). A measure is a weighted sum of coordinates of a mesh in the position of
`head_shape.head_shapes`: a distance of brows, lids, lips or chin from points that stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.card import OCCLUSIONS, Occlusion
from engines.preprocess import LANDMARK_COUNT

Weights = npt.NDArray[np.float64]
"""float64 (478, 3): weight of every coordinate of a mesh; axes right, down and away."""
_RIGHT, _DOWN, _AWAY = range(3)

# Mesh points, those of the person's right half first.
_INNER_BROWS = (107, 55, 336, 285)
_BROW_MIDDLES = (105, 66, 52, 65, 334, 296, 282, 295)
_OUTER_BROWS = (70, 63, 46, 53, 300, 293, 276, 283)
_EYE_CORNERS = (33, 133, 263, 362)
_INNER_EYE_CORNERS = (133, 362)
_UPPER_LIDS = (160, 159, 158, 387, 386, 385)
_LOWER_LIDS = (144, 145, 153, 373, 374, 380)
_CHEEKS = (119, 100, 118, 101, 348, 329, 347, 330)
_NOSE_WINGS = (129, 358, 98, 327)
_NOSE_BASE = (2,)
_MOUTH_CORNERS = (61, 291)
_LIP_TOP = (37, 0, 267)
_UPPER_LIP_EDGE = (82, 13, 312)
_LOWER_LIP_EDGE = (87, 14, 317)
_LIP_BOTTOM = (84, 17, 314)
_CHIN = (152, 148, 377)
_CHIN_BOSS = (199, 200)


def _place(points: Sequence[int], axis: int) -> Weights:
    weights = np.zeros((LANDMARK_COUNT, 3))
    weights[list(points), axis] = 1 / len(points)
    return weights


def _rise(of: Sequence[int], over: Sequence[int]) -> Weights:
    """How far points lie above others."""
    return _place(over, _DOWN) - _place(of, _DOWN)


def _reach(of: Sequence[int], before: Sequence[int]) -> Weights:
    """How far points lie in front of others."""
    return _place(before, _AWAY) - _place(of, _AWAY)


def _breadth(right: int, left: int) -> Weights:
    """How far apart two points lie sideways; the person's right is the picture's left."""
    return _place((left,), _RIGHT) - _place((right,), _RIGHT)


_MOUTH_BREADTH = _breadth(*_MOUTH_CORNERS)
_CORNERS_UP = _rise(_MOUTH_CORNERS, (*_UPPER_LIP_EDGE, *_LOWER_LIP_EDGE))
_EYE_OPENING = _rise(_UPPER_LIDS, _LOWER_LIDS)
_MOUTH_OPENING = _rise(_UPPER_LIP_EDGE, _LOWER_LIP_EDGE)
_UPPER_LIP = _rise(_LIP_TOP, _UPPER_LIP_EDGE)
_LOWER_LIP = _rise(_LOWER_LIP_EDGE, _LIP_BOTTOM)
_JAW = _rise(_NOSE_BASE, _CHIN)
_LOWER_LIP_ABOVE_CHIN = _rise(_LIP_BOTTOM, _CHIN)
_LIPS_FORWARD = _reach((*_LIP_TOP, *_LIP_BOTTOM), _MOUTH_CORNERS)


@dataclass(frozen=True, slots=True, eq=False)
class ActionUnit:
    """One movement of the face.

    Attributes:
        code: Its number in FACS.
        name: Its name there.
        emotions: The emotions that table 3.1 ties it to.
        measure: How it is measured, (478, 3); None where a mesh can't tell it.
        seen_under: Occlusions under which what is measured is in sight.
        remark: Why it can't be measured, or what it is easily taken for; empty where nothing is to be said.
    """

    code: int
    name: str
    emotions: tuple[str, ...] = ()
    measure: Weights | None = None
    seen_under: tuple[Occlusion, ...] = ("none",)
    remark: str = ""

    @property
    def column(self) -> str:
        """Name of its column in tables, such as "au01"."""
        return f"au{self.code:02d}"

    @property
    def title(self) -> str:
        """How it is shown to people, such as "AU1"."""
        return f"AU{self.code}"


def _upper(code: int, name: str, emotions: str, measure: Weights, remark: str = "") -> ActionUnit:
    """A unit of brows and eyes, which a mask leaves in sight."""
    return ActionUnit(code, name, tuple(emotions.split()), measure, ("none", "mask"), remark)


def _lower(code: int, name: str, emotions: str, measure: Weights, remark: str = "") -> ActionUnit:
    """A unit of mouth and chin, which a headset leaves in sight."""
    return ActionUnit(code, name, tuple(emotions.split()), measure, ("none", "headset"), remark)


def _middle(code: int, name: str, emotions: str, measure: Weights, remark: str = "") -> ActionUnit:
    """A unit between both halves, which a headset and a mask hide alike."""
    return ActionUnit(code, name, tuple(emotions.split()), measure, ("none",), remark)


def _untold(code: int, name: str, remark: str) -> ActionUnit:
    return ActionUnit(code, name, remark=remark)


ACTION_UNITS: tuple[ActionUnit, ...] = (
    _upper(1, "inner brow raiser", "surprise sadness disgust fear", _rise(_INNER_BROWS, _EYE_CORNERS)),
    _upper(2, "outer brow raiser", "surprise sadness fear", _rise(_OUTER_BROWS, _EYE_CORNERS)),
    _upper(
        *(4, "brow lowerer", "sadness anger disgust fear"),
        -_rise((*_INNER_BROWS, *_BROW_MIDDLES), _EYE_CORNERS) - 0.5 * _breadth(55, 285),
        "brows down and together; frown lines are not seen",
    ),
    _upper(5, "upper lid raiser", "surprise anger fear", _rise(_UPPER_LIDS, _EYE_CORNERS)),
    _middle(
        *(6, "cheek raiser", "happiness sadness", _rise(_CHEEKS, _EYE_CORNERS)),
        "height of the cheeks alone; crow's feet are not seen",
    ),
    _upper(7, "lid tightener", "fear", _rise(_LOWER_LIDS, _EYE_CORNERS), "lower lids only"),
    _middle(
        *(9, "nose wrinkler", "disgust", _rise(_NOSE_WINGS, _INNER_EYE_CORNERS)),
        "height of the nose's wings alone; wrinkles are not seen",
    ),
    _lower(10, "upper lip raiser", "disgust", _rise(_LIP_TOP, _NOSE_BASE)),
    _untold(11, "nasolabial deepener", "a fold of skin, which a mesh does not follow"),
    _lower(12, "lip corner puller", "happiness", _CORNERS_UP + 0.5 * _MOUTH_BREADTH),
    _untold(13, "cheek puller", "told from AU12 by the bulge of the cheeks, which a mesh does not follow"),
    _lower(
        *(14, "dimpler", "contempt", _rise((61,), (291,))),
        "how far one corner of the mouth lies above the other; the dimple and a dimpler on both sides are not seen",
    ),
    _lower(15, "lip corner depressor", "sadness anger disgust", -_CORNERS_UP),
    _lower(16, "lower lip depressor", "", -_LOWER_LIP_ABOVE_CHIN),
    _lower(17, "chin raiser", "sadness anger disgust", _rise(_LIP_BOTTOM, _NOSE_BASE) + _MOUTH_OPENING),
    _lower(18, "lip puckerer", "", _LIPS_FORWARD - _MOUTH_BREADTH),
    _lower(20, "lip stretcher", "fear", _MOUTH_BREADTH - 2 * _CORNERS_UP),
    _untold(21, "neck tightener", "the mesh ends at the chin"),
    _lower(
        *(23, "lip tightener", "anger", -_UPPER_LIP - _LOWER_LIP - 0.25 * _MOUTH_BREADTH),
        "narrow red lips; thin lips look alike",
    ),
    _lower(24, "lip pressor", "", -_rise(_LIP_TOP, _LIP_BOTTOM), "easily taken for AU23"),
    _lower(25, "lips part", "happiness surprise", _MOUTH_OPENING),
    _lower(26, "jaw drop", "", _JAW),
    _lower(27, "mouth stretch", "", _JAW + _MOUTH_OPENING, "AU25 and AU26 together"),
    _lower(
        *(28, "lip suck", "", -_UPPER_LIP - _LOWER_LIP - _LIPS_FORWARD),
        "easily taken for AU23 and AU24",
    ),
    _lower(
        29, "jaw thrust", "", _reach(_CHIN_BOSS, _NOSE_BASE), "rests on the mesh's depth, its weakest part"
    ),
    _untold(31, "jaw clencher", "a bulge of muscle, which a mesh does not follow"),
    _untold(34, "cheek puff", "the mesh's cheeks hardly follow it"),
    _lower(38, "nostril dilator", "", _breadth(129, 358)),
    _lower(39, "nostril compressor", "", -_breadth(129, 358), "the opposite of AU38"),
    _upper(43, "eyes closed", "", -_EYE_OPENING),
)
"""All of table 3.1, by code."""

ONE_SIDED = (14,)
"""Codes of units that move one side or the other: the size of their measure counts, not its sign."""
MEASURED_UNITS = tuple(unit for unit in ACTION_UNITS if unit.measure is not None)
"""Those that a mesh can tell: the order of every array of movements."""


def seen_units(occlusion: Occlusion) -> npt.NDArray[np.bool_]:
    """Return for each of `MEASURED_UNITS` whether it is in sight."""
    seen: npt.NDArray[np.bool_] = _SEEN[OCCLUSIONS.index(occlusion)]
    return seen


_SEEN = np.array([[kind in unit.seen_under for unit in MEASURED_UNITS] for kind in OCCLUSIONS])
_SEEN.setflags(write=False)
