"""Damaged sessions: whatever is done with one, it is done, or refused in one line.

`python -m tests.fuzz.sessions --count 10000` runs long; `--start` goes on from a seed.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from faceapp.errors import SessionError
from faceapp.session.annotation_faces import FaceEdits, save_face_edits
from faceapp.session.annotations import Event, append_event
from faceapp.session.check import check_session
from faceapp.session.export import export_session
from faceapp.session.reader import read_session
from faceapp.session.report import report_html
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result
from tests.fuzz.mutations import damaged_bytes, damaged_json

LONGEST_S = 10.0


def make_session(folder: Path) -> Path:
    """Record a small session with everything that one can hold."""
    writer = SessionWriter(
        folder,
        source="t",
        cards=[card()],
        settings={"simulate": "none", "labels": "a, b"},
        wait=True,
        captured=True,
    )
    for index in range(12):
        writer.put_frame(result(index).frame)
        writer.put(result(index, faces=2))
    folder = writer.close()
    append_event(folder, Event(0.1, 0.3, label="mark", face=1, note="note", author="A"))
    append_event(folder, Event(0.2, 0.2))
    save_face_edits(folder, FaceEdits(names={1: "Anna"}, merged={2: 1}))
    return folder


def damage(folder: Path, chance: random.Random) -> str:
    """Damage one file of a session; return its name and how."""
    name = chance.choice(("session.json",) * 5 + tuple(sorted(path.name for path in folder.iterdir())))
    path = folder / name
    content = path.read_bytes()
    if chance.random() < 0.05:
        path.unlink()
        return f"{name} removed"
    if name.endswith((".json", ".jsonl")) and chance.random() < 0.8:
        lines = content.decode().splitlines() if name.endswith("l") else [content.decode()]
        place = chance.randrange(len(lines))
        lines[place] = damaged_json(lines[place], chance)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogatepass")
        return f"{name} with other values"
    path.write_bytes(damaged_bytes(content, chance))
    return f"{name} damaged"


def try_one(whole: Path, folder: Path, seed: int) -> str:
    """Damage a copy and do everything with it; return what went wrong, empty where nothing did."""
    chance = random.Random(seed)
    shutil.copytree(whole, folder)
    how = damage(folder, chance)
    started_s = time.monotonic()
    for use in (
        lambda: check_session(folder, repair=False),
        lambda: report_html(read_session(folder, tell=False)),
        lambda: export_session(folder, ["csv", "bids", "webvtt", "elan", "xdf", "facereader", "openface"]),
        lambda: check_session(folder),
        lambda: read_session(folder, tell=False),
    ):
        error = _raised(use)
        if isinstance(error, SessionError):
            if "\n" in str(error):
                return f"{how}: more than one line: {error}"
        elif error is not None:
            last = traceback.extract_tb(error.__traceback__)[-1]
            ours = [
                entry for entry in traceback.extract_tb(error.__traceback__) if "/faceapp/" in entry.filename
            ]
            place = ours[-1] if ours else last
            return f"{how}: {type(error).__name__}: {error} at {Path(place.filename).name}:{place.lineno}"
    if time.monotonic() - started_s > LONGEST_S:
        return f"{how}: took {time.monotonic() - started_s:.0f} s"
    return ""


def _raised(use: Callable[[], object]) -> Exception | None:
    try:
        use()
    except Exception as error:
        return error
    return None


def run(count: int, start: int = 0) -> list[str]:
    """Try this many damaged sessions; return what went wrong."""
    found = []
    with tempfile.TemporaryDirectory() as place:
        whole = make_session(Path(place) / "whole")
        for seed in range(start, start + count):
            folder = Path(place) / "copy"
            if said := try_one(whole, folder, seed):
                found.append(f"seed {seed}: {said}")
            shutil.rmtree(folder)
    return found


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    options = parser.parse_args()
    found = run(options.count, options.start)
    for line in found[:20]:
        print(line)
    kinds = Counter(line.rpartition(" at ")[2] for line in found)
    print(json.dumps({"tried": options.count, "wrong": len(found), "kinds": kinds.most_common(30)}, indent=1))
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
