"""Tells when a film cuts to another scene: who is seen then is not who was seen before."""

from __future__ import annotations

import numpy as np

from faceapp.types import Floats, Image

_LEAST_ALIKE = 0.5
"""Correlation below which two frames show different scenes. Measured from frame to frame: 0.92 and more within the
scenes of four films and of the demo, 0.29 and less at their cuts."""
_LEAST_CHANGE_LEVELS = 25.0
"""Mean change that a cut has at least: noise, or faces that fly past an even wall (at most 16), do not correlate either.
The cuts had 59 and more."""
_ROWS = 18


class SceneCuts:
    """Compares each frame with the one before, on some hundred pixels of them (0.1 ms)."""

    def __init__(self) -> None:
        self._before: Floats | None = None

    def cut_before(self, image: Image) -> bool:
        """Return whether this frame shows another scene than the last one.

        Light that goes on or off is no cut: what is compared is where a picture is brighter and where darker.

        Args:
            image: uint8 (H, W, 3) RGB. A frame of another size is never a cut by itself.
        """
        now, before = _thumbnail(image), self._before
        self._before = now
        if before is None or before.shape != now.shape:
            return False
        if float(np.abs(now - before).mean()) < _LEAST_CHANGE_LEVELS:
            return False
        first, second = now - now.mean(), before - before.mean()
        size = float(np.sqrt((first * first).sum() * (second * second).sum()))
        return float((first * second).sum()) < _LEAST_ALIKE * size

    def forget(self) -> None:
        """Forget the last frame."""
        self._before = None


def _thumbnail(image: Image) -> Floats:
    """Return some pixels in gray, float32 of about 18 rows."""
    step = max(1, min(image.shape[:2]) // _ROWS)
    thumbnail: Floats = image[step // 2 :: step, step // 2 :: step].mean(axis=2, dtype=np.float32)
    return thumbnail
