"""The rows of the GPU tables that PyTorch and ONNX Runtime give: each runs the three shipped models."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from engines.backends import create_backend, unavailable_reason
from engines.card import AGES_YEARS, MODEL_FILE, ModelCard, load_card
from engines.crops import face_crops
from engines.errors import EngineError
from engines.model_file import verify_model
from engines.models import find_model
from engines.preprocess import Bytes
from engines.tensorrt.plan_times import IN_A_ROW
from training.trained.shipped import shipped_net

MODELS = ("multitask", "multitask-headset", "multitask-mask")
BATCHES = (1, 4, 8, 16)
Timer = Callable[[int, int], list[float]]
"""(faces in a call, calls) -> milliseconds of each call of the three models."""
Answers = list[dict[str, torch.Tensor]]
Step = Callable[[torch.Tensor], Answers]
"""Images on the GPU -> what the three networks say, on the GPU."""


def loaded_models(make: Callable[[], Any]) -> list[tuple[Any, ModelCard]]:
    """Return the three models, each on a back end of its own.

    Raises:
        CardError: A shipped model is missing or damaged.
        EngineError: A back end refused one.
    """
    found = []
    for name in MODELS:
        folder = find_model(name)
        card = load_card(folder)
        verify_model(card, folder / MODEL_FILE)
        backend = make()
        backend.load(folder / MODEL_FILE, card, None)
        found.append((backend, card))
    return found


def onnxruntime_timer() -> Timer:
    """Return the timer of ONNX Runtime's CUDA provider, by the clock and with copies: its stream is its own."""
    if reason := unavailable_reason("onnxruntime_cuda"):
        raise EngineError(reason)
    loaded = loaded_models(lambda: create_backend("onnxruntime_cuda"))
    chips = face_crops(loaded[0][1].input, max(BATCHES))

    def timer(count: int, calls: int) -> list[float]:
        return clock_times_ms(lambda: [backend.run(chips[:count]) for backend, _ in loaded], calls)

    return timer


def clock_times_ms(call: Callable[[], object], calls: int) -> list[float]:
    """Return the milliseconds of each call by the processor's clock; the call waits for the GPU itself."""
    times_ms = []
    for _ in range(calls):
        started_s = time.perf_counter()
        call()
        times_ms.append(1e3 * (time.perf_counter() - started_s))
    return times_ms


