"""Compiled engines kept per user, so that each is built once on a machine.

A plan is native code: it is loaded only when the key beside it names exactly this model, library, GPU, driver and
settings, and when its checksum is the key's. Anything else (of another GPU, of an older driver, half-written, damaged)
is built anew. One lock lets one program build at a time: the second waits and loads what the first built, and kernel
times that full TensorRT measures are not disturbed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engines.file_lock import file_lock
from engines.json_text import parse_json
from engines.tensorrt.build import Built
from engines.tensorrt.build_control import BuildControl
from engines.user_cache import (
    make_private_folder,
    read_checked,
    user_cache_folder,
    write_checked,
)
from engines.whole_file import PART_SUFFIX, write_whole

logger = logging.getLogger(__name__)

LIMIT_BYTES = 1 << 30
"""Most bytes of all plans; four models take 30 MB a GPU, driver and precision (TensorRT-RTX, float16)."""

_FORMAT = 1
"""Raise it when plans built before must not be used any more."""
_ABANDONED_S = 3600.0
"""Age from which a file that was being written is no program's any more."""

_WORDS = {"gpu": "GPU", "model_sha256": "model"}
"""Fields of a key that people call otherwise."""

BuildCall = Callable[[bytes], Built]
"""Builds a plan; is given the timing cache of earlier builds, which may be empty."""


@dataclass(frozen=True, slots=True)
class PlanKey:
    """All that a plan is valid for; plans are rebuilt when any of it differs.

    Attributes:
        model_sha256: Hex digest of the ONNX file.
        library: Import name of the library, and likewise its full version.
        gpu: The GPU's name, and likewise its compute capability as "8.9".
        driver: Version of the driver.
        precision: See `engines.tensorrt.build.Precision`.
        keep_float32: Nodes that stay in float32.
        profile: Smallest, usual and largest batch.
        system: Operating system and processor.
        format: Of the cache itself.
    """

    model_sha256: str
    library: str
    library_version: str
    gpu: str
    compute_capability: str
    driver: str
    precision: str
    keep_float32: tuple[str, ...] = ()
    profile: tuple[int, int, int] = (1, 4, 16)
    system: str = sys.platform
    format: int = _FORMAT

    @property
    def digest(self) -> str:
        """Hex digest of all fields: the plan's file name."""
        return _digest(asdict(self))

    @property
    def device_digest(self) -> str:
        """Hex digest of library, GPU and driver: the file name of what all models share there."""
        names = ("library", "library_version", "gpu", "compute_capability", "driver", "system", "format")
        return _digest({name: getattr(self, name) for name in names})


@dataclass(frozen=True, slots=True)
class CachedPlan:
    """A plan ready to load.

    Attributes:
        plan: The serialised engine.
        from_cache: Whether it was built before.
        problem: Why it could not be kept, in one line; empty when it was.
    """

    plan: bytes
    from_cache: bool
    problem: str = ""


