"""Tries the packaged program in an empty folder: version, doctor, a picture, two processes, the window drawn in memory."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(program: Path) -> int:
    """Run every check; return 0 when all went well.

    Args:
        program: The program that PyInstaller made.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        said = _run(program, place, "--version")
        assert said.startswith("faceapp "), said
        assert "multitask-mask" in _run(program, place, "doctor")
        _run(program, place, "--source", "demo", "--sessions", "drawn")
        (window,) = (place / "drawn").glob("*/window.png")
        assert window.stat().st_size > 20_000, "a window with something on it"
        (film,) = (place / "drawn").glob("*/video.mkv")
        films = [place / name for name in ("one.mkv", "two.mkv")]
        for each in films:
            each.write_bytes(film.read_bytes())
        _run(
            program, place, "analyze", *map(str, films), "--for", "2", "--processes", "2", "--out", "sessions"
        )
        for each in films:
            session = json.loads(
                (place / "sessions" / each.stem / "session.json").read_text(encoding="utf-8")
            )
            assert session["state"] == "closed" and session["frames"]["with_faces"] > 30, session["frames"]
        _run(program, place, "predict", "--images", str(window), "--out", "faces.csv")
        with (place / "faces.csv").open(encoding="utf-8") as table:
            assert next(csv.DictReader(table))["model"], "the face in the drawn window is read"
    size_mb = sum(file.stat().st_size for file in program.parent.rglob("*") if not file.is_symlink()) / 1e6
    print(f"{program}: works, {size_mb:.0f} MB unpacked")
    return 0


def _run(program: Path, place: Path, *arguments: str) -> str:
    environment = {**os.environ, "HOME": str(place), "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [program, *arguments], cwd=place, env=environment, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise SystemExit(f"{program.name} {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    name = "faceapp-console.exe" if sys.platform == "win32" else "faceapp"
    sys.exit(main(ROOT / "dist" / "faceapp" / name if len(sys.argv) < 2 else Path(sys.argv[1])))
