"""One network ready to read faces: card, crop, back end and decoding behind one object."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from engines.backend import MAX_BATCH, Backend, Overlaps
from engines.backends import create_backend
from engines.card import MODEL_FILE, ModelCard, load_card
from engines.choice import choose
from engines.decode import decode
from engines.errors import EngineError, GpuError
from engines.fallback import load_on_processor
from engines.model_file import verify_model
from engines.models import find_model
from engines.preprocess import AnyFloats, Bytes, Floats, face_matrix, prepare_batch
from engines.runs import check_picture, checked, run_all

logger = logging.getLogger(__name__)

MakeSpare = Callable[[str], tuple[str, Backend]]
"""Given the failed back end's name, returns another's name and it, loaded."""
Finish = Callable[[], dict[str, Floats]]
"""Waits for a run that was begun and returns its answers."""


class Engine:
    """Reads the faces of one picture at a time.

    May be loaded on one thread and used on another; two threads at the same time are refused, because the
    batch buffer is shared between calls.
    """

    def __init__(
        self, card: ModelCard, backend: Backend, backend_name: str, spare: MakeSpare | None = None
    ) -> None:
        """Take over a loaded back end.

        Args:
            card: The model's card.
            backend: Loaded; closed with the engine.
            backend_name: Its name.
            spare: Loads another back end when the GPU fails; None = a failure stays an error.
        """
        self.card = card
        self.problem = ""
        """Why the engine runs on the processor though a GPU was chosen, in one line; empty while all is well."""
        self._spare = spare
        self.backend_name = backend_name
        self._backend: Backend | None = backend
        self._lock = threading.Lock()
        self._begun = 0  # runs so far, so that a dropped one is known
        spec = card.input
        self._buffer: Bytes = np.empty((MAX_BATCH, *spec.chip_shape), dtype=np.uint8)
        self.backend_description = backend.description
        self.precision = backend.precision

    def crop(
        self,
        image: Bytes,
        landmarks: Sequence[AnyFloats | None],
        boxes: Sequence[AnyFloats],
    ) -> Bytes:
        """Cut the faces of one picture.

        Args:
            image: uint8 (H, W, 3) RGB or (H, W) gray.
            landmarks: One (478, 2 or 3) in pixels per face, or None where a face has none.
            boxes: One (4,) x0 y0 x1 y1 in pixels per face; used where the landmarks can't be.

        Returns:
            uint8 (N, size, size) for gray, (N, size, size, 3) for RGB: a view of a buffer that the next call
            overwrites.

        Raises:
            EngineError: The picture, the number of boxes or a box is not as above, or the engine is closed or
                in use.
        """
        check_picture(image, len(landmarks), len(boxes))
        with self._in_use():
            try:
                matrices = [
                    face_matrix(self.card.input, *face) for face in zip(landmarks, boxes, strict=True)
                ]
            except ValueError as error:
                raise EngineError(f"{error}; check the tracker") from error
            if len(matrices) > len(self._buffer):
                self._buffer = np.empty((len(matrices), *self._buffer.shape[1:]), dtype=np.uint8)
            return prepare_batch(image, matrices, self.card.input, out=self._buffer)

    def infer(self, batch: Bytes) -> dict[str, Floats]:
        """Run the network.

        Args:
            batch: uint8 (N, size, size) or (N, size, size, 3), from `crop` or `engines.preprocess.prepare_batch`;
                N may be 0.

        Returns:
            See `engines.decode.decode`; arrays that the caller owns.

        Raises:
            EngineError: The batch has another shape or type, the back end failed or gave something unusable,
                or the engine is closed or in use.
        """
        self._check_batch(batch)
        with self._in_use() as backend:
            return self._answers(backend, batch)

    def begin(self, batch: Bytes) -> Finish:
        """Begin a run that goes on while the caller does something else, where the back end can; else run it now.

        Several engines' runs may be begun before the first is finished. Another call of this engine in between drops the run,
        which is then done anew.

        Args:
            batch: As for `infer`; must stay as it is until the run is finished.

        Returns:
            A function that waits and returns what `infer` does; to be called at most once. It raises as `infer`.

        Raises:
            EngineError: As for `infer`.
        """
        self._check_batch(batch)
        with self._in_use() as backend:
            if not (isinstance(backend, Overlaps) and 1 <= len(batch) <= MAX_BATCH):
                answers = self._answers(backend, batch)
                return lambda: answers
            self._begun += 1
            try:
                backend.submit(np.ascontiguousarray(batch))
            except GpuError as error:
                answers = self._decoded(run_all(self._replaced(error), batch, self.card))
                return lambda: answers
            return partial(self._finish, backend, batch, self._begun)

    def _finish(self, begun: Overlaps, batch: Bytes, number: int) -> dict[str, Floats]:
        """Return the answers of a run that was begun."""
        with self._in_use() as backend:
            if backend is not begun or number != self._begun:
                return self._answers(backend, batch)
            try:
                run = checked(begun.collect(len(batch)), batch, self.card)
            except GpuError as error:
                return self._decoded(run_all(self._replaced(error), batch, self.card))
            return self._decoded([run])

    def predict(
        self,
        image: Bytes,
        landmarks: Sequence[AnyFloats | None],
        boxes: Sequence[AnyFloats],
    ) -> dict[str, Floats]:
        """Cut the faces of one picture and run the network; see `crop` and `infer`."""
        return self.infer(self.crop(image, landmarks, boxes))

    def close(self) -> None:
        """Wait for a running call, then release the back end; may be called twice."""
        with self._lock:
            if self._backend is not None:
                self._backend.close()
                self._backend = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _check_batch(self, batch: Bytes) -> None:
        expected = self._buffer.shape[1:]
        if batch.dtype != np.uint8 or batch.shape[1:] != expected:
            wanted = ", ".join(map(str, expected))
            raise EngineError(
                f"batch: expected uint8 (N, {wanted}), found {batch.dtype} {batch.shape}; "
                "cut faces with engines.preprocess.prepare_batch"
            )

    def _answers(self, backend: Backend, batch: Bytes) -> dict[str, Floats]:
        """Run a batch, on another back end when the GPU fails."""
        self._begun += 1
        try:
            runs = run_all(backend, batch, self.card)
        except GpuError as error:
            runs = run_all(self._replaced(error), batch, self.card)
        return self._decoded(runs)

    @contextmanager
    def _in_use(self) -> Iterator[Backend]:
        if not self._lock.acquire(blocking=False):
            raise EngineError(
                f"engine {self.card.name!r}: expected one thread at a time, found a second; "
                "load an engine for each thread"
            )
        try:
            if self._backend is None:
                raise EngineError(
                    f"engine {self.card.name!r}: expected an open engine, found it closed; load it again"
                )
            yield self._backend
        finally:
            self._lock.release()

    def _replaced(self, error: GpuError) -> Backend:
        """Go on with another back end after the GPU failed, and keep why.

        Raises:
            EngineError: There is no other, or it can't be loaded.
        """
        if self._spare is None:
            raise error
        if self._backend is not None:
            self._backend.close()
            self._backend = None  # nothing to close twice when no other can be loaded
        self.backend_name, self._backend = self._spare(self.backend_name)
        self._spare = None
        self.backend_description = self._backend.description
        self.precision = self._backend.precision
        self.problem = _problem(error, self.backend_description)
        logger.warning("model %s: %s", self.card.name, self.problem)
        return self._backend

    def _decoded(self, runs: list[dict[str, Floats]]) -> dict[str, Floats]:
        """Join the runs of a split batch and decode them; without any, every output has no rows."""
        if not runs:
            rows = {head.output: np.empty((0, head.width), np.float32) for head in self.card.heads}
        elif len(runs) == 1:
            rows = runs[0]
        else:
            rows = {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}
        return decode(rows, self.card)


def load_engine(
    model: str | Path, backend: str = "auto", threads: int | None = None, precision: str | None = None
) -> Engine:
    """Load a model whose file is the one its card describes.

    Args:
        model: A name below `engines.models.MODELS_DIR`, or a folder that holds `model.onnx` and `card.json`.
        backend: A name of `engines.backends.backend_names()`, or "auto" for the fastest one on this machine that
            loads it (see `engines.choice`; the log says why others were refused).
        threads: Processor threads for one run; None = automatic.
        precision: Number format of the arithmetic, see `engines.backends.precisions`; None = the back end's own choice.
            Needs a named back end.

    Raises:
        CardError: There is no such model, its card is malformed, or the file is not the one it describes.
        EngineError: The back end is unknown, can't be used here, or refused the model.
    """
    folder = find_model(model)
    card = load_card(folder)
    path = folder / MODEL_FILE
    verify_model(card, path)
    if backend != "auto":
        return _load_with(backend, path, card, threads, precision)
    if precision is not None:
        raise EngineError(
            f"precision: expected a named back end with it, found {precision!r} with auto; name the back end"
        )
    choice = choose(folder, card, threads)
    refusals, lost = [f"{name}: {reason}" for name, reason in choice.refused.items()], None
    for name in choice.order:
        try:
            engine = _load_with(name, path, card, threads)
        except EngineError as error:
            logger.warning("back end %s refused for model %s: %s", name, card.name, error)
            refusals.append(f"{name}: {error}")
            lost = error if isinstance(error, GpuError) else lost
            continue
        engine.problem = "" if lost is None else _problem(lost, engine.backend_description)
        return engine
    raise EngineError(
        f"model {card.name!r}: expected a back end that loads it, found none ({'; '.join(refusals)})"
    )


def _load_with(
    name: str, path: Path, card: ModelCard, threads: int | None, precision: str | None = None
) -> Engine:
    backend = create_backend(name, precision)
    backend.load(path, card, threads)
    engine = Engine(card, backend, name, partial(load_on_processor, path, card, threads))
    logger.info("model %s %s runs on %s", card.name, card.version, engine.backend_description)
    return engine


def _problem(error: GpuError, description: str) -> str:
    """Return a GPU's error and what goes on instead, for a banner."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}. Until then faces are read on {description}."
