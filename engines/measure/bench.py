"""Latency of a model on every back end, measured in turns so that a drift of the machine hits all alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engines.backend import MAX_BATCH, default_threads
from engines.backends import unavailable_reason
from engines.backends.onnxruntime import plain_call
from engines.card import MODEL_FILE, ModelCard, load_card
from engines.engine import load_engine
from engines.errors import EngineError, PrecisionError
from engines.machine import library_of, library_versions, processor_count, processor_name, resident_mib
from engines.measure.bench_turns import batches_of_faces, times_in_turns_ms
from engines.measure.floor import Peak, Work, count_work, measure_peak
from engines.measure.verify import fixed_chips, formats
from engines.model_file import verify_model
from engines.models import find_model
from engines.preprocess import Bytes

PLAIN = "plain onnxruntime"
"""Row of `InferenceSession.run` with its defaults and no decoding: shows what the engine costs or saves."""

PLAIN_SAME_THREADS = "plain, same threads"
"""The same with as many threads as the back ends."""


@dataclass(frozen=True, slots=True)
class Row:
    """Latency of one back end at one batch size.

    Attributes:
        backend: Name of the back end, or `PLAIN`.
        description: Library, number format and device.
        batch: Faces in a call.
        calls: Timed calls.
        p50_ms: Median; the other percentiles likewise.
        faces_a_second: At the median.
        library: The library and its version, such as "openvino 2026.4.1".
        floor_ms: The least time this processor can take, see `engines.measure.floor`; None on a GPU, or where it is not known.
        memory_mib: What loading the model and its first run took of this process's memory, the library's own included
            where it was loaded first; None where that is not measured.
    """

    backend: str
    description: str
    batch: int
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    faces_a_second: float
    library: str = ""
    floor_ms: float | None = None
    memory_mib: float | None = None


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
        work: Operations and bytes of the model; None where `problem` says why.
        peak: What the processor does at its best; None likewise.
        problem: Why there is no floor; empty when there is.
    """

    model: str
    processor: str
    processors: int
    threads: int
    versions: dict[str, str]
    refused: dict[str, str]
    rows: tuple[Row, ...]
    work: Work | None = None
    peak: Peak | None = None
    problem: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON takes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is timed.

    Attributes:
        call: Runs one batch.
        description: For people.
        precision: Number format, for the floor.
        on_processor: Whether the floor of the processor is its floor.
        memory_mib: See `Row`.
        library: See `Row`.
    """

    call: Callable[[Bytes], object]
    description: str = ""
    precision: str = "float32"
    on_processor: bool = True
    memory_mib: float | None = None
    library: str = ""


def bench(
    model: str | Path,
    backends: Sequence[str],
    batches: Sequence[int],
    *,
    threads: int | None = None,
    precision: str | None = None,
    rounds: int = 40,
    calls: int = 10,
    others: Mapping[str, Callable[[Bytes], object]] | None = None,
) -> Report:
    """Measure a model.

    Args:
        model: Name or folder.
        backends: Names; one that can't be used here, or not with a number format, is listed in `Report.refused`.
        batches: Faces in a call.
        threads: Threads of the back ends; None = automatic.
        precision: A number format, "all" of each back end (a row each), or None = each back end's own choice.
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
    work, peak, problem = _least(folder, card, threads or default_threads())
    rows: list[Row] = []
    with ExitStack() as stack:
        subjects = _plain(folder, card, threads)
        for name in backends:
            for wanted in () if name in refused else formats(name, precision):
                title = name if wanted is None else f"{name} {wanted}"
                try:
                    subjects[title] = stack.enter_context(_loaded(folder, name, threads, wanted))
                except PrecisionError as error:
                    refused[title] = str(error)
        subjects |= {name: _Subject(call) for name, call in (others or {}).items()}
        for count in batches:
            calls_of = {name: subject.call for name, subject in subjects.items()}
            times_ms = times_in_turns_ms(calls_of, batches_of_faces(card, count), rounds, calls)
            for name, taken in times_ms.items():
                subject = subjects[name]
                known = work is not None and peak is not None and subject.on_processor
                floor_ms = peak.floor_ms(work, subject.precision, count) if known and peak and work else None
                rows.append(_row(name, subject, count, taken, floor_ms))
    return Report(
        model=card.name,
        processor=processor_name(),
        processors=processor_count(),
        threads=threads or default_threads(),
        versions=library_versions(),
        refused=refused,
        rows=tuple(rows),
        work=work,
        peak=peak,
        problem=problem,
    )


