"""The names that data sets give the eight emotions."""

from __future__ import annotations

from engines.card import EMOTIONS

_OTHER_NAMES = {
    "happy": "happiness",
    "surprised": "surprise",
    "sad": "sadness",
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
}


def one_emotion(name: str) -> tuple[float, ...] | None:
    """Return all votes for one emotion, in the order of `engines.card.EMOTIONS`; None for no such emotion.

    Args:
        name: As a set spells it, in any case, as noun or adjective.
    """
    plain = name.strip().lower()
    wanted = _OTHER_NAMES.get(plain, plain)
    return tuple(float(label == wanted) for label in EMOTIONS) if wanted in EMOTIONS else None
