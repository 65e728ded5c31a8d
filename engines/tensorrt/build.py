"""Compiles a model file into a TensorRT plan, with progress and a way to stop.

TensorRT-RTX compiles without a GPU or driver, for every GPU it supports unless told which; full TensorRT compiles
for the GPU of this machine. Failures of the library, which it reports as None or False, become `EngineError` with
its last lines.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from engines.backend import MAX_BATCH
from engines.errors import CardError, EngineError
from engines.tensorrt.build_control import BuildControl, Phases
from engines.tensorrt.cuda_driver import find_driver
from engines.tensorrt.half_precision import half_precision
from engines.tensorrt.library import Library

Precision = Literal["float16", "float32", "as_written"]
"""float32 and as_written compile the file as it is; "as_written" is for files that name other types, such as int8."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_WORKSPACE_BYTES = 1 << 30
_PLAN_OF_NO_GPU = "engines for other GPUs are built with TensorRT-RTX; run: pip install 'faceapp[gpu]'"


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What a plan is compiled for.

    Attributes:
        precision: See `Precision`.
        keep_float32: Names of nodes, or beginnings, that stay in float32 in a float16 plan.
        usual_batch: Faces in a call that the kernels are chosen for, 1 to `largest_batch`.
        largest_batch: Most faces in a call.
        compute_capabilities: GPUs as "8.9"; empty = this machine's, or every one that TensorRT-RTX supports.
    """

    precision: Precision = "float16"
    keep_float32: tuple[str, ...] = ()
    usual_batch: int = 4
    largest_batch: int = MAX_BATCH
    compute_capabilities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise EngineError(f"precision: expected one of {', '.join(PRECISIONS)}, found {self.precision!r}")
        if not 1 <= self.usual_batch <= self.largest_batch <= MAX_BATCH:
            raise EngineError(
                f"batch: expected 1 <= usual <= largest <= {MAX_BATCH}, found {self.usual_batch} and "
                f"{self.largest_batch}"
            )

    @property
    def profile(self) -> tuple[int, int, int]:
        """Smallest, usual and largest batch."""
        return 1, self.usual_batch, self.largest_batch


@dataclass(frozen=True, slots=True)
class Built:
    """What a build gives.

    Attributes:
        plan: The serialised engine.
        timing_cache: Measured kernel times for the next build; empty where the library keeps none.
    """

    plan: bytes
    timing_cache: bytes = b""


def build_plan(
    model: bytes,
    settings: BuildSettings,
    library: Library,
    control: BuildControl | None = None,
    timing_cache: bytes = b"",
) -> Built:
    """Compile a model.

    Args:
        model: The ONNX file's content.
        settings: What for.
        library: From `engines.tensorrt.library.find_library`.
        control: Progress and cancelling.
        timing_cache: From an earlier build with the same library and GPU; ignored where it does not fit.

    Raises:
        NoDriverError: Full TensorRT was asked on a machine without a driver.
        BuildCancelledError: `control.cancelled` was set.
        CardError: The model's input has a fixed batch size.
        EngineError: The library refuses the model or the settings; the text holds its last lines.
    """
    control = control or BuildControl()
    _check_target(library, settings)
    control.report(0.0, "reading the model")
    if settings.precision == "float16":
        model = half_precision(model, settings.keep_float32)
    control.check()
    mark = library.messages.mark()
    builder = library.module.Builder(library.messages.logger)
    network, parser = _parse(library, builder, model)
    config = builder.create_builder_config()
    monitor = _make_monitor(library.module, control)
    config.progress_monitor = monitor
    _configure(library, builder, network, config, settings)
    cache = _use_timing_cache(library, config, timing_cache)
    plan = builder.build_serialized_network(network, config)
    del parser  # it owns the network's weights, so it must outlive the build
    control.check()
    if plan is None:
        raise EngineError(
            f"{library.title} can't compile the model ({library.messages.since(mark) or 'it gave no reason'}); "
            "choose another back end"
        )
    control.report(1.0, "done")
    return Built(bytes(plan), bytes(cache.serialize()) if cache is not None else b"")


def _check_target(library: Library, settings: BuildSettings) -> None:
    if library.builds_without_gpu:
        return
    driver = find_driver()  # without one, full TensorRT's builder may kill the process
    here = {".".join(map(str, gpu.compute_capability)) for gpu in driver.gpus}
    if foreign := sorted(set(settings.compute_capabilities) - here):
        raise EngineError(
            f"compute capability: expected {' or '.join(sorted(here))}, found {', '.join(foreign)}; {_PLAN_OF_NO_GPU}"
        )


def _parse(library: Library, builder: Any, model: bytes) -> tuple[Any, Any]:
    """Return network and parser.

    Raises:
        EngineError: The parser refuses the model.
    """
    module = library.module
    kinds = module.NetworkDefinitionCreationFlag
    # From TensorRT 11 on every network is strongly typed; asking for it is needed in 10 and accepted everywhere.
    flags = 1 << int(kinds.STRONGLY_TYPED) if hasattr(kinds, "STRONGLY_TYPED") else 0
    network = builder.create_network(flags)
    parser = module.OnnxParser(network, library.messages.logger)
    if not parser.parse(model):
        errors = [parser.get_error(index) for index in range(parser.num_errors)]
        reasons = "; ".join(_parser_reason(error) for error in errors) or "it gave no reason"
        raise EngineError(f"{library.title} can't read the model ({reasons}); choose another back end")
    if network.num_outputs == 0:  # the parser takes some garbage for an empty model
        raise EngineError(
            f"{library.title}: expected a model with outputs, found none in it; restore the file"
        )
    return network, parser


def _parser_reason(error: Any) -> str:
    """Return an error of the parser in a few words: node, operator, reason."""
    reason = " ".join(str(error.desc()).split())
    operator = error.node_operator() if hasattr(error, "node_operator") else ""
    name = error.node_name() if hasattr(error, "node_name") else ""
    return f"{operator} {name!r}: {reason}" if operator else reason


def _configure(library: Library, builder: Any, network: Any, config: Any, settings: BuildSettings) -> None:
    """Set limits, flags, profile and targets."""
    module = library.module
    config.set_memory_pool_limit(module.MemoryPoolType.WORKSPACE, _WORKSPACE_BYTES)
    if hasattr(module.BuilderFlag, "REQUIRE_USER_ALLOCATION"):
        # TensorRT-RTX: no allocation while it runs, without which a run can't be captured in a CUDA graph.
        config.set_flag(module.BuilderFlag.REQUIRE_USER_ALLOCATION)
    # A float32 plan is what others are compared with: TF32 would round its factors to 10 bits.
    config.clear_flag(module.BuilderFlag.TF32)
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        rest = tuple(tensor.shape)[1:]
        if tensor.shape[0] != -1 or -1 in rest:
            raise CardError(
                f"input {tensor.name!r}: expected a free batch size and fixed other sizes, found "
                f"{tuple(tensor.shape)}; export the model again"
            )
        profile.set_shape(tensor.name, *((size, *rest) for size in settings.profile))
    config.add_optimization_profile(profile)
    if library.builds_without_gpu and settings.compute_capabilities:
        _set_targets(library, config, settings.compute_capabilities)


def supported_compute_capabilities(library: Library) -> dict[str, Any]:
    """Return "8.9" -> the library's own value, for every GPU it can be told to compile for (TensorRT-RTX only)."""
    kinds = getattr(library.module, "ComputeCapability", None)
    members = {} if kinds is None else kinds.__members__
    return {f"{name[2:-1]}.{name[-1]}": value for name, value in members.items() if name.startswith("SM")}


