"""Four-picture data sets in their published layouts, made of drawn faces."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

FERPLUS_LINES = (
    'fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0',
    'fer0000001.png,"(0, 0, 48, 48)",0,10,0,0,0,0,0,0,0,0',
    'fer0000002.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,0,10,0',
    'fer0000003.png,"(0, 0, 48, 48)",1,1,8,0,0,0,0,0,0,0',
)


def draw_face(path: Path, side: int, shade: int = 200) -> None:
    """Write a drawn face that is different for every shade."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((side, side, 3), 60, np.uint8)
    centre = side // 2
    cv2.ellipse(
        picture, (centre, centre), (side // 3, side * 2 // 5), 0, 0, 360, (shade, shade - 20, shade - 40), -1
    )
    for x in (side * 3 // 8, side * 5 // 8):
        cv2.circle(picture, (x, side * 2 // 5), max(1, side // 16), (20, 20, 20), -1)
    cv2.ellipse(picture, (centre, side * 2 // 3), (side // 8, side // 16), 0, 0, 180, (40, 40, 120), 2)
    cv2.imwrite(str(path), picture)


def write_ferplus(root: Path) -> Path:
    for folder in ("FER2013Train", "FER2013Valid"):
        for number, line in enumerate(FERPLUS_LINES):
            draw_face(root / folder / line.split(",")[0], 48, 120 + 30 * number)
        (root / folder / "label.csv").write_text("\n".join(FERPLUS_LINES) + "\n")
    return root


def write_utkface(root: Path) -> Path:
    names = (
        "1_0_2_20161219140530307",
        "26_1_0_20170116171048641",
        "61_1_20170109150557335",
        "101_0_4_20170112213500903",
    )
    for number, name in enumerate(names):
        draw_face(root / "UTKFace" / f"{name}.jpg.chip.jpg", 200, 120 + 30 * number)
    return root


def write_genki4k(root: Path) -> Path:
    for number in (1, 2, 4):
        draw_face(root / "files" / f"file{number:04d}.jpg", 64, 120 + 30 * number)
    (root / "labels.txt").write_text("1 -0.02 0.05 -0.03\n0 0.1 0.0 0.0\n\n1 0.0 0.2 0.1\n")
    return root


def write_ckplus(root: Path) -> Path:
    for number, name in enumerate(
        (
            "happy/S010_006_00000013",
            "anger/S011_004_00000021",
            "contempt/S138_008_00000007",
            "fear/S011_003_00000014",
        )
    ):
        draw_face(root / "CK+48" / f"{name}.png", 48, 120 + 30 * number)
    return root


WRITERS = {
    "ferplus": write_ferplus,
    "utkface": write_utkface,
    "genki4k": write_genki4k,
    "ckplus": write_ckplus,
}
