"""A study made in pieces: its folder belongs to one plan, and what is done is never done again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from engines.whole_file import write_whole
from training.errors import RecipeError

PLAN = "plan.json"
Piece = TypeVar("Piece")


def claim_folder(out: Path, plan: Mapping[str, Any], name: str = PLAN) -> None:
    """Make a study's folder, or check that it is this study's.

    Args:
        out: The folder.
        plan: What the study is, as JSON takes it.
        name: File in the folder that keeps the plan.

    Raises:
        RecipeError: The folder holds a study of another plan.
    """
    out.mkdir(parents=True, exist_ok=True)
    path, wanted = out / name, json.loads(json.dumps(plan))
    if not path.is_file():
        write_whole(path, json.dumps(wanted, indent=1) + "\n")
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        kept = {}
    if kept != wanted:
        differing = sorted(key for key in {*kept, *wanted} if kept.get(key) != wanted.get(key))
        raise RecipeError(
            f"{path}: expected this study's plan, found one with other {', '.join(differing)}; "
            "name another --out or give the settings there"
        )


def within(minutes: float | None, pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield pieces of work until the time is over; the one that is begun is finished.

    Args:
        minutes: None: all of them.
        pieces: What is not done yet.
    """
    started_s = time.monotonic()
    for piece in pieces:
        if minutes is not None and time.monotonic() - started_s >= 60 * minutes:
            return
        yield piece
