"""What people keep is written by one function that survives a power cut: nobody writes or renames beside it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WRITES = re.compile(
    r"os\.(replace|rename)\(|\.rename\(|\b\w*(path|file|part|partial)\.replace\(|\.write_(text|bytes)\(|open\([^)\n]*[\"'](w|wb|a|ab|x)[\"']"
)
ELSEWHERE = {
    "engines/whole_file.py": "the one function",
    "faceapp/commands/predict.py": "a part that is put in place, or a pipe",
    "faceapp/session/recorded_files.py": "the one function, or a pipe",
    "faceapp/session/video_encoder.py": "the video grows while recording",
    "faceapp/session/video_repair.py": "a part that is put in place",
}
"""Files that may, and why; exports write into a folder of their own, from which `export_session` puts them in place."""


def test_nothing_is_written_beside_the_function_for_whole_files() -> None:
    found = {
        f"{name}:{number}: {line.strip()}"
        for package in ("engines", "faceapp")
        for path in (ROOT / package).rglob("*.py")
        if (name := path.relative_to(ROOT).as_posix()) not in ELSEWHERE
        and not name.startswith("faceapp/session/exports/")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WRITES.search(line)
    }
    assert not found, "use engines.whole_file, or say in ELSEWHERE why not"


def test_the_pattern_finds_what_it_is_for() -> None:
    for line in (
        "os.replace(a, b)",
        "path.rename(b)",
        "self._path.replace(broken)",
        "path.write_text(text)",
        'path.open("w", newline="")',
        'open(path, "ab")',
    ):
        assert WRITES.search(line), line
    assert not WRITES.search('text.replace("a", "b")') and not WRITES.search('path.open("rb")')
