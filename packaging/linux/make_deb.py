"""Makes a Debian package of the program that PyInstaller built: /opt/faceapp, a command, an entry in the menu, icons."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES_PX = (16, 24, 32, 48, 64, 128, 256, 512)
CONTROL = """\
Package: faceapp
Version: {version}
Architecture: {architecture}
Maintainer: faceapp maintainers <faceapp@invalid>
Installed-Size: {kilobytes}
Depends: libgl1, libegl1, libglib2.0-0 | libglib2.0-0t64, libxkbcommon-x11-0, libxcb-cursor0, libdbus-1-3, libfontconfig1
Section: science
Priority: optional
Description: Reads faces live, also when a headset or a mask hides half of them
 Emotion, age, gender and smile of up to eight people at once, drawn on the
 picture, plotted over time and recorded as sessions. Everything is computed
 on this computer; no picture leaves it.
"""


def main(program: Path, icons: Path, out: Path) -> Path:
    """Make the package.

    Args:
        program: The folder that PyInstaller made.
        icons: What packaging/program/icons.py made.
        out: Folder for the package.

    Returns:
        The package.
    """
    version = subprocess.run(
        [program / "faceapp", "--version"], capture_output=True, text=True, check=True
    ).stdout
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    tree = ROOT / "build" / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(program, tree / "opt" / "faceapp", symlinks=True)
    (tree / "usr" / "bin").mkdir(parents=True)
    (tree / "usr" / "bin" / "faceapp").symlink_to("/opt/faceapp/faceapp")
    _copy(ROOT / "packaging" / "linux" / "faceapp.desktop", tree / "usr/share/applications/faceapp.desktop")
    _copy(ROOT / "LICENSE", tree / "usr/share/doc/faceapp/copyright")
    _copy(ROOT / "assets/icons/faceapp.svg", tree / "usr/share/icons/hicolor/scalable/apps/faceapp.svg")
    for size in SIZES_PX:
        place = tree / f"usr/share/icons/hicolor/{size}x{size}/apps/faceapp.png"
        _copy(icons / f"faceapp-{size}.png", place)
    kilobytes = sum(file.lstat().st_size for file in tree.rglob("*")) // 1024
    control = tree / "DEBIAN" / "control"
    control.parent.mkdir()
    control.write_text(
        CONTROL.format(version=version.split()[1], architecture=architecture, kilobytes=kilobytes),
        encoding="utf-8",
    )
    package = out / f"faceapp_{version.split()[1]}_{architecture}.deb"
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", tree, package], check=True)
    return package


def _copy(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place)


if __name__ == "__main__":
    print(main(ROOT / "dist" / "faceapp", ROOT / "build" / "icons", ROOT / "dist"))
