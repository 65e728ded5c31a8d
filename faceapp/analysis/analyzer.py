"""From a frame to everything known about its faces: no threads, no window; the one path of every command."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from engines.card import LABELS, ModelCard
from engines.errors import CardError
from engines.models import model_names
from faceapp.analysis.action_unit_reader import MovementReader
from faceapp.analysis.engines_on_demand import EnginesOnDemand
from faceapp.analysis.explaining import Explainer
from faceapp.analysis.face_reader import FaceReader
from faceapp.labels.label_reader import LabelReader
from faceapp.settings.label_names import label_list
from faceapp.types import FaceTrack, Frame, FrameResult, Occlusion, Tracker

if TYPE_CHECKING:
    from engines.engine import Engine
    from engines.visibility import VisibilityReader
    from faceapp.settings import Settings

logger = logging.getLogger(__name__)

AUTO_MODELS: dict[Occlusion, str] = {
    "none": "multitask",
    "headset": "multitask-headset",
    "mask": "multitask-mask",
}


class Analyzer:
    """Tracking and reading in turn, on one thread: the headless and the evaluation path.

    A context manager. The models belong to the thread of the first `step`: calls from another are refused and
    change nothing.

    Args:
        tracker: Finds and follows the faces.
        reader: Reads them. The analyzer closes both.
    """

    def __init__(self, tracker: Tracker, reader: FaceReader) -> None:
        self._tracker = tracker
        self._reader = reader
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Analyzer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def step(self, frame: Frame) -> FrameResult:
        """Return everything known about one frame.

        Raises:
            EngineError: An engine failed.
            RuntimeError: Another thread has called before.
        """
        self._require_own_thread()
        faces, track_ms = track_timed(self._tracker, frame)
        return self._reader.read(frame, faces, track_ms)

    def reset(self) -> None:
        """Forget all faces, as at the start of another video.

        Raises:
            RuntimeError: Another thread has called before.
        """
        self._require_own_thread()
        self._tracker.reset()
        self._reader.reset()

    def close(self) -> None:
        """Release tracker and engines; may be called twice.

        Raises:
            RuntimeError: Another thread has called before.
        """
        self._require_own_thread()
        self._tracker.close()
        self._reader.close()

    def _require_own_thread(self) -> None:
        now = threading.current_thread()
        self._thread = self._thread or now
        if self._thread is not now:
            raise RuntimeError(
                f"analyzer: expected calls from the thread {self._thread.name!r}, to which its models belong, found "
                f"{now.name!r}; make one analyzer a thread, or use faceapp.analyze_image, which any thread may call"
            )


def make_analyzer(
    settings: Settings | None = None, *, small_faces: bool = True, abstains: bool = True
) -> Analyzer:
    """Return an analyzer with tracker and engines as the settings ask for; engines for half-hidden faces load with the first.

    Args:
        settings: What is read; None takes the defaults.
        small_faces: Also look for small faces in a first or single picture, see `make_tracker`.
        abstains: Whether faces of which too little is seen are left unread.

    Raises:
        CardError: The model is missing, or model and card don't belong together.
        EngineError: The back end is missing or refuses the model.
        SessionError: A label of one's own is missing, damaged or of another network.
    """
    from faceapp.settings import Settings

    settings = settings or Settings()
    tracker = make_tracker(settings, small_faces=small_faces)
    # MediaPipe is imported, half a second, while the engines load.
    threading.Thread(target=import_module, args=("mediapipe",), daemon=True).start()
    reader = make_reader(settings, on_demand=True)
    reader.abstains = abstains
    return Analyzer(tracker, reader)


def track_timed(tracker: Tracker, frame: Frame) -> tuple[tuple[FaceTrack, ...], float]:
    """Return the frame's faces and the milliseconds it took to find them."""
    started_s = time.perf_counter()
    faces = tracker.update(frame)
    return faces, (time.perf_counter() - started_s) * 1e3


