"""Which back end `auto` takes: measured once on this machine, then remembered in this user's cache.

Which library is fastest depends on the processor (bfloat16, cores), on the GPU and on versions, so it is measured
where it matters: every back end that can be used reads one face and four faces, in turns, for about a second. The
answer is kept under a key of all that it depends on; another processor, library, driver or model is measured anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from engines.backend import Backend, resolve_threads
from engines.backends import backend_names, create_backend, settle_backend, unavailable_reason
from engines.card import MODEL_FILE, ModelCard, load_card
from engines.errors import CardError, EngineError
from engines.file_lock import file_lock
from engines.json_text import parse_json
from engines.machine import library_versions, processor_count, processor_name
from engines.model_file import verify_model
from engines.models import model_folder, model_names
from engines.tensorrt.cuda_driver import NoDriverError, find_driver
from engines.user_cache import make_private_folder, read_checked, user_cache_folder, write_checked

logger = logging.getLogger(__name__)

MEASURED_MODEL = "multitask"
"""The model that is measured where it is installed: one choice then serves all models of the program."""
BATCHES = (1, 4)
BUDGET_S = 1.0
_FEWEST_TURNS, _MOST_TURNS = 5, 200
_TIE = 1.05
"""Times within this factor are the same: the first of `engines.backends.backend_names` is taken."""
_LONGEST_WAIT_S = 30.0
_REFUSED_FOR_S = 24 * 3600.0
_FILE, _MOST_KEPT, _VERSION = "backends.json", 8, 1

Times = dict[str, dict[int, float]]
"""Back end -> faces in a call -> median milliseconds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was measured.

    Attributes:
        order: Back ends to try, best first. One that could not be loaded when it was measured (a full GPU, say) keeps the
            place that its name has, because what hindered it may be over.
        times_ms: Back end -> faces in a call -> median milliseconds; empty where only one can be used.
        refused: Back end -> why it can't be used, or could not be loaded.
        measured_s: When, in seconds of the system's clock.
    """

    order: tuple[str, ...]
    times_ms: Times = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    measured_s: float = 0.0

    def times_text(self, name: str) -> str:
        """Return the times of a back end in words; empty where they are not known."""
        times_ms = self.times_ms.get(name, {})
        return ", ".join(
            f"{_COUNTS[count]} {times_ms[count]:.2g} ms" for count in BATCHES if count in times_ms
        )


_COUNTS = {1: "one face", 4: "four faces"}

Measure = Callable[[Path, ModelCard, Sequence[str], int | None], tuple[Times, dict[str, str]]]
"""Folder, card, names, threads -> times of those that load the model, and why the others don't."""

_lock = threading.Lock()
_known: dict[str, Choice] = {}
_told: set[tuple[str, str]] = set()


def choose(
    folder: Path, card: ModelCard, threads: int | None = None, measure: Measure | None = None
) -> Choice:
    """Return the back ends of this machine, best first; measures them unless that is remembered.

    Args:
        folder: Of the model that is to be run; measured only where `MEASURED_MODEL` is not installed.
        card: Its card.
        threads: As for `engines.engine.load_engine`.
        measure: Replaces `measure_backends`.
    """
    refused = {name: reason for name in backend_names() if (reason := unavailable_reason(name))}
    _tell(refused)
    names = [name for name in backend_names() if name not in refused]
    if len(names) < 2:
        return Choice(tuple(names), refused=refused)
    folder, card = _measured_model() or (folder, card)
    key = _key(names, card, threads)
    with _lock:
        if key not in _known:
            _known[key] = _remembered(key, lambda: _measured(folder, card, names, threads, measure))
        found = _known[key]
    return replace(found, refused=refused | found.refused)


def measure_backends(
    folder: Path,
    card: ModelCard,
    names: Sequence[str],
    threads: int | None,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Times, dict[str, str]]:
    """Load every back end and time it, in turns, so that whatever else the machine does hits all alike; see `Measure`."""
    refused: dict[str, str] = {}
    taken_ms: dict[str, dict[int, list[float]]] = {}
    random = np.random.default_rng(0)
    batches = [random.integers(0, 256, (count, *card.input.chip_shape), dtype=np.uint8) for count in BATCHES]
    with ExitStack() as stack:
        loaded: dict[str, Backend] = {}
        for name in names:
            try:
                backend = create_backend(name)
                stack.callback(backend.close)
                backend.load(folder / MODEL_FILE, card, threads)
                for batch in batches:
                    backend.run(batch)
            except EngineError as error:
                logger.warning("back end %s refused: %s", name, error)
                refused[name] = str(error)
                continue
            loaded[name], taken_ms[name] = backend, {len(batch): [] for batch in batches}
        end_s = clock() + BUDGET_S
        for turn in range(_MOST_TURNS):
            if turn >= _FEWEST_TURNS and clock() >= end_s:
                break
            for name, backend in loaded.items():
                for batch in batches:
                    started_s = clock()
                    backend.run(batch)
                    taken_ms[name][len(batch)].append((clock() - started_s) * 1e3)
    times_ms = {name: {count: median(rows) for count, rows in own.items()} for name, own in taken_ms.items()}
    return times_ms, refused


