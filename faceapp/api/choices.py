"""What can be chosen by keyword: the settings that change what is read in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from faceapp.settings import Settings

CHOICES = (
    *("model", "backend", "occlusion", "simulate", "region", "smoothing", "landmark_smoothing"),
    *("movements", "second_opinion", "labels", "max_faces", "mesh", "engine_threads"),
)
"""Fields of `faceapp.settings.Settings`, where each is explained."""
_ONLY_OVER_TIME = ("smoothing", "landmark_smoothing", "simulate")


def chosen(settings: Settings, choices: Mapping[str, Any], *, single: bool = False) -> Settings:
    """Return the settings with the choices in their place.

    Args:
        settings: What holds where nothing is chosen.
        choices: Name -> value.
        single: For single pictures, where nothing is smoothed over time.

    Raises:
        TypeError: A name is none of them.
        ValueError: A value is outside its limits.
    """
    known = [name for name in CHOICES if not (single and name in _ONLY_OVER_TIME)]
    for name in choices:
        if name not in known:
            raise TypeError(f"choices: expected any of {', '.join(known)}, found {name!r}")
    return replace(settings, **choices)
