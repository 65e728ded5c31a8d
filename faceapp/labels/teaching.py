"""Teaches a label from marks of recorded sessions, and judges it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.features import FeatureNet
from faceapp.errors import SessionError
from faceapp.labels.classifier import fit_scale, fit_weights
from faceapp.labels.examples import Examples, Progress, gather_examples
from faceapp.labels.judging import Judgement, judge, require_apart, require_enough
from faceapp.labels.label_file import Label
from faceapp.labels.moments import blocks_of, session_moments
from faceapp.session.reader import read_session
from faceapp.settings.label_names import check_name
from faceapp.types import read_only


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """A label and what it was taught from.

    Attributes:
        label: Not saved yet.
        examples: What it was taught from.
    """

    label: Label
    examples: Examples


def teach_label(
    folders: Sequence[Path],
    name: str,
    contrast: str | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Taught:
    """Teach a label.

    Args:
        folders: Session folders with marks of that name.
        name: Label of the marks.
        contrast: Label of the marks it is told from; None: everything at least 1 s away from the label's marks.
        progress: Called with faces read and faces in all; may raise to stop.

    Returns:
        The label with its figures: over times, and over sessions where at least two have marks.

    Raises:
        SessionError: The name, the marks or the sessions are not usable; the text says how to mend it.
        CardError: The network is missing.
        EngineError: It failed.
    """
    name = check_name(name)
    sessions = [read_session(folder, tell=False) for folder in folders]
    moments = [
        moment
        for number, session in enumerate(sessions)
        for moment in session_moments(session, number, name, contrast)
    ]
    shows = np.array([moment.shows for moment in moments], bool)
    require_enough(shows, name, contrast)
    require_apart(blocks_of(moments), shows)  # before the videos are read, which takes a while
    examples = gather_examples(sessions, moments, progress)
    require_enough(examples.labels, name, contrast)
    judgement, sigmoid = judge(examples)
    judgements = [judgement]
    if len(np.unique(examples.sessions[examples.labels])) > 1:
        judgements.append(judge(examples, "session")[0])
    return Taught(_label(name, contrast, examples, judgements, sigmoid, folders), examples)


def _label(
    name: str,
    contrast: str | None,
    examples: Examples,
    judgements: Sequence[Judgement],
    sigmoid: tuple[float, float],
    folders: Sequence[Path],
) -> Label:
    """Return the label fitted to all examples, with scale and sigmoid folded into its weights."""
    scale = fit_scale(examples.features)
    weights, border = fit_weights(scale.apply(examples.features), examples.labels[examples.moments])
    slope, offset = sigmoid
    folded = slope * scale.factor * weights[:, 0]
    if not np.isfinite(folded).all():
        raise SessionError(
            f"label {name!r}: expected numbers to learn from, found none; check the sessions' faces"
        )
    return Label(
        name=name,
        contrast=contrast or "",
        model=examples.model,
        model_sha256=FeatureNet(examples.model).card.sha256,
        weights=read_only(folded.astype(np.float32)),
        offset=float(offset - slope * border[0] - folded @ scale.mean),
        missing=read_only(scale.mean.astype(np.float32)),
        judgements=tuple(judgements),
        sessions=tuple(folder.name for folder in folders),
    )
