"""`python -m engines.occlusion`: a sheet of everything that can be drawn on a face, one kind a row, one seed a column."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from engines.occlusion.kinds import KINDS, occlude

_TILE_PX = 112
_MARGIN = 0.28
_TITLE_PX = 92


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sheet; return 0, or 2 where it can't be read or written."""
    parser = argparse.ArgumentParser(prog="python -m engines.occlusion", description=__doc__)
    parser.add_argument("--picture", type=Path, required=True, help="picture with one face")
    parser.add_argument("--landmarks", type=Path, required=True, help="its mesh, float32 (478, 3) px")
    parser.add_argument("--seeds", type=int, default=8, help="columns (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    options = parser.parse_args(arguments)
    picture = cv2.imread(str(options.picture))
    try:
        landmarks = np.load(options.landmarks, allow_pickle=False)
    except (OSError, ValueError) as error:
        print(
            f"occlusion: {options.landmarks}: expected a mesh in a .npy file, found none ({error})",
            file=sys.stderr,
        )
        return 2
    if picture is None:
        print(
            f"occlusion: {options.picture}: expected a picture, found none that can be read", file=sys.stderr
        )
        return 2
    drawn = sheet(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8), landmarks, range(options.seeds))
    if not cv2.imwrite(str(options.out), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)):
        print(f"occlusion: {options.out}: expected a place to write a picture, found none", file=sys.stderr)
        return 2
    return 0


def sheet(
    image: npt.NDArray[np.uint8], landmarks: npt.NDArray[np.float32], seeds: Sequence[int]
) -> npt.NDArray[np.uint8]:
    """Return every kind with every seed on one face, uint8 (H, W, 3) RGB.

    Args:
        image: uint8 (H, W, 3) RGB.
        landmarks: float32 (478, 3) in its pixels.
        seeds: The columns.
    """
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    margin = _MARGIN * float((high - low).max())
    (left, top), (right, bottom) = np.maximum(low - margin, 0).astype(int), (high + margin).astype(int)
    rows = []
    for kind in KINDS:
        title = np.full((_TILE_PX, _TITLE_PX, 3), 245, np.uint8)
        text = kind.replace("_", " ")
        cv2.putText(
            title, text, (4, _TILE_PX // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (30, 30, 30), 1, cv2.LINE_AA
        )
        tiles = [
            cv2.resize(
                occlude(image, landmarks, kind, seed=seed)[top:bottom, left:right],
                (_TILE_PX, _TILE_PX),
                interpolation=cv2.INTER_AREA,
            )
            for seed in seeds
        ]
        rows.append(np.hstack([title, *tiles]))
    drawn: npt.NDArray[np.uint8] = np.vstack(rows)
    return drawn


if __name__ == "__main__":
    sys.exit(main())