def table(report: Report) -> str:
    """Return a report as text for people."""
    machine = f"{report.processor}, {report.processors} processors"
    lines = [f"{report.model} on {machine}, {report.threads} thread{'s' if report.threads > 1 else ''} a run"]
    if report.work is not None and report.peak is not None:
        lines.append(_least_line(report.work, report.peak))
    else:
        lines.append(f"no floor: {report.problem}")
    heads = ("batch", "p50 ms", "p95 ms", "p99 ms", "floor ms", "faces/s", "MiB")
    lines.append(f"{'back end':<20}" + "".join(f"{head:>9}" for head in heads) + "   runs on")
    lines += [
        f"{row.backend:<20}{row.batch:>9}{row.p50_ms:>9.2f}{row.p95_ms:>9.2f}{row.p99_ms:>9.2f}"
        f"{_number(row.floor_ms, 2):>9}{row.faces_a_second:>9.0f}{_number(row.memory_mib, 0):>9}"
        f"   {row.description}{row.library and f', {row.library}'}"
        for row in report.rows
    ]
    lines += [f"{name}: not measured: {reason}" for name, reason in report.refused.items()]
    return "\n".join(lines)


def _least_line(work: Work, peak: Peak) -> str:
    rates = ", ".join(
        f"{name} {rate / 1e9:.0f} billion multiplications a second"
        for name, rate in peak.multiplications_a_second.items()
    )
    return (
        f"floor: {work.multiplications / 1e6:.0f} million multiplications a face, {work.weight_bytes / 1e6:.1f} MB of weights; "
        f"the processor at its best, one run's threads: {rates}, {peak.bytes_a_second / 1e9:.0f} GB a second"
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _least(folder: Path, card: ModelCard, threads: int) -> tuple[Work | None, Peak | None, str]:
    """Return what the floor is made of, or why there is none."""
    try:
        return count_work(folder / MODEL_FILE, card), measure_peak(threads), ""
    except EngineError as error:
        return None, None, str(error)


def _plain(folder: Path, card: ModelCard, threads: int | None) -> dict[str, _Subject]:
    """Return the rows that show what the engine costs or saves."""
    path, library = folder / MODEL_FILE, library_of("onnxruntime")
    own = plain_call(path, card)
    same = plain_call(path, card, threads or default_threads())
    return {
        PLAIN: _Subject(own, "InferenceSession.run, defaults", on_processor=False, library=library),
        PLAIN_SAME_THREADS: _Subject(same, "InferenceSession.run, defaults but threads", library=library),
    }


@contextmanager
def _loaded(folder: Path, name: str, threads: int | None, precision: str | None) -> Iterator[_Subject]:
    """Load a back end and find out what memory that takes."""
    before_mib = resident_mib()
    with load_engine(folder, name, threads, precision) as engine:
        engine.infer(fixed_chips(engine.card.input, MAX_BATCH))
        memory_mib = resident_mib() - before_mib
        yield _Subject(
            engine.infer,
            engine.backend_description,
            engine.precision,
            engine.backend_description.endswith("CPU"),
            None if math.isnan(memory_mib) else round(memory_mib, 1),
            library_of(name, engine.backend_description),
        )


def _row(name: str, subject: _Subject, count: int, times_ms: Sequence[float], floor_ms: float | None) -> Row:
    p50_ms, p95_ms, p99_ms = (round(float(value), 4) for value in np.percentile(times_ms, (50, 95, 99)))
    return Row(
        backend=name,
        description=subject.description,
        batch=count,
        calls=len(times_ms),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        faces_a_second=round(1e3 * count / p50_ms, 1),
        library=subject.library,
        floor_ms=None if floor_ms is None else round(floor_ms, 4),
        memory_mib=subject.memory_mib,
    )