def _set_targets(library: Library, config: Any, compute_capabilities: Collection[str]) -> None:
    known = supported_compute_capabilities(library)
    if unknown := [one for one in compute_capabilities if one not in known]:
        raise EngineError(
            f"compute capability: expected some of {', '.join(known)}, found {', '.join(unknown)}; "
            "TensorRT-RTX compiles for no others"
        )
    config.num_compute_capabilities = len(compute_capabilities)
    for place, one in enumerate(compute_capabilities):
        config.set_compute_capability(known[one], place)


def _use_timing_cache(library: Library, config: Any, content: bytes) -> Any:
    """Give the builder the times it measured before; None where the library keeps none (TensorRT-RTX)."""
    if library.builds_without_gpu:
        return None
    cache = config.create_timing_cache(content)
    if cache is None or not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b"")  # of another GPU or version: start anew
        config.set_timing_cache(cache, False)
    return cache


def _make_monitor(module: Any, control: BuildControl) -> Any:
    """Return an object of TensorRT's progress interface; it is called from the library's threads."""

    class Monitor(module.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            module.IProgressMonitor.__init__(self)
            self.phases = Phases()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self.phases.start(phase_name, parent_phase, num_steps)
            control.report(self.phases.share(), phase_name)

        def phase_finish(self, phase_name: str) -> None:
            self.phases.finish(phase_name)

        def step_complete(self, phase_name: str, step: int) -> bool:
            self.phases.step(phase_name, step)
            control.report(self.phases.share(), phase_name)
            return not control.cancelled.is_set()

    return Monitor()


def read_model(path: Path) -> bytes:
    """Return a model file's content.

    Raises:
        EngineError: It can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(f"{path}: the model can't be read ({error.strerror}); restore it") from error