def best_first(times_ms: Mapping[str, Mapping[int, float]]) -> tuple[str, ...]:
    """Return the back ends by the time of one call of each size; of equally fast ones the preferred first."""
    left = {name: sum(own.values()) for name, own in times_ms.items()}
    ordered: list[str] = []
    while left:
        fastest_ms = min(left.values())
        equal = [name for name in backend_names() if name in left and left[name] <= _TIE * fastest_ms]
        ordered.append(equal[0])
        del left[equal[0]]
    return tuple(ordered)


def _measured_model() -> tuple[Path, ModelCard] | None:
    """Return `MEASURED_MODEL`, or None where it is missing or damaged."""
    if MEASURED_MODEL not in model_names():
        return None
    folder = model_folder(MEASURED_MODEL)
    try:
        card = load_card(folder)
        verify_model(card, folder / MODEL_FILE)
    except CardError:
        return None
    return folder, card


def _to_try(times_ms: Mapping[str, Mapping[int, float]], refused: Mapping[str, str]) -> tuple[str, ...]:
    """Return the measured back ends by time, and around the fastest those that could not be loaded, by name."""
    measured, names = best_first(times_ms), backend_names()
    place = names.index(measured[0]) if measured else len(names)
    before = [name for name in names[:place] if name in refused]
    return (*before, *measured, *(name for name in names[place:] if name in refused))


def _tell(refused: Mapping[str, str]) -> None:
    """Log why back ends are refused, each reason once, not once a model."""
    for name, reason in refused.items():
        if (name, reason) not in _told:
            _told.add((name, reason))
            logger.info("back end %s refused: %s", name, reason)


def _measured(
    folder: Path, card: ModelCard, names: Sequence[str], threads: int | None, measure: Measure | None
) -> Choice:
    logger.info("measuring %s once on this machine, for about %g s", ", ".join(names), BUDGET_S)
    times_ms, refused = (measure or measure_backends)(folder, card, names, threads)
    choice = Choice(_to_try(times_ms, refused), times_ms, refused, time.time())
    logger.info(
        "back ends by measured time: %s",
        "; ".join(f"{name} ({choice.times_text(name)})" for name in choice.order if name in times_ms)
        or "none",
    )
    for name in times_ms:
        _settle(name, folder, card)
    return choice


def _settle(name: str, folder: Path, card: ModelCard) -> None:
    try:
        settle_backend(name, folder, card)
    except EngineError as error:
        logger.warning("back end %s: how it runs best was not measured: %s", name, error)


def _key(names: Sequence[str], card: ModelCard, threads: int | None) -> str:
    """Return all that a choice depends on, as a digest."""
    try:
        driver = find_driver()
        gpu = [driver.version, *(one.name for one in driver.gpus)]
    except NoDriverError:
        gpu = []
    parts = {
        "version": _VERSION,
        "processor": processor_name(),
        "processors": processor_count(),
        "threads": resolve_threads(threads),
        "libraries": library_versions(),
        "model": card.sha256,
        "gpu": gpu,
        "names": list(names),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _remembered(key: str, make: Callable[[], Choice]) -> Choice:
    """Return the choice of a key from this user's file, or make and keep it; programs that start together wait."""
    folder = user_cache_folder()
    give_up_s = time.monotonic() + _LONGEST_WAIT_S

    def waiting() -> None:
        if time.monotonic() > give_up_s:
            raise TimeoutError(f"another program has held {folder} for {_LONGEST_WAIT_S:g} s")

    try:
        make_private_folder(folder)
        with file_lock(folder / f"{_FILE}.lock", waiting):
            kept = _read(folder / _FILE)
            if key in kept and not _is_stale(kept[key]):
                return kept[key]
            choice = make()
            kept.pop(key, None)
            _write(folder / _FILE, kept | {key: choice})
            return choice
    except OSError as error:  # among them TimeoutError
        logger.info("the choice of a back end is not remembered: %s", error)
        return make()


def _is_stale(choice: Choice) -> bool:
    """Return whether a back end was refused over a day ago: a GPU may have been full, a driver in the making."""
    return (
        bool(choice.refused or not choice.order) and not 0 <= time.time() - choice.measured_s < _REFUSED_FOR_S
    )


def _read(path: Path) -> dict[str, Choice]:
    """Return the remembered choices, oldest first; none where the file is missing, damaged or of another version."""
    try:
        content = parse_json(read_checked(path))
        return {key: _choice(one) for key, one in content["choices"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _choice(content: Mapping[str, Any]) -> Choice:
    times_ms = {
        str(name): {int(count): float(value) for count, value in own.items()}
        for name, own in content["times_ms"].items()
    }
    refused = {str(name): str(reason) for name, reason in content["refused"].items()}
    return Choice(_to_try(times_ms, refused), times_ms, refused, float(content["measured_s"]))


def _write(path: Path, choices: Mapping[str, Choice]) -> None:
    newest = dict(list(choices.items())[-_MOST_KEPT:])
    content = {"choices": {key: asdict(choice) for key, choice in newest.items()}}
    write_checked(path, json.dumps(content).encode())
