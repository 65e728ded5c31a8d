"""`faceapp session teach` and `labels`: labels of one's own from marks of recorded sessions."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from faceapp.errors import SessionError

if TYPE_CHECKING:
    from faceapp.labels.label_file import Label


def add_teach_actions(actions: Any) -> None:
    """Describe the actions.

    Args:
        actions: What `add_subparsers` returned.
    """
    teach = actions.add_parser("teach", help="teach a label of your own from marks, and judge it")
    teach.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="session folder")
    teach.add_argument("--label", required=True, metavar="NAME", help="label of the marks to learn")
    teach.add_argument(
        "--contrast", metavar="NAME", help="label of the marks to tell it from (default: everything else)"
    )
    teach.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="file to write (default: your labels, where the window finds it)",
    )
    labels = actions.add_parser("labels", help="list your labels with their figures, or remove one")
    labels.add_argument("folders", nargs="*", help=argparse.SUPPRESS)
    labels.add_argument("--remove", metavar="NAME", help="remove a label")


def teach(arguments: argparse.Namespace) -> int:
    """Teach one label from all sessions together, print its figure and save it.

    Returns:
        0; what it says is judged by the reader.

    Raises:
        SessionError: As `faceapp.labels.teaching.teach_label`.
    """
    from faceapp.labels.label_file import label_path, save_label
    from faceapp.labels.teaching import teach_label
    from faceapp.session.recorded_files import refuse_recorded

    started_s = time.perf_counter()
    with tqdm(unit="face", disable=not sys.stderr.isatty()) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        taught = teach_label(arguments.folders, arguments.label, arguments.contrast, progress)
    path = arguments.out or label_path(taught.label.name)
    refuse_recorded(path)
    save_label(taught.label, path)
    for line in describe_label(taught.label):
        print(line)
    for reason in taught.examples.left_out:
        print(f"  left out: {reason}")
    print(f"  {time.perf_counter() - started_s:.0f} s")
    print(path)
    return 0


def list_labels(arguments: argparse.Namespace) -> int:
    """Print this user's labels, or remove one.

    Returns:
        0, or 2 when a label is damaged.
    """
    from faceapp.labels.label_file import label_names, remove_label

    if arguments.remove is not None:
        remove_label(arguments.remove)
        return 0
    return max((_list_one(name) for name in label_names()), default=0)


def _list_one(name: str) -> int:
    from faceapp.labels.label_file import load_label

    try:
        print("\n".join(describe_label(load_label(name))))
    except SessionError as error:
        print(f"faceapp: {error}", file=sys.stderr)
        return 2
    return 0


def describe_label(label: Label) -> list[str]:
    """Return a label and its figures as lines of text."""
    first = label.judgements[0]
    against = f"{label.contrast!r}" if label.contrast else "everything else"
    lines = [
        f"{label.name}: told from {against}, {first.shown} moments against {first.other}, on {label.model}"
    ]
    return lines + [f"  {judgement.text()}" for judgement in label.judgements]


TEACH_ACTIONS = {"teach": teach, "labels": list_labels}
