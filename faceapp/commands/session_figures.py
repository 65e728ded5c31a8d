"""`faceapp session summary`, `agreement` and `study`: figures of recorded sessions."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceapp.commands.options import seconds
from faceapp.errors import SessionError

if TYPE_CHECKING:
    from faceapp.session.agreement import Agreement
    from faceapp.session.figures import Baseline, Figures
    from faceapp.session.reader import Session


def add_figure_actions(actions: Any) -> None:
    """Describe the three actions.

    Args:
        actions: What `add_subparsers` returned.
    """
    summary = actions.add_parser(
        "summary", help="figures per face, range and marker; abstained frames are left out and counted"
    )
    summary.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="session folder")
    summary.add_argument("--out", type=Path, metavar="FILE.csv", help="also write every figure to this table")
    _add_baseline(summary)
    agreement = actions.add_parser(
        "agreement", help="kappa, alpha and intraclass correlation between annotators, and with the network"
    )
    agreement.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="session folder")
    agreement.add_argument("--face", type=int, metavar="N", help="only marks about this face or about all")
    agreement.add_argument("--network", action="store_true", help="also compare with the network's emotion")
    agreement.add_argument(
        "--step",
        type=float,
        default=0.1,
        metavar="S",
        help="seconds between two moments compared (default 0.1)",
    )
    study = actions.add_parser("study", help="one table of all sessions in a folder, and one by condition")
    study.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="folder with session folders in it"
    )
    study.add_argument("--out", type=Path, metavar="DIR", help="folder for the tables (default: DIR itself)")


def _add_baseline(parser: argparse.ArgumentParser) -> None:
    baseline = parser.add_mutually_exclusive_group()
    baseline.add_argument(
        "--baseline",
        nargs=2,
        type=seconds,
        metavar=("START", "END"),
        help="neutral stretch that values are compared with (default: ranges called baseline)",
    )
    baseline.add_argument(
        "--baseline-session",
        type=Path,
        metavar="DIR",
        help="session of the same person that shows the neutral face",
    )


def _summary(folder: Path, arguments: argparse.Namespace) -> int:
    from faceapp.session.figures import session_figures, write_figures
    from faceapp.session.reader import read_session

    session = read_session(folder)
    figures = session_figures(session, _baseline(session, arguments))
    print(f"{folder}:")
    for each in figures:
        print(f"  {describe_figures(each)}")
    if not figures:
        print("  no face was found")
    if arguments.out is not None:
        write_figures(figures, arguments.out)
        print(arguments.out)
    return 0


def _baseline(session: Session, arguments: argparse.Namespace) -> Baseline | None:
    from faceapp.session.figures import baseline_from, baseline_of
    from faceapp.session.reader import read_session

    if arguments.baseline is not None:
        return baseline_of(session, tuple(arguments.baseline))
    if arguments.baseline_session is not None:
        return baseline_from(read_session(arguments.baseline_session))
    return None


def describe_figures(figures: Figures) -> str:
    """Return one line about a face in a group."""
    from faceapp.session.numbers import counted, rounded_text

    group = figures.group if not figures.label else f"{figures.group} {figures.label!r}"
    parts = [f"{figures.name}, {group}: {figures.seconds:.1f} s, {counted(figures.rows, 'row')}"]
    if figures.abstained:
        parts.append(f"{figures.abstained} abstained and left out")
    if figures.excluded:
        parts.append(f"{figures.excluded} excluded")
    shares = sorted(figures.shares.items(), key=lambda item: -item[1])[:2]
    parts += [f"{name} {share:.0%}" for name, share in shares if share]
    for name, label in (("p_smile", "smile"), ("age_years", "age")):
        mean, change = figures.means[name], figures.changes.get(name, math.nan)
        if math.isfinite(mean):
            against = (
                f" ({rounded_text(change, 2, sign=True)} against the baseline)"
                if math.isfinite(change)
                else ""
            )
            parts.append(f"{label} {rounded_text(mean, 2)}{against}")
    return ", ".join(parts)


def _agreement(folder: Path, arguments: argparse.Namespace) -> int:
    from faceapp.session.agreement import session_agreement
    from faceapp.session.reader import read_session

    if not arguments.step > 0:
        raise SessionError(f"--step: expected seconds above 0, found {arguments.step:g}")
    found = session_agreement(read_session(folder), arguments.face, arguments.network, arguments.step)
    print(f"{folder}: {', '.join(rater or '(no name)' for rater in found.raters)}")
    for line in describe_agreement(found):
        print(f"  {line}")
    return 0


def describe_agreement(found: Agreement) -> list[str]:
    """Return the agreement as lines of text."""
    lines = [f"{found.moments} moments labelled by all, {found.left_out} left out for one or more"]
    lines += [
        f"Cohen's kappa {first or '(no name)'} and {second or '(no name)'}: {_number(kappa)}"
        for (first, second), kappa in found.cohen.items()
    ]
    lines += [f"Fleiss' kappa: {_number(found.fleiss)}", f"Krippendorff's alpha: {_number(found.alpha)}"]
    lines += [f"{name}: {_number(value)}" for name, value in found.intraclass.items()]
    return lines


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "not defined (one label only)"


def _study(folder: Path, arguments: argparse.Namespace) -> int:
    from faceapp.session.study import session_folders, study_rows, write_study

    problems: list[str] = []
    rows = study_rows(session_folders(folder), problems)
    for path in write_study(rows, arguments.out or folder):
        print(path)
    for problem in problems:
        print(f"faceapp: {problem}", file=sys.stderr)
    return 2 if problems else 0


FIGURE_ACTIONS = {"summary": _summary, "agreement": _agreement, "study": _study}
