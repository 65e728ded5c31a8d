"""Draws the program's icon in every size a system asks for: PNG, .ico for Windows, .icns for macOS."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ROOT = Path(__file__).resolve().parents[2]
DRAWING = ROOT / "assets" / "icons" / "faceapp.svg"
SIZES_PX = (16, 24, 32, 48, 64, 128, 256, 512, 1024)


def draw(size_px: int, path: Path) -> None:
    """Draw the icon.

    Args:
        size_px: Width and height.
        path: PNG to write.
    """
    image = QImage(size_px, size_px, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(DRAWING)).render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    if not image.save(str(path)):
        raise OSError(f"{path}: expected a file that can be written; choose another folder")


def main(out: Path) -> None:
    """Write all files into a folder."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication([])
    out.mkdir(parents=True, exist_ok=True)
    for size_px in SIZES_PX:
        draw(size_px, out / f"faceapp-{size_px}.png")
    del application
    with Image.open(out / f"faceapp-{SIZES_PX[-1]}.png") as largest:
        largest.save(out / "faceapp.ico", sizes=[(size, size) for size in SIZES_PX if size <= 256])
        largest.save(out / "faceapp.icns")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "icons")
