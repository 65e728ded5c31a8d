"""What models say about faces in pictures: one face a crop, or every face found in whole pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from engines.engine import Engine
from engines.preprocess import prepare_batch
from engines.visibility import VisibilityReader
from faceapp.analysis.face_reader import FaceReader
from faceapp.errors import SourceError
from faceapp.predictions import head_values, make_predictions, unknown_values
from faceapp.settings import OcclusionMode
from faceapp.sources.ordered_pictures import in_order
from faceapp.sources.picture_files import read_picture
from faceapp.types import FaceTrack, Frame, Image, Occlusion, Prediction, Tracker

BATCH = 16
PICTURE_ERRORS = (cv2.error, MemoryError)
"""What one odd picture can make a library raise; the others are read all the same."""
Engines = Mapping[Occlusion, Engine]
OpenVisibility = Callable[[], "VisibilityReader | None"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One face of one picture, or why there is none.

    Attributes:
        picture: Path of the picture, as it was given.
        prediction: What the model says; None when the picture could not be read or shows no face.
        occlusion: Which half is hidden.
        error: Why the picture could not be read.
        face: The face where it was found in a whole picture; None for a crop.
    """

    picture: Path
    prediction: Prediction | None = None
    occlusion: Occlusion = "none"
    error: SourceError | None = None
    face: FaceTrack | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """One crop ready for its engine; none where too little of the face is seen to read it."""

    occlusion: Occlusion
    engine: Engine | None = None
    chip: Image | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CropReading:
    """How crops are read.

    Attributes:
        engines: Occlusion -> engine; "none" must be there and serves every occlusion without one of its own.
        open_visibility: Called in each thread; gives the network that sees what hides a face, or None.
        mode: What hides the faces, or "auto" for what is seen.
        abstains: Whether a face of which too little is seen is left unread.
        jobs: Threads that find mesh and alignment, 6 ms a crop and most of the work.
    """

    engines: Engines
    open_visibility: OpenVisibility
    mode: OcclusionMode = "auto"
    abstains: bool = False
    jobs: int = 1

    def read(self, pictures: Sequence[Path]) -> Iterator[Reading]:
        """Yield one reading per picture, each of which is one face crop, prepared as in training.

        Args:
            pictures: Paths.

        Raises:
            EngineError: An engine failed.
        """
        crops = in_order(pictures, self._open_cropper, self.jobs)
        pairs = zip(pictures, crops, strict=True)
        while block := list(islice(pairs, BATCH)):
            prepared = [crop for _, crop in block if not isinstance(crop, SourceError)]
            predictions = iter(_predict(prepared))
            for picture, crop in block:
                if isinstance(crop, SourceError):
                    yield Reading(picture, error=crop)
                else:
                    yield Reading(picture, next(predictions), crop.occlusion)

    @contextmanager
    def _open_cropper(self) -> Iterator[Callable[[Path], _Prepared | SourceError]]:
        from faceapp.tracking.face_crops import CropLandmarker, place_crop
        from faceapp.tracking.quiet_start import chatter_removed

        aligned = any(engine.card.input.crop == "aligned_face" for engine in self.engines.values())
        visibility = self.open_visibility() if self.mode != "none" else None
        try:
            with chatter_removed():
                landmarker = CropLandmarker()
                landmarker.find(np.zeros((48, 48, 3), dtype=np.uint8))  # its models load at the first call
            with landmarker:

                def prepare(picture: Path) -> _Prepared | SourceError:
                    try:
                        crop = read_picture(picture)
                        return prepared(crop)
                    except SourceError as error:
                        return error
                    except PICTURE_ERRORS as error:
                        return unreadable(picture, error)

                def prepared(crop: Image) -> _Prepared:
                    landmarks = landmarker.find(crop) if aligned else None
                    placed = place_crop(crop, landmarks, visibility, self.mode)
                    if placed.occlusion == "hidden" and self.abstains:
                        return _Prepared("hidden")
                    engine = self.engines.get(placed.occlusion, self.engines["none"])
                    spec, specialised = engine.card.input, engine.card.occlusion != "none"
                    matrix = placed.matrix(spec, specialised=specialised)
                    return _Prepared(placed.occlusion, engine, prepare_batch(crop, [matrix], spec)[0])

                yield prepare
        finally:
            if visibility is not None:
                visibility.close()


def read_faces(
    reader: FaceReader, pictures: Sequence[Path], make_tracker: Callable[[], Tracker]
) -> Iterator[Reading]:
    """Yield one reading per face found in each picture, or one without a prediction where there is none.

    Args:
        reader: Reads the faces; without smoothing.
        pictures: Paths.
        make_tracker: Makes the tracker that finds the faces; it forgets everything between pictures.

    Raises:
        EngineError: An engine failed.
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
            frame = Frame(index, 0.0, image, picture.name, 0.0)
            try:
                result = reader.read(frame, tracker.update(frame), 0.0)
            except PICTURE_ERRORS as error:
                yield Reading(picture, error=unreadable(picture, error))
                continue
            if not result.faces:
                yield Reading(picture)
            for face, prediction in zip(result.faces, result.predictions, strict=True):
                yield Reading(picture, prediction, face.occlusion, face=face)
    finally:
        tracker.close()


def unreadable(picture: Path, error: Exception) -> SourceError:
    """Return the line about a picture at which a library gave up."""
    said = " ".join(str(error).split())[:120] or type(error).__name__
    return SourceError(
        f"{picture}: expected a picture that can be read, found one at which that failed ({said})"
    )


def _predict(crops: Sequence[_Prepared]) -> tuple[Prediction, ...]:
    """Read crops, one batch per engine."""
    values = unknown_values(len(crops))
    models = [""] * len(crops)
    for engine in dict.fromkeys(crop.engine for crop in crops if crop.engine is not None):
        positions = [at for at, crop in enumerate(crops) if crop.engine is engine]
        chips = [chip for at in positions if (chip := crops[at].chip) is not None]
        values[positions] = head_values(engine.infer(np.stack(chips)), len(chips))
        for at in positions:
            models[at] = engine.card.name
    return make_predictions([0] * len(crops), values, models)