def make_tracker(settings: Settings, *, small_faces: bool = True) -> Tracker:
    """Return the tracker the settings ask for; its models load at the first frame, on the calling thread.

    It looks at what hides each face where the model `visibility` is there; without it every face is plain.

    Args:
        settings: Faces at most, smoothing, region, what hides the faces.
        small_faces: Look into the parts of a first or single picture too, where faces below 9% of its longer side are
            found; False looks at it as a whole only.
    """
    from faceapp.tracking.fixed_region import RegionTracker
    from faceapp.tracking.mediapipe_mesh import MediaPipeTracker

    open_visibility = partial(open_visibility_reader, settings)
    tracker = MediaPipeTracker(
        settings.max_faces,
        settings.landmark_smoothing,
        open_visibility,
        settings.occlusion,
        small_faces=small_faces,
        plain_mesh=settings.mesh == "openvino",
    )
    tracker.detailed = settings.movements or settings.second_opinion or settings.explain != "off"
    return RegionTracker(tracker, settings.region, open_visibility, settings.occlusion)


def open_visibility_reader(settings: Settings) -> VisibilityReader | None:
    """Load the network that sees what hides a face; None where its folder is missing, which the log says.

    Raises:
        CardError: The model is damaged.
        EngineError: The back end refuses it.
    """
    from engines.visibility import MODEL_NAME, load_visibility

    if MODEL_NAME not in model_names():
        logger.info("no model %s here: every face is taken for fully visible", MODEL_NAME)
        return None
    return load_visibility(settings.backend, settings.engine_threads)


def make_reader(settings: Settings, *, on_demand: bool = False) -> FaceReader:
    """Load the engines the settings ask for.

    Model "auto" takes `multitask` for every face, and the models specialised for headset or mask where they
    exist; any other name takes that model for every face.

    Args:
        settings: Model, back end, smoothing and what else is read.
        on_demand: Load engines for half-hidden faces when the first such face comes.

    Raises:
        CardError: The model is missing, or model and card don't belong together.
        EngineError: The back end is missing or refuses the model.
        SessionError: A label of one's own is missing, damaged or of another network.
    """
    movements = MovementReader(settings.movements, settings.second_opinion)
    return FaceReader(
        _engines_on_demand(settings) if on_demand else load_engines(settings),
        settings.smoothing,
        settings.occlusion,
        movements=movements,
        explainer=Explainer(settings.explain),
        labels=LabelReader(label_list(settings.labels), settings.smoothing),
    )


def load_engines(settings: Settings) -> dict[Occlusion, Engine]:
    """Return occlusion -> engine as `FaceReader` takes them; the caller closes them.

    Raises:
        CardError: As for `make_reader`, or the model doesn't read faces.
        EngineError: As for `make_reader`.
    """
    with ExitStack() as opened:
        engines: dict[Occlusion, Engine] = {}
        for kind, name in _model_names(settings).items():
            engines[kind] = _load_engine(settings, name)
            opened.callback(engines[kind].close)
        opened.pop_all()  # all are loaded: they are the caller's
    return engines


def _engines_on_demand(settings: Settings) -> EnginesOnDemand:
    """Return the engines, of which the one for plain faces is loaded.

    Raises:
        CardError: As for `load_engines`.
        EngineError: As for `load_engines`.
    """
    engines = EnginesOnDemand(_model_names(settings), partial(_load_engine, settings))
    engines["none"]
    return engines


def _load_engine(settings: Settings, name: str) -> Engine:
    from engines.engine import load_engine

    engine = load_engine(name, settings.backend, settings.engine_threads)
    try:
        require_face_model(engine.card)
    except CardError:
        engine.close()
        raise
    return engine


def require_face_model(card: ModelCard) -> None:
    """Refuse a model that says nothing of what is read in faces.

    Raises:
        CardError: It has none of these heads.
    """
    if all(card.head(task) is None for task in LABELS):
        raise CardError(
            f"model {card.name!r}: expected a model that reads faces ({', '.join(LABELS)}), found "
            f"{', '.join(head.task for head in card.heads)}; choose another one"
        )


def _model_names(settings: Settings) -> dict[Occlusion, str]:
    """Return the model of each occlusion; of "auto" the plain one always, a specialised one where its folder is there."""
    if settings.model != "auto":
        return {"none": settings.model}
    present = model_names()
    missing = [name for kind, name in AUTO_MODELS.items() if kind != "none" and name not in present]
    if missing:
        logger.info("no model %s here: %s reads those faces too", " or ".join(missing), AUTO_MODELS["none"])
    return {kind: name for kind, name in AUTO_MODELS.items() if kind == "none" or name in present}
