"""What a model says about faces in pictures: one face a crop, or every face found in whole pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS, InputSpec
from engines.engine import Engine
from engines.preprocess import face_matrix, prepare_batch
from faceapp.errors import SourceError
from faceapp.pictures.files import read_picture
from faceapp.pictures.ordered import in_order
from faceapp.types import Floats, Frame, Prediction, Tracker

BATCH = 16


@dataclass(frozen=True, slots=True)
class Reading:
    """One face of one picture, or why there is none.

    Attributes:
        picture: Path of the picture, as it was given.
        prediction: What the model says; None when the picture could not be read or shows no face.
        occlusion: Which half is hidden.
        error: Why the picture could not be read.
    """

    picture: Path
    prediction: Prediction | None = None
    occlusion: str = "none"
    error: SourceError | None = None


def read_crops(engine: Engine, pictures: Sequence[Path], jobs: int) -> Iterator[Reading]:
    """Yield one reading per picture, each of which is one face crop, prepared as in training.

    Args:
        engine: The model.
        pictures: Paths.
        jobs: Threads that find the landmarks, 6 ms a crop and most of the work.
    """
    spec = engine.card.input
    chips = in_order(pictures, lambda: _open_cropper(spec), jobs)
    pairs = zip(pictures, chips, strict=True)
    while block := list(islice(pairs, BATCH)):
        good = [chip for _, chip in block if not isinstance(chip, SourceError)]
        predictions = iter(_predict(engine, np.stack(good)) if good else ())
        for picture, chip in block:
            if isinstance(chip, SourceError):
                yield Reading(picture, error=chip)
            else:
                yield Reading(picture, next(predictions), engine.card.occlusion)


def read_faces(
    engine: Engine, pictures: Sequence[Path], make_tracker: Callable[[], Tracker]
) -> Iterator[Reading]:
    """Yield one reading per face found in each picture, or one without a prediction where there is none.

    Args:
        engine: The model.
        pictures: Paths.
        make_tracker: Makes the tracker that finds the faces; it forgets everything between pictures.
    """
    tracker = make_tracker()
    try:
        for index, picture in enumerate(pictures):
            try:
                image = read_picture(picture)
            except SourceError as error:
                yield Reading(picture, error=error)
                continue
            tracker.reset()
            faces = tracker.update(Frame(index, 0.0, image, picture.name, 0.0))
            if not faces:
                yield Reading(picture)
                continue
            batch = engine.crop(image, [face.landmarks for face in faces], [face.box for face in faces])
            for face, prediction in zip(faces, _predict(engine, batch), strict=True):
                yield Reading(picture, prediction, face.occlusion)
    finally:
        tracker.close()


def prepare_crop(crop: npt.NDArray[np.uint8], landmarks: Floats | None, spec: InputSpec) -> Floats:
    """Return the network's input for a picture that is one face: aligned where a mesh was found, else whole.

    Args:
        crop: uint8 (H, W, 3) RGB.
        landmarks: float32 (478, 3) in the crop's pixels, or None.
        spec: The card's input.

    Returns:
        float32 (C, size, size).
    """
    height, width = crop.shape[:2]
    whole = np.array([0, 0, width, height], dtype=np.float32)
    chip: Floats = prepare_batch(crop, [face_matrix(spec, landmarks, whole)], spec)[0]
    return chip


@contextmanager
def _open_cropper(spec: InputSpec) -> Iterator[Callable[[Path], Floats | SourceError]]:
    from faceapp.tracking.face_crops import CropLandmarker
    from faceapp.tracking.quiet_start import chatter_removed

    with chatter_removed():
        landmarker = CropLandmarker()
        landmarker.find(
            np.zeros((spec.size, spec.size, 3), dtype=np.uint8)
        )  # its models load at the first call
    with landmarker:

        def prepare(picture: Path) -> Floats | SourceError:
            try:
                crop = read_picture(picture)
            except SourceError as error:
                return error
            return prepare_crop(crop, landmarker.find(crop) if spec.crop == "aligned_face" else None, spec)

        yield prepare


def _predict(engine: Engine, batch: Floats) -> list[Prediction]:
    heads = engine.infer(batch)
    unknown = np.full((len(batch), len(EMOTIONS)), np.nan, dtype=np.float32)
    emotions = heads.get("emotion", unknown)
    names = ("age_years", "age_std_years", "female", "smile")
    columns = [heads.get(name, unknown[:, 0]).tolist() for name in names]
    return [
        Prediction(0, emotion, age_years, age_std_years, female, smile, engine.card.name)
        for emotion, age_years, age_std_years, female, smile in zip(emotions, *columns, strict=True)
    ]
