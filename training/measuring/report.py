"""The report of an exported model: figures with intervals, by group, pictures; and the figures in its card.

The model runs through `engines`, back end and decoding included, on chips that `engines.preprocess` cuts: what is
measured is what the program runs.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import CARD_FILE, EMOTIONS, ModelCard
from engines.engine import Engine, load_engine
from training.data.prepared import DATA_SETS, PreparedFaces, load_prepared
from training.data.sample import SPLITS
from training.errors import MissingDatasetError
from training.exporting.export import LARGEST_BATCH
from training.measuring.answers import Confusion
from training.measuring.evaluation import predict_faces
from training.measuring.measured_set import MeasuredSet, intervals_text, measured_set
from training.measuring.pictures.confusion import draw_confusions
from training.measuring.report_files import report_title, save_report
from training.names import load
from training.occlusion.views import VIEWS_OF_OCCLUSION, Hide, named, view

logger = logging.getLogger(__name__)

_BACKEND = "onnxruntime"


def report_model(
    model: str | Path,
    data: Path,
    cache: Path,
    split: str,
    crop: str,
    out: Path | None,
    views: Sequence[str] = (),
) -> str:
    """Measure a model on every set that is there.

    Args:
        model: Folder with `model.onnx` and `card.json`.
        data: Folder with the unpacked sets.
        cache: Folder for prepared faces.
        split: "validation" or "test".
        crop: "card" (as the card says), "aligned" or "whole".
        out: Folder for `report.json`, `report.md` and the pictures `confusion_<set>.png`, `calibration_<set>.png` and
            `groups_<set>.png`, or None.
        views: Of `training.occlusion.views.VIEWS`; none takes those that the card's occlusion asks for.

    Returns:
        The report as text.

    Raises:
        DatasetError: No set is there, or one is malformed.
    """
    with load_engine(model, backend=_BACKEND) as engine:
        card = engine.card
        views = tuple(views) or VIEWS_OF_OCCLUSION[card.occlusion]
        sets = [faces for _, faces in present_sets(data, cache)]
        found = [
            _measure(engine, faces, split, crop, (shown, view(shown, card.input, cache)), views)
            for shown in views
            for faces in sets
        ]
    measured = [one for one in found if one is not None]
    read = [faces.read_text(split) for faces in sets if len(faces.where(split))]
    about = {"model": card.name, "split": split, "crop": crop, "read": "; ".join(read)}
    if out is not None:
        save_report(measured, about, out)
    tables = [table.as_text() for one in measured for table in one.tables()]
    head = "\n".join([report_title(about), *read, intervals_text(measured)])
    return "\n\n".join([head, *tables])


def measured_card(folder: Path, data: Path, cache: Path) -> ModelCard:
    """Write the figures of both held-out splits and where the data came from into an exported model's card."""
    metrics: dict[str, Any] = {}
    about: dict[str, Any] = {}
    with load_engine(folder, backend=_BACKEND) as engine:
        card = engine.card
        views = VIEWS_OF_OCCLUSION[card.occlusion]
        hides = [(shown, view(shown, card.input, cache)) for shown in views]
        for name, faces in present_sets(data, cache):
            about[name] = _about(faces)
            for split, hide in itertools.product(SPLITS[1:], hides):
                if measured := _measure(engine, faces, split, "card", hide, views):
                    figures = {key: figure.as_dict() for key, figure in measured.figures.items()}
                    metrics[named(f"{name}_{split}", hide[0], views)] = figures
    limits = LIMITS[card.occlusion] + LIMITS_OF_ALL
    card = dataclasses.replace(card, metrics=metrics, data=about, license=LICENSE, limits=limits)
    card.save(folder / CARD_FILE)
    return card


LICENSE = "Weights trained on data sets for non-commercial research: use them in the same way."
LIMITS_OF_ALL = (
    "Says how a face appears to people who label pictures, not what a person feels, is, or how old they are.",
    "Not for decisions about people, not for work or education (EU AI Act, article 5), not for identification.",
    "Contempt, disgust and fear are rare in the training data and often confused; gender of children is near guesswork.",
    "Gender is the two classes of the data's labels; people are more than that.",
)
LIMITS = {
    "none": (
        "Trained on whole faces that look at the camera within about 45 degrees; under a headset or mask it is not reliable.",
    ),
    "headset": (
        "For faces whose upper half is hidden, as by a VR headset; trained on black halves and drawn headsets, not on people "
        "who wear one. Brows and eyes are not seen: what they alone show is missed.",
    ),
    "mask": (
        "For faces whose lower half is hidden, as by a surgical mask; trained on black halves and drawn masks, not on people "
        "who wear one. The mouth is not seen: a smile shows in the eyes and cheeks alone.",
    ),
}


def draw_confusion(counts: npt.NDArray[np.int64], title: str, picture: Path) -> None:
    """Draw a confusion matrix of the emotions, rows truth, percent of each row.

    Args:
        counts: (8, 8).
        title: Above the picture.
        picture: PNG to write.
    """
    draw_confusions({"emotion": Confusion(EMOTIONS, counts)}, title, picture)


def predict_set(
    engine: Engine,
    faces: PreparedFaces,
    positions: npt.NDArray[np.int64],
    crop: str = "card",
    hide: Hide | None = None,
) -> dict[str, npt.NDArray[np.float32]]:
    """Return an exported model's decoded predictions of some pictures of a set, in their order.

    Args:
        engine: The model.
        faces: The set.
        positions: Which pictures.
        crop: "card" (as the card says), "aligned" or "whole".
        hide: Hides a half of the faces.
    """
    align = engine.card.input.crop == "aligned_face" if crop == "card" else crop == "aligned"

    def predict(chips: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        blocks = [chips[start : start + LARGEST_BATCH] for start in range(0, len(chips), LARGEST_BATCH)]
        said = [engine.infer(block) for block in blocks]
        return {name: np.concatenate([one[name] for one in said]) for name in said[0]}

    return predict_faces(predict, faces, positions, engine.card.input, align, hide)


def _measure(
    engine: Engine,
    faces: PreparedFaces,
    split: str,
    crop: str,
    hide: tuple[str, Hide | None],
    views: Sequence[str],
) -> MeasuredSet | None:
    """Return what a model does on one split of a set in one view, or None where there is nothing to measure."""
    positions = faces.where(split)
    if not len(positions):
        return None
    measured = measured_set(faces, positions, predict_set(engine, faces, positions, crop, hide[1]))
    shown = named(faces.name, hide[0], views)
    return dataclasses.replace(measured, name=shown) if measured.figures else None


def present_sets(data: Path, cache: Path) -> list[tuple[str, PreparedFaces]]:
    """Return the sets that are in the folder; a malformed one is an error, an absent one is left out."""
    found = [
        (name, faces) for name in DATA_SETS if (faces := _load_if_present(name, data, cache)) is not None
    ]
    if not found:
        raise MissingDatasetError(
            f"{data}: expected at least one of {', '.join(DATA_SETS)}, found none; unpack one there"
        )
    return found


def _load_if_present(name: str, data: Path, cache: Path) -> PreparedFaces | None:
    try:
        return load_prepared(name, data, cache)
    except MissingDatasetError as error:
        logger.debug("left out: %s", error)
        return None


def _about(faces: PreparedFaces) -> dict[str, Any]:
    module = load("data.sets", faces.name)
    aligned = float(np.isfinite(faces.aligned[:, 0, 0]).mean())
    return {
        "citation": module.CITATION,
        "license": module.LICENSE,
        "pictures": {split: len(faces.where(split)) for split in SPLITS},
        "aligned_share": round(aligned, 4),
    }
