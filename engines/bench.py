"""Latency of a model on every back end, measured in turns so that a drift of the machine hits all alike."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engines.backends import default_threads, unavailable_reason
from engines.backends.onnxruntime import plain_call
from engines.card import MODEL_FILE, load_card, verify_model
from engines.engine import load_engine
from engines.machine import library_versions, processor_count, processor_name
from engines.models import find_model
from engines.preprocess import Bytes
from engines.verify import fixed_chips

PLAIN = "plain onnxruntime"
"""Row of `InferenceSession.run` with its defaults and no decoding: shows what the engine costs or saves."""

PLAIN_SAME_THREADS = "plain, same threads"
"""The same with as many threads as the back ends."""
_SETTLE_S = 0.005
"""Pause before a row's turn: threads of the row before may still spin for some milliseconds."""


@dataclass(frozen=True, slots=True)
class Row:
    """Latency of one back end at one batch size.

    Attributes:
        backend: Name of the back end, or `PLAIN`.
        description: Library, number format and device.
        batch: Faces in a call.
        calls: Timed calls.
        p50_ms: Median; the other percentiles likewise.
    """

    backend: str
    description: str
    batch: int
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Report:
    """Result of one benchmark.

    Attributes:
        model: Name of the model.
        processor: The machine's processor.
        processors: How many this process may use.
        threads: Threads of the back ends (the plain row uses its library's default).
        versions: Library -> version.
        refused: Back end -> why it was not measured.
        rows: One per back end and batch size.
    """

    model: str
    processor: str
    processors: int
    threads: int
    versions: dict[str, str]
    refused: dict[str, str]
    rows: tuple[Row, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON takes it."""
        return asdict(self)


def bench(
    model: str | Path,
    backends: Sequence[str],
    batches: Sequence[int],
    *,
    threads: int | None = None,
    rounds: int = 40,
    calls: int = 10,
    others: Mapping[str, Callable[[Bytes], object]] | None = None,
) -> Report:
    """Measure a model.

    Args:
        model: Name or folder.
        backends: Names; one that can't be used here is listed in `Report.refused`.
        batches: Faces in a call.
        threads: Threads of the back ends; None = automatic.
        rounds: Turns each back end gets at each batch size.
        calls: Timed calls in a turn.
        others: Further rows, name -> call on a batch, timed in the same turns (training adds plain PyTorch).

    Raises:
        CardError: The model is missing or damaged.
        EngineError: A back end is unknown or refused the model.
    """
    folder = find_model(model)
    card = load_card(folder)
    verify_model(card, folder / MODEL_FILE)
    refused = {name: reason for name in backends if (reason := unavailable_reason(name))}
    rows: list[Row] = []
    with ExitStack() as stack:
        subjects: dict[str, Callable[[Bytes], object]] = {
            PLAIN: plain_call(folder / MODEL_FILE, card),
            PLAIN_SAME_THREADS: plain_call(folder / MODEL_FILE, card, threads or default_threads()),
        }
        descriptions = {
            PLAIN: "InferenceSession.run, defaults",
            PLAIN_SAME_THREADS: "InferenceSession.run, defaults but threads",
        }
        for name in backends:
            if name not in refused:
                engine = stack.enter_context(load_engine(folder, name, threads))
                subjects[name], descriptions[name] = engine.infer, engine.backend_description
        subjects |= others or {}
        for count in batches:
            times_ms = _times_ms(subjects, fixed_chips(card.input, count), rounds, calls)
            rows += [_row(name, descriptions.get(name, ""), count, taken) for name, taken in times_ms.items()]
    return Report(
        model=card.name,
        processor=processor_name(),
        processors=processor_count(),
        threads=threads or default_threads(),
        versions=library_versions(),
        refused=refused,
        rows=tuple(rows),
    )


def table(report: Report) -> str:
    """Return a report as text for people."""
    machine = f"{report.processor}, {report.processors} processors"
    lines = [f"{report.model} on {machine}, {report.threads} threads a run"]
    lines.append(f"{'back end':<20}{'batch':>6}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}   runs on")
    lines += [
        f"{row.backend:<20}{row.batch:>6}{row.p50_ms:>9.2f}{row.p95_ms:>9.2f}{row.p99_ms:>9.2f}"
        f"   {row.description}"
        for row in report.rows
    ]
    lines += [f"{name}: not measured: {reason}" for name, reason in report.refused.items()]
    return "\n".join(lines)


def _times_ms(
    subjects: dict[str, Callable[[Bytes], object]], batch: Bytes, rounds: int, calls: int
) -> dict[str, list[float]]:
    """Return every call's duration by subject; they take turns, in an order mixed anew each round."""
    order = list(subjects)
    shuffle = random.Random(0).shuffle
    times_ms: dict[str, list[float]] = {name: [] for name in order}
    for call in subjects.values():
        call(batch)
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            call = subjects[name]
            time.sleep(_SETTLE_S)
            call(batch)
            for _ in range(calls):
                start_s = time.perf_counter()
                call(batch)
                times_ms[name].append((time.perf_counter() - start_s) * 1000)
    return times_ms


def _row(name: str, description: str, batch: int, times_ms: Sequence[float]) -> Row:
    p50_ms, p95_ms, p99_ms = (round(float(value), 4) for value in np.percentile(times_ms, (50, 95, 99)))
    return Row(name, description, batch, len(times_ms), p50_ms, p95_ms, p99_ms)
