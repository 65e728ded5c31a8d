"""`faceapp.analyze_image`: single pictures, each for itself, from any thread."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from faceapp.api.choices import chosen
from faceapp.api.faces import Faces
from faceapp.api.picture import Color, to_picture
from faceapp.settings import Settings
from faceapp.types import Frame, Image

if TYPE_CHECKING:
    from faceapp.analysis.analyzer import Analyzer

MOST_READERS = 2
"""Choices whose models are kept loaded; about 140 MB each."""


def analyze_image(picture: Any, *, color: Color = "rgb", small_faces: bool = True, **choices: Any) -> Faces:
    """Read the faces of one picture. The models stay loaded, so that the second picture is quick.

    May be called from any thread; pictures are read one after the other, and none knows of another.

    Args:
        picture: A path, an http:// or https:// URL, the bytes of a picture file, or an array uint8 of shape
            (H, W) gray or (H, W, 3).
        color: Order of an array's channels: "rgb", or "bgr" as OpenCV has it.
        small_faces: Also look for faces below about a tenth of the picture's longer side, which takes three times as long.
        choices: Settings by name: `model`, `backend`, `occlusion`, `movements` and so on, see `faceapp.api.choices`.

    Returns:
        The faces, numbered from 1.

    Raises:
        SourceError: The file or address holds no picture that can be read.
        TypeError: It is nothing that holds a picture, or a choice is unknown.
        ValueError: It is an array of another kind, or a choice is outside its limits.
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model or fails.
    """
    settings = chosen(Settings(smoothing=0, landmark_smoothing=0), choices, single=True)
    image, name = to_picture(picture, color)
    return _reader(settings, small_faces).read(image, name)


class PictureReader:
    """Reads pictures one after the other on a thread of its own, to which its models belong.

    Args:
        settings: What is read, without smoothing.
        small_faces: Whether small faces are looked for too.
    """

    def __init__(self, settings: Settings, small_faces: bool) -> None:
        self._settings, self._small_faces = settings, small_faces
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="faceapp-pictures")
        self._analyzer: Analyzer | None = None

    def read(self, image: Image, name: str) -> Faces:
        """Return the faces of a picture; may be called from any thread.

        Args:
            image: uint8 (H, W, 3) RGB.
            name: Of the picture.

        Raises:
            CardError: The model is missing or damaged.
            EngineError: The back end refuses the model or fails.
        """
        return self._thread.submit(self._read, image, name).result()

    def close(self) -> None:
        """Release the models when the pictures that wait are read; returns at once."""
        self._thread.submit(self._release)
        self._thread.shutdown(wait=False)

    def _read(self, image: Image, name: str) -> Faces:
        from faceapp.analysis.analyzer import make_analyzer

        if self._analyzer is None:
            self._analyzer = make_analyzer(
                self._settings, small_faces=self._small_faces, abstains=self._settings.model == "auto"
            )
        self._analyzer.reset()
        return Faces(self._analyzer.step(Frame(0, 0.0, image, name, time.perf_counter())), single=True)

    def _release(self) -> None:
        if self._analyzer is not None:
            self._analyzer.close()
            self._analyzer = None


_readers: OrderedDict[tuple[Settings, bool], PictureReader] = OrderedDict()
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    # A forked child has none of the threads: it loads its own models.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=lambda: _forget())


def _forget() -> None:
    _readers.clear()
    _lock.release()


def _reader(settings: Settings, small_faces: bool) -> PictureReader:
    """Return the reader of these choices; the one that was not used for longest makes room."""
    with _lock:
        key = settings, small_faces
        if key not in _readers:
            _readers[key] = PictureReader(settings, small_faces)
        _readers.move_to_end(key)
        if len(_readers) > MOST_READERS:
            _readers.popitem(last=False)[1].close()
        return _readers[key]
