"""Kills recordings at random moments and looks what is left: `python -m faceapp.session.kill_check --count 200`."""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faceapp.errors import SessionError
from faceapp.session.check import check_session
from faceapp.session.liveness import LOCK_FILE
from faceapp.session.reader import read_frames, read_session
from faceapp.session.synthetic import synthetic_frames, synthetic_result
from faceapp.session.writer import SessionWriter

RATE_HZ = 50.0
READ_EVERY = 2
_SHORTEST_S, _LONGEST_S = 0.2, 3.0
"""Lengths of the sessions that a victim records one after the other, so that some kills meet the sealing."""
_KILLED = (-9, 1)  # POSIX, Windows
_EARLIEST_KILL_S, _LATEST_KILL_S = 0.3, 5.0
"""When a victim dies, counted from its first line."""


@dataclass(frozen=True, slots=True)
class Death:
    """What one killed program left.

    Attributes:
        state: State of the session when the program died: "recording", "closed", or "none" before any had begun.
        handed: Frames that the last session was given.
        problem: Why the session can't be read or repaired; empty when it can.
        lost_rows_s: From the last row of the table to the last result handed over.
        lost_video_s: From the last frame of the video to the last frame handed over.
    """

    state: str
    problem: str = ""
    handed: int = 0
    lost_rows_s: float = 0.0
    lost_video_s: float = 0.0


def record_until_killed(folder: Path, seed: int) -> None:
    """Record one session after the other at the camera's own speed, telling every frame that was handed over."""
    lengths = random.Random(seed)
    number = 0
    while True:
        path = folder / f"{number:03d}"
        print("open", path.name, flush=True)
        writer = SessionWriter(path, source="victim", cards=(), settings={}, captured=True)
        _record(writer, lengths.uniform(_SHORTEST_S, _LONGEST_S))
        writer.close()
        print("closed", path.name, flush=True)
        number += 1


def _record(writer: SessionWriter, length_s: float) -> None:
    started_s = time.monotonic()
    for frame in synthetic_frames(RATE_HZ):
        if frame.time_s >= length_s:
            return
        time.sleep(max(0.0, started_s + frame.time_s - time.monotonic()))
        in_video = writer.put_frame(frame)
        in_table = frame.index % READ_EVERY == 0 and writer.put(synthetic_result(frame, faces=2))
        print(frame.index, int(in_video), int(in_table), flush=True)


def kill_one(out: Path, seed: int) -> Death:
    """Start a victim, kill it with SIGKILL at a random moment and examine its last session.

    Args:
        out: Folder for the victim's sessions; a folder of its own is made in it.
        seed: Chooses the moment.
    """
    folder = out / f"victim-{seed:04d}"
    folder.mkdir(parents=True)
    arguments = [
        sys.executable,
        "-m",
        "faceapp.session.kill_check",
        "--victim",
        str(folder),
        "--seed",
        str(seed),
    ]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        first = victim.stdout.readline()
        time.sleep(random.Random(-seed).uniform(_EARLIEST_KILL_S, _LATEST_KILL_S))
        victim.kill()
        lines = [first, *victim.stdout.read().split("\n")]
    if victim.returncode not in _KILLED:
        return Death("none", f"the victim ended by itself with exit code {victim.returncode}")
    death = _examine(folder, [line for line in lines if line.strip()])
    if not death.problem:
        shutil.rmtree(folder)
    return death


def _examine(folder: Path, lines: Sequence[str]) -> Death:
    opened = [line.split()[1] for line in lines if line.startswith("open")]
    handed = lines[max(index for index, line in enumerate(lines) if line.startswith("open")) + 1 :]
    session = folder / opened[-1]
    if not (session / "session.json").exists():
        # The lock is taken before anything is recorded: alone it is a recording that never began.
        known = (path.name for path in session.glob("*") if not path.name.startswith("."))
        left = [name for name in known if name != LOCK_FILE]
        return Death("none", f"{left} without session.json" if left or len(handed) else "")
    try:
        state = str(read_session(session).metadata["state"])
        result = check_session(session)
        if result.problems:
            return Death(state, "; ".join(result.problems))
        return _losses(session, state, handed)
    except SessionError as error:
        return Death("unknown", str(error))


def _losses(session: Path, state: str, handed: Sequence[str]) -> Death:
    """Compare what is left with what the writer took; what it refused is no loss, it said so."""
    told = [tuple(map(int, line.split())) for line in handed if line[0].isdigit() and len(line.split()) == 3]
    in_video = [index for index, taken, _ in told if taken]
    in_table = [index for index, _, taken in told if taken]
    rows = read_session(session).column("frame").astype(int)
    last = int(rows.max(initial=-READ_EVERY))
    log = read_frames(session)
    found = int(read_session(session).metadata["frames"]["in_video"])
    lost_rows = (in_table[-1] - last) / RATE_HZ if in_table else 0.0
    lost_video = max(0.0, (len(in_video) - found) / RATE_HZ)
    holes = sorted({index for index in in_table if index <= last} - set(rows.tolist()))
    problem = f"holes at frames {holes[:5]}" if holes else ""
    if log.num_rows and log["frame"].to_pylist() != list(range(log.num_rows)):
        problem = problem or "the table of frames has holes"
    return Death(state, problem, len(in_video), max(0.0, lost_rows), lost_video)


def kill_many(out: Path, count: int, parallel: int, first_seed: int = 1) -> Iterator[Death]:
    """Yield what each of so many killed programs left.

    Args:
        out: Folder for the sessions; those that are sound are removed again.
        count: Programs to kill.
        parallel: Programs that run at once.
        first_seed: Seed of the first; the others follow.
    """
    with ThreadPoolExecutor(parallel) as pool:
        yield from pool.map(partial(kill_one, out), range(first_seed, first_seed + count))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check.

    Returns:
        0 when every session could be read and at most one second was lost, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m faceapp.session.kill_check", description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="recordings to kill (default 20)")
    parser.add_argument("--parallel", type=int, default=2, help="at once (default 2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where unsound sessions stay (default: a temporary folder)")
    parser.add_argument("--victim", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.victim is not None:
        record_until_killed(given.victim, given.seed)
    out = given.out or Path(tempfile.mkdtemp(prefix="kill-check-"))
    deaths = list(kill_many(out, given.count, given.parallel, given.seed))
    problems = [death for death in deaths if death.problem]
    for death in problems:
        print(f"unsound: {death.problem}")
    states = {
        state: sum(death.state == state for death in deaths) for state in sorted({d.state for d in deaths})
    }
    worst_rows_s = max(death.lost_rows_s for death in deaths)
    worst_video_s = max(death.lost_video_s for death in deaths)
    handed = sum(death.handed for death in deaths)
    print(
        f"{len(deaths)} killed ({', '.join(f'{count} {state}' for state, count in states.items())}), "
        f"{handed} frames in their last sessions, "
        f"unreadable {len(problems)}, most lost {worst_rows_s:.2f} s of rows and {worst_video_s:.2f} s of video"
    )
    return 1 if problems or not handed or max(worst_rows_s, worst_video_s) > 1.0 else 0


if __name__ == "__main__":
    sys.exit(main())
