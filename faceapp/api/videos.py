"""`faceapp.open` and `faceapp.analyze_video`: the faces of a source over time."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from faceapp.analysis.analyzer import make_reader, make_tracker
from faceapp.api.choices import chosen
from faceapp.api.faces import Faces, Results
from faceapp.errors import SourceError
from faceapp.pipeline import Pipeline
from faceapp.settings import Settings
from faceapp.sources import make_source
from faceapp.sources.drawn_occlusion import with_drawings
from faceapp.types import FrameResult, Source


class FaceStream:
    """The faces of a source, frame by frame: a context manager to iterate over.

    Of a recording every frame comes, in order; of a live source the newest one whenever the loop is ready for it.

    Args:
        source: Not yet open; the stream opens and closes it.
        settings: What is read.
        for_s: Seconds from the first result after which a live source ends; None: never by itself.
    """

    def __init__(self, source: Source, settings: Settings, for_s: float | None = None) -> None:
        self._for_s = for_s
        self._pipeline = Pipeline(
            with_drawings(source, settings), partial(make_tracker, settings), partial(make_reader, settings)
        )

    def __enter__(self) -> FaceStream:
        self._pipeline.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Faces]:
        return map(Faces, self.results())

    def results(self) -> Iterator[FrameResult]:
        """Yield what is known about every frame in the program's own terms.

        Raises:
            SourceError: The source can't be opened or breaks off.
            CardError: The model is missing or damaged.
            EngineError: The back end refuses the model or fails.
        """
        end_s = math.inf
        for result in self._pipeline.results():
            now_s = time.perf_counter()
            if self._for_s is not None and end_s == math.inf:
                end_s = (
                    now_s + self._for_s
                )  # from here: the models have loaded since the first frame was taken
            if now_s >= end_s:
                return
            yield result

    @property
    def name(self) -> str:
        """Name of the source."""
        return self._pipeline.source.name

    @property
    def live(self) -> bool:
        """Whether frames that nobody took are dropped, as of a camera."""
        return self._pipeline.source.live

    @property
    def status(self) -> str:
        """What is wrong with the source at the moment, in a few words; empty when all is well."""
        return self._pipeline.source.status

    def close(self) -> None:
        """Stop, and release source and models; may be called twice."""
        self._pipeline.stop()


def open_source(
    source: str | int | os.PathLike[str], *, for_s: float | None = None, **choices: Any
) -> FaceStream:
    """Read the faces of a camera, video, stream or folder of pictures, frame by frame.

    Args:
        source: A camera's number or name, a path, a URL, or "demo".
        for_s: Seconds from the first result after which a live source ends; None: never by itself.
        choices: Settings by name: `model`, `smoothing`, `movements` and so on, see `faceapp.api.choices`.

    Returns:
        A context manager that is iterated over: `with faceapp.open(0) as faces: ...`

    Raises:
        SourceError: The text means nothing, or the file is not there.
        TypeError: It is neither text, path nor number, or a choice is unknown.
        ValueError: A choice is outside its limits.
    """
    if for_s is not None and not for_s > 0:
        raise ValueError(f"for_s: expected seconds above 0, found {for_s!r}")
    made = make_source(_text(source))
    if for_s is not None and not made.live:
        made = make_source(_text(source), end_s=for_s)
    return FaceStream(made, chosen(Settings(), choices), for_s if made.live else None)


def analyze_video(
    path: str | os.PathLike[str],
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    every: int = 1,
    **choices: Any,
) -> Results:
    """Read the faces of a whole video, or of a folder of pictures.

    Args:
        path: The file or folder.
        start_s: First time wanted.
        end_s: Frames from this time on are left out.
        every: Take every N-th frame.
        choices: As for `faceapp.open`.

    Returns:
        The faces of every frame, without pictures and landmarks; `faceapp.open` gives those too, frame by frame.

    Raises:
        SourceError: There is no such video, it can't be read, or the source is live and has no end.
        TypeError: It is no path, or a choice is unknown.
        ValueError: A choice is outside its limits.
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model or fails.
    """
    settings = chosen(Settings(), choices)
    source = make_source(_text(path), start_s=start_s, end_s=end_s, every=every)
    if source.live:
        raise SourceError(
            f"{source.name}: expected a recording, found a live source; read it with faceapp.open"
        )
    with FaceStream(source, settings) as stream:
        return Results(Faces(result, keep=False) for result in stream.results())


def _text(source: object) -> str:
    if isinstance(source, bool) or not isinstance(source, str | int | os.PathLike):
        raise TypeError(f"source: expected a path, URL, name or camera number, found {type(source).__name__}")
    return os.fspath(source) if isinstance(source, os.PathLike) else str(source)
