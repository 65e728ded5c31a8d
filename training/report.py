"""The report of an exported model: figures with intervals, by group, pictures; and the figures in its card.

The model runs through `engines`, back end and decoding included, on chips that `engines.preprocess` cuts: what is
measured is what the program runs.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import CARD_FILE, EMOTIONS, ModelCard
from engines.engine import Engine, load_engine
from training.answers import Confusion
from training.data.prepared import DATA_SETS, PreparedFaces, load_prepared
from training.data.sample import SPLITS
from training.errors import MissingDatasetError
from training.evaluation import predict_faces
from training.export import LARGEST_BATCH
from training.measured_set import MeasuredSet, intervals_text, measured_set
from training.pictures.confusion import draw_confusions
from training.report_files import report_title, save_report

logger = logging.getLogger(__name__)

_BACKEND = "onnxruntime"


def report_model(model: Path, data: Path, cache: Path, split: str, crop: str, out: Path | None) -> str:
    """Measure a model on every set that is there.

    Args:
        model: Folder with `model.onnx` and `card.json`.
        data: Folder with the unpacked sets.
        cache: Folder for prepared faces.
        split: "validation" or "test".
        crop: "card" (as the card says), "aligned" or "whole".
        out: Folder for `report.json`, `report.md` and the pictures `confusion_<set>.png`, `calibration_<set>.png` and
            `groups_<set>.png`, or None.

    Returns:
        The report as text.

    Raises:
        DatasetError: No set is there, or one is malformed.
    """
    with load_engine(model, backend=_BACKEND) as engine:
        found = [_measure(engine, faces, split, crop) for _, faces in present_sets(data, cache)]
    measured = [one for one in found if one is not None]
    about = {"model": model.name, "split": split, "crop": crop}
    if out is not None:
        save_report(measured, about, out)
    tables = [table.as_text() for one in measured for table in one.tables()]
    return "\n\n".join([f"{report_title(about)}\n{intervals_text(measured)}", *tables])


def measured_card(folder: Path, data: Path, cache: Path) -> ModelCard:
    """Write the figures of both held-out splits and where the data came from into an exported model's card."""
    metrics: dict[str, Any] = {}
    about: dict[str, Any] = {}
    with load_engine(folder, backend=_BACKEND) as engine:
        card = engine.card
        for name, faces in present_sets(data, cache):
            about[name] = _about(faces)
            for split in SPLITS[1:]:
                if measured := _measure(engine, faces, split, "card"):
                    figures = {key: figure.as_dict() for key, figure in measured.figures.items()}
                    metrics[f"{name}_{split}"] = figures
    card = dataclasses.replace(card, metrics=metrics, data=about, license=LICENSE, limits=LIMITS)
    card.save(folder / CARD_FILE)
    return card


LICENSE = "Weights trained on data sets for non-commercial research: use them in the same way."
LIMITS = (
    "Says how a face appears to people who label pictures, not what a person feels, is, or how old they are.",
    "Not for decisions about people, not for work or education (EU AI Act, article 5), not for identification.",
    "Trained on whole faces that look at the camera within about 45 degrees; under a headset or mask it is not reliable.",
    "Contempt, disgust and fear are rare in the training data and often confused; gender of children is near guesswork.",
    "Gender is the two classes of the data's labels; people are more than that.",
)


def draw_confusion(counts: npt.NDArray[np.int64], title: str, picture: Path) -> None:
    """Draw a confusion matrix of the emotions, rows truth, percent of each row.

    Args:
        counts: (8, 8).
        title: Above the picture.
        picture: PNG to write.
    """
    draw_confusions({"emotion": Confusion(EMOTIONS, counts)}, title, picture)


def predict_set(
    engine: Engine, faces: PreparedFaces, positions: npt.NDArray[np.int64], crop: str = "card"
) -> dict[str, npt.NDArray[np.float32]]:
    """Return an exported model's decoded predictions of some pictures of a set, in their order.

    Args:
        engine: The model.
        faces: The set.
        positions: Which pictures.
        crop: "card" (as the card says), "aligned" or "whole".
    """
    align = engine.card.input.crop == "aligned_face" if crop == "card" else crop == "aligned"

    def predict(images: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        blocks = [images[start : start + LARGEST_BATCH] for start in range(0, len(images), LARGEST_BATCH)]
        said = [engine.infer(block) for block in blocks]
        return {name: np.concatenate([one[name] for one in said]) for name in said[0]}

    return predict_faces(predict, faces, positions, engine.card.input, align)


def _measure(engine: Engine, faces: PreparedFaces, split: str, crop: str) -> MeasuredSet | None:
    """Return what a model does on one split of a set, or None where there is nothing to measure."""
    positions = faces.where(split)
    if not len(positions):
        return None
    measured = measured_set(faces, positions, predict_set(engine, faces, positions, crop))
    return measured if measured.figures else None


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
    module = importlib.import_module(f"training.data.{faces.name}")
    aligned = float(np.isfinite(faces.aligned[:, 0, 0]).mean())
    return {
        "citation": module.CITATION,
        "license": module.LICENSE,
        "pictures": {split: len(faces.where(split)) for split in SPLITS},
        "aligned_share": round(aligned, 4),
    }