class PlanCache:
    """Plans in one folder; several programs may use it at once."""

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = folder or user_cache_folder() / "engines"
        self.limit_bytes = limit_bytes

    def get_or_build(self, key: PlanKey, build: BuildCall, control: BuildControl | None = None) -> CachedPlan:
        """Return the plan of a key, built only when there is no valid one.

        A folder that can't be used (full, read-only, open to others) costs a build each time, never the engine.

        Args:
            key: What the plan must be valid for.
            build: Called when it must be built.
            control: Told when another program builds; cancels the waiting.

        Raises:
            BuildCancelledError: Someone cancelled.
            EngineError: The build failed.
        """
        control = control or BuildControl()
        with ExitStack() as stack:
            try:
                make_private_folder(self.folder)
                if plan := self._load(key, silent=True):
                    return CachedPlan(plan, from_cache=True)
                stack.enter_context(file_lock(self.folder / "build.lock", lambda: _wait(control)))
            except OSError as error:
                return self._unkept(build(b"").plan, error)
            if plan := self._load(key):  # another program built it while this one waited
                return CachedPlan(plan, from_cache=True)
            built = build(self.read_shared(key, "timing"))
            try:
                self._store(key, built)
            except OSError as error:
                return self._unkept(built.plan, error)
        return CachedPlan(built.plan, from_cache=False)

    def discard(self, key: PlanKey) -> None:
        """Forget the plan of a key: it can't be loaded."""
        path = self.folder / f"{key.digest}.plan"
        _delete(path.with_suffix(".json"))
        _delete(path)

    def read_shared(self, key: PlanKey, kind: str) -> bytes:
        """Return what was kept for all models of a library, GPU and driver; empty when nothing was.

        Args:
            key: Of any of the models.
            kind: "timing" or "runtime".
        """
        return read_checked(self.folder / f"{key.device_digest}.{kind}")

    def write_shared(self, key: PlanKey, kind: str, content: bytes) -> None:
        """Keep something for all models of a library, GPU and driver; a folder that can't be written is logged."""
        try:
            make_private_folder(self.folder)
            write_checked(self.folder / f"{key.device_digest}.{kind}", content)
        except OSError as error:
            logger.warning("%s", self._problem(error))

    def _load(self, key: PlanKey, *, silent: bool = False) -> bytes:
        """Return the plan; empty when there is none that may be used, which is logged unless it is asked for again."""
        path = self.folder / f"{key.digest}.plan"
        level = logging.DEBUG if silent else logging.WARNING
        try:
            stored = parse_json(path.with_suffix(".json").read_bytes())
            plan = path.read_bytes()
        except FileNotFoundError:
            return b""
        except (OSError, ValueError) as error:
            logger.log(level, "%s: the kept engine can't be read (%s); it is built again", path, error)
            return b""
        if reason := _refusal(stored, key, plan):
            logger.log(level, "%s: %s; it is built again", path, reason)
            return b""
        with suppress(OSError):
            path.touch()  # the oldest used goes first
        return plan

    def _store(self, key: PlanKey, built: Built) -> None:
        path = self.folder / f"{key.digest}.plan"
        self._make_room(path, len(built.plan))
        content = {
            "key": asdict(key),
            "plan_sha256": hashlib.sha256(built.plan).hexdigest(),
            "plan_bytes": len(built.plan),
            "built_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        write_whole(path, built.plan)
        write_whole(path.with_suffix(".json"), json.dumps(content, indent=1).encode())
        if built.timing_cache:
            write_checked(self.folder / f"{key.device_digest}.timing", built.timing_cache)

    def _make_room(self, newest: Path, size_bytes: int) -> None:
        """Delete the plans used longest ago until another fits, and what killed programs left half-written."""
        for partial in self.folder.glob(f".*{PART_SUFFIX}"):
            if _age_s(partial) > _ABANDONED_S:
                _delete(partial)
        plans = [path for path in self.folder.glob("*.plan") if path != newest]
        sizes = {path: _size_bytes(path) for path in plans}
        total = size_bytes + sum(sizes.values())
        for path in sorted(plans, key=_age_s, reverse=True):
            if total <= self.limit_bytes:
                break
            _delete(path.with_suffix(".json"))
            _delete(path)
            total -= sizes[path]

    def _unkept(self, plan: bytes, error: OSError) -> CachedPlan:
        problem = self._problem(error)
        logger.warning("%s", problem)
        return CachedPlan(plan, from_cache=False, problem=problem)

    def _problem(self, error: OSError) -> str:
        return (
            f"{self.folder}: compiled engines can't be kept ({error.strerror or error}), so they are built again at "
            "each start; make room or let only yourself write there"
        )


def _digest(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _refusal(stored: object, key: PlanKey, plan: bytes) -> str:
    """Return why a kept plan may not be used; empty when it may."""
    if not isinstance(stored, dict):
        return "expected a key beside the kept engine, found something else"
    wanted = json.loads(json.dumps(asdict(key)))
    found = stored.get("key")
    if found != wanted:
        differing = [
            _WORDS.get(name, name.replace("_", " "))
            for name in wanted
            if not isinstance(found, dict) or found.get(name) != wanted[name]
        ]
        return f"the kept engine is of another {', '.join(differing) or 'program'}"
    if stored.get("plan_sha256") != hashlib.sha256(plan).hexdigest():
        return (
            f"the kept engine is damaged ({len(plan)} of {stored.get('plan_bytes')} bytes, checksum differs)"
        )
    return ""


def _wait(control: BuildControl) -> None:
    control.check()
    control.report(0.0, "another program builds an engine; waiting for it")


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _delete(path: Path) -> None:
    with suppress(OSError):  # in use on Windows, or deleted by another program
        path.unlink()
