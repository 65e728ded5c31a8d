"""What a back end is: it loads one network and runs batches of faces through it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from engines.card import ModelCard
from engines.errors import EngineError
from engines.machine import processor_count

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

MAX_BATCH = 16
"""Most faces a back end takes in one run; the engine splits larger batches."""


class Backend(Protocol):
    """Runs one network. Any thread may call it, one at a time."""

    description: str
    """For people, known after `load`: library, number format and device, for example "OpenVINO bf16 CPU"."""
    precision: str
    """Number format of the arithmetic, known after `load`: "float32", "bfloat16" or "float16"."""

    def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
        """Read and prepare a model for batches of 1 to `MAX_BATCH`.

        Args:
            path: The ONNX file.
            card: Its card; input and outputs are compared with it.
            threads: Processor threads for one run; None = `default_threads()`.

        Raises:
            CardError: The file's input or outputs differ from the card.
            EngineError: The library refused the model.
        """

    def run(self, batch: Bytes) -> dict[str, Floats]:
        """Run one batch.

        Args:
            batch: uint8 (N, *card.input.chip_shape), C-contiguous, 1 <= N <= `MAX_BATCH`.

        Returns:
            Output name -> float32 (N, width), for every head of the card; arrays that the caller owns.

        Raises:
            EngineError: The library failed.
        """

    def close(self) -> None:
        """Release the model; may be called twice."""


@runtime_checkable
class Overlaps(Backend, Protocol):
    """A back end whose runs go on while the processor does something else."""

    def submit(self, batch: Bytes) -> None:
        """Begin a run of one batch, as for `Backend.run`, and return at once."""

    def collect(self, count: int) -> dict[str, Floats]:
        """Wait for the run that `submit` began with `count` faces; returns and raises as `Backend.run`."""


def default_threads() -> int:
    """Return how many threads one run uses unless told otherwise: half of the processors, at most four.

    Measured on two processors with a network of 140 million multiplications (ONNX Runtime, one face): alone,
    one thread takes 2.2 ms and two take 1.6 ms. While another thread keeps one processor busy, as tracking
    does, both take 2.0 ms, but the second thread costs the other thread 30% of its speed.
    """
    return max(1, min(4, processor_count() // 2))


def resolve_threads(threads: int | None) -> int:
    """Return the number of threads to use.

    Raises:
        EngineError: It is not a whole number from 1 to 64.
    """
    if threads is None:
        return default_threads()
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= 64:
        raise EngineError(
            f"threads: expected a whole number from 1 to 64 or none for automatic, found {threads!r}"
        )
    return threads