class Deployed(torch.nn.Module):
    """A network that takes uint8 crops and gives what the exported graph gives, in half precision inside."""

    def __init__(self, card: ModelCard, device: str = "cuda") -> None:
        super().__init__()
        self.card = card
        half = shipped_net(card.name).to(device).half()
        self.net = half.to(memory_format=torch.channels_last)
        self.kinds = {head.output: head.kind for head in card.heads}
        self.register_buffer("years", torch.tensor([float(label) for label in AGES_YEARS], device=device))

    def forward(self, chips: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return head -> answers for uint8 (N, *chip_shape)."""
        spec = self.card.input
        planes = chips[:, None] if chips.ndim == 3 else chips.permute(0, 3, 1, 2)
        image = (planes.float() / 255 - spec.mean) / spec.std
        logits = self.net(image.half().contiguous(memory_format=torch.channels_last))
        return {name: self._decoded(kind, logits[name].float()) for name, kind in self.kinds.items()}

    def _decoded(self, kind: str, logits: torch.Tensor) -> torch.Tensor:
        if kind == "points":
            return logits
        probabilities = torch.softmax(logits, dim=1)
        if kind == "softmax":
            return probabilities
        mean = (probabilities * self.years).sum(1, keepdim=True)
        variance = (probabilities * (self.years - mean).square()).sum(1, keepdim=True)
        return torch.cat([mean, variance.sqrt()], dim=1)


class TorchRow:
    """One way PyTorch runs the three networks, timed on the GPU and by the clock.

    Args:
        step: Makes the call for a batch size, given where its images lie on the GPU.
        chips: uint8 (largest batch, ...), faces.
        device: Other than "cuda" in tests.
    """

    def __init__(self, step: Callable[[torch.Tensor], Step], chips: Bytes, device: str = "cuda") -> None:
        self._step, self._chips, self._device = step, chips, device
        self._ready: dict[int, tuple[torch.Tensor, torch.Tensor, Step]] = {}
        self._answers: dict[int, list[torch.Tensor]] = {}

    def device(self, count: int, calls: int) -> list[float]:
        """Return the GPU's own times without copies; each is the mean of several calls in a row. See `Timer`."""
        _, image, step = self._at(count)
        with torch.inference_mode():
            return _event_times_ms(lambda: step(image), calls)

    def host(self, count: int, calls: int) -> list[float]:
        """Return times by the clock, copies to and from the GPU included; see `Timer`."""
        return clock_times_ms(lambda: self.run(count), calls)

    @torch.inference_mode()
    def run(self, count: int) -> list[torch.Tensor]:
        """Copy the faces in, run and copy the answers out; return them, a tensor a head of each network."""
        pinned, image, step = self._at(count)
        image.copy_(pinned, non_blocking=True)
        answers = [values for one in step(image) for values in one.values()]
        if count not in self._answers:
            self._answers[count] = [_pinned(torch.empty_like(one, device="cpu")) for one in answers]
        for out, values in zip(self._answers[count], answers, strict=True):
            out.copy_(values, non_blocking=True)
        if self._device == "cuda":
            torch.cuda.synchronize()
        return self._answers[count]

    @torch.inference_mode()
    def _at(self, count: int) -> tuple[torch.Tensor, torch.Tensor, Step]:
        """Return faces on the host, where they lie on the GPU, and the call."""
        if count not in self._ready:
            host = _pinned(torch.from_numpy(self._chips[:count].copy()))
            image = host.to(self._device)
            self._ready[count] = host, image, self._step(image)
        return self._ready[count]


def eager_row() -> TorchRow:
    """Return the networks as PyTorch runs them."""
    nets, chips = _deployed()
    return TorchRow(lambda _: _together(nets), chips)


def compiled_row() -> TorchRow:
    """Return the networks after torch.compile, compiled for each batch size."""
    nets, chips = _deployed()
    compiled = [torch.compile(net, mode="max-autotune", dynamic=False) for net in nets]
    return TorchRow(lambda _: _together(compiled), chips)


def captured_row() -> TorchRow:
    """Return the three networks, one after another, in one graph for each batch size."""
    nets, chips = _deployed()
    return TorchRow(lambda image: _captured(_together(nets), image), chips)


def _deployed() -> tuple[list[Deployed], Bytes]:
    if not torch.cuda.is_available():
        raise EngineError(f"expected a PyTorch that can use the GPU, found {torch.__version__}")
    torch.backends.cudnn.benchmark = True  # the fastest kernels of every shape, as the other rows have them
    cards = [load_card(find_model(name)) for name in MODELS]
    return [Deployed(card).eval() for card in cards], face_crops(cards[0].input, max(BATCHES))


def _together(nets: Sequence[Callable[[torch.Tensor], dict[str, torch.Tensor]]]) -> Step:
    return lambda image: [net(image) for net in nets]


def _captured(step: Step, image: torch.Tensor) -> Step:
    """Return a call that replays a graph: it reads the images and leaves the answers where they lay at the capture."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(image)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        answers = step(image)

    def replay(_: torch.Tensor) -> Answers:
        graph.replay()
        return answers

    return replay


def _pinned(values: torch.Tensor) -> torch.Tensor:
    return values.pin_memory() if torch.cuda.is_available() else values


def _event_times_ms(call: Callable[[], object], calls: int) -> list[float]:
    """Return the GPU's own time of a call, as the mean of `IN_A_ROW`, as `engines.tensorrt.plan_times` does it."""
    times_ms = []
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for _ in range(calls):
        first.record()
        for _ in range(IN_A_ROW):
            call()
        last.record()
        last.synchronize()
        times_ms.append(first.elapsed_time(last) / IN_A_ROW)
    return times_ms
