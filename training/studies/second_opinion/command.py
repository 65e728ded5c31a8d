"""Trains the machines, measures their gain, and writes what the program reads."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from engines.engine import Engine, load_engine
from engines.second_opinion import Machines, SecondOpinion, save_second_opinion
from faceapp.tracking.action_units import MEASURED_UNITS
from faceapp.tracking.movements import NEUTRAL_FACES
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import MissingDatasetError, RecipeError
from training.measuring.report import predict_set
from training.measuring.significance import mcnemar, paired_bootstrap
from training.names import load
from training.studies.second_opinion.faces import MovingFaces, moving_faces, neutral_reference
from training.studies.second_opinion.machines import train_machines
from training.studies.second_opinion.protocol import (
    FOLDS,
    Gain,
    fixed_gain,
    frequency_answer,
    machine_answer,
    measured_gain,
)
from training.studies.second_opinion.unit_table import unit_table
from training.study_parts.options import add_places

logger = logging.getLogger(__name__)

REPORT_FILE = "report.md"
LIMITS = (
    "Says what the movements of a mesh rather look like, not what a person feels.",
    "Asked only where the network's highest probabilities are close, and where no unit it needs is hidden.",
    "Faces turned far away, wrinkles, folds and anything below the chin are beyond a mesh.",
)
_SET, _MORE = "ferplus", "ckplus"
_BACKEND = "onnxruntime"
MACHINES, FREQUENCY = "machines", "more frequent emotion"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_places(parser)
    parser.add_argument("--model", default="multitask", help="network they help (default: %(default)s)")
    parser.add_argument("--cost", type=float, default=0.1, help="C of the machines (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    if not options.cost > 0:
        raise RecipeError(f"cost: expected a number above 0, found {options.cost}")
    faces = load_prepared(_SET, options.data, options.cache)
    faces.require("train", "validation")
    more = _more_faces(options)
    training = moving_faces(faces, "train")
    machines = train_machines(
        [training, *([moving_faces(more, "train")] if more is not None else [])], options.cost
    )
    held_out = moving_faces(faces, "validation")
    with load_engine(options.model, backend=_BACKEND) as engine:
        emotion = predict_set(engine, faces, held_out.positions)["emotion"]
        gains = {
            MACHINES: measured_gain(
                machine_answer(machines, emotion, held_out.movements), emotion, held_out.emotion
            ),
            FREQUENCY: measured_gain(
                frequency_answer(training, emotion, held_out.movements), emotion, held_out.emotion
            ),
        }
        gaps = gains[MACHINES].pair_gap, gains[MACHINES].triple_gap
        others = [(faces, ("test",)), *([(more, ("validation", "test"))] if more is not None else [])]
        for other, splits in others:
            for split in splits:
                if len(other.where(split)):
                    gains[f"{MACHINES}, {other.name} {split}"] = _gain_elsewhere(
                        engine, machines, gaps, other, split
                    )
        name, digest = engine.card.name, engine.card.sha256
    card = {
        "name": "second-opinion",
        "network": {"name": name, "sha256": digest},
        "data": {one.name: _about(one) for one in (faces, more) if one is not None},
        "protocol": f"linear SVM, C {options.cost:g}; gaps chosen on {_SET} validation, gain in {FOLDS} folds of it",
        "figures": {title: gain.as_dict() for title, gain in gains.items()},
        "limits": list(LIMITS),
        "license": "Weights trained on data sets for non-commercial research: use them in the same way.",
    }
    save_second_opinion(SecondOpinion(machines, *gaps, card), options.out)
    text = report_text(gains, held_out, faces)
    (options.out / REPORT_FILE).write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def _gain_elsewhere(
    engine: Engine, machines: Machines, gaps: tuple[float, float], faces: PreparedFaces, split: str
) -> Gain:
    """Return what the chosen gaps gain on faces that chose nothing."""
    moving = moving_faces(faces, split)
    emotion = predict_set(engine, faces, moving.positions)["emotion"]
    return fixed_gain(machine_answer(machines, emotion, moving.movements), gaps, emotion, moving.emotion)


def _more_faces(options: argparse.Namespace) -> PreparedFaces | None:
    try:
        return load_prepared(_MORE, options.data, options.cache)
    except MissingDatasetError as error:
        logger.info("trained without %s: %s", _MORE, error)
        return None


def _about(faces: PreparedFaces) -> dict[str, Any]:
    module = load("data.sets", faces.name)
    return {"citation": module.CITATION, "license": module.LICENSE, "pictures": len(faces.where("train"))}


def report_text(gains: dict[str, Gain], held_out: MovingFaces, faces: PreparedFaces) -> str:
    """Return the report: what asking gains, whether the movements do, and what each unit tells."""
    count = len(held_out.emotion)
    lines = [
        f"# Second opinion on {count} held-out faces of {faces.name}",
        "",
        "| rule | gaps (two, three) | asked | right of these, network alone | changed | accuracy | gain, points | McNemar p |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_gain_line(title, gain) for title, gain in gains.items()),
        "",
        _difference_line(gains[MACHINES], gains[FREQUENCY]),
        "",
        "| unit | emotion | shows more than a neutral face | median | faces |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {title} {name} | {emotion} | {share:.2f} | {median:+.2f} | {number} |"
            for title, name, emotion, share, median, number in unit_table(held_out)
        ),
        "",
        "Median and spread of the bare measures on calm training faces, and what stands in the program:",
        "",
        *_neutral_lines(faces),
    ]
    return "\n".join(lines)


def _gain_line(title: str, gain: Gain) -> str:
    found = gain.difference
    return (
        f"| {title} | {gain.pair_gap:g}, {gain.triple_gap:g} | {gain.asked} | {gain.right:.1%}, {gain.network_right:.1%} | "
        f"{gain.changed} | {gain.after.mean():.2%} | {100 * found.difference:+.2f} [{100 * found.low:+.2f}, "
        f"{100 * found.high:+.2f}] | {gain.test.p_value:.3f} |"
    )


def _difference_line(machines: Gain, frequency: Gain) -> str:
    """Return in one sentence whether the machines beat the rule that looks at no face."""
    found, test = paired_bootstrap(machines.after, frequency.after), mcnemar(machines.after, frequency.after)
    return (
        f"Machines against the more frequent emotion: {100 * found.difference:+.2f} points [{100 * found.low:+.2f}, "
        f"{100 * found.high:+.2f}], McNemar p {test.p_value:.3f}."
    )


def _neutral_lines(faces: PreparedFaces) -> list[str]:
    rows = zip(MEASURED_UNITS, neutral_reference(faces).tolist(), strict=True)
    return [
        f"- {unit.title}: {median:.4f}, {spread:.4f} (program: {NEUTRAL_FACES[unit.code][0]:.4f}, "
        f"{NEUTRAL_FACES[unit.code][1]:.4f})"
        for unit, (median, spread) in rows
    ]
