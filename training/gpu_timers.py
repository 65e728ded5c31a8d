"""The rows of the GPU tables: each runs the three shipped models, and says how long every call took on the GPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from engines.backends import create_backend, unavailable_reason
from engines.backends.tensorrt import TensorRtBackend
from engines.card import AGES_YEARS, MODEL_FILE, ModelCard, load_card
from engines.crops import face_crops
from engines.errors import EngineError
from engines.model_file import verify_model
from engines.models import find_model
from engines.preprocess import Bytes
from training.shipped import shipped_net

MODELS = ("multitask", "multitask-headset", "multitask-mask")
BATCHES = (1, 4, 8, 16)
Timer = Callable[[int, int], list[float]]
"""(faces in a call, calls) -> device milliseconds of each call of the three models, one after another."""


def _loaded(make: Callable[[], Any]) -> list[tuple[Any, ModelCard]]:
    """Return the three models, each on a back end of its own."""
    found = []
    for name in MODELS:
        folder = find_model(name)
        card = load_card(folder)
        verify_model(card, folder / MODEL_FILE)
        backend = make()
        backend.load(folder / MODEL_FILE, card, None)
        found.append((backend, card))
    return found


def tensorrt_timer() -> Timer:
    """Return the timer of TensorRT's engines, without copies."""
    if reason := unavailable_reason("tensorrt"):
        raise EngineError(reason)
    backends = [backend for backend, _ in _loaded(TensorRtBackend)]

    def timer(count: int, calls: int) -> list[float]:
        each = [backend.device_times_ms(count, calls, copies=False) for backend in backends]
        return [sum(times) for times in zip(*each, strict=True)]

    return timer


def onnxruntime_timer() -> Timer:
    """Time ONNX Runtime's CUDA provider, by the clock."""
    if reason := unavailable_reason("onnxruntime_cuda"):
        raise EngineError(reason)
    loaded = _loaded(lambda: create_backend("onnxruntime_cuda"))
    chips = face_crops(loaded[0][1].input, max(BATCHES))

    def timer(count: int, calls: int) -> list[float]:
        return _clock_ms(lambda: [backend.run(chips[:count]) for backend, _ in loaded], calls)

    return timer


def _clock_ms(call: Callable[[], object], calls: int) -> list[float]:
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


def _deployed() -> tuple[list[Deployed], Bytes]:
    cards = [load_card(find_model(name)) for name in MODELS]
    return [Deployed(card).eval() for card in cards], face_crops(cards[0].input, max(BATCHES))


def eager_timer() -> Timer:
    """Return the timer of the networks as PyTorch runs them."""
    nets, chips = _deployed()
    return _torch_timer(nets, chips)


def compiled_timer() -> Timer:
    """Return the timer of the networks after torch.compile."""
    nets, chips = _deployed()
    return _torch_timer([torch.compile(net, mode="max-autotune") for net in nets], chips)


def _torch_timer(nets: Sequence[Callable[[torch.Tensor], object]], chips: Bytes) -> Timer:
    images = {count: torch.from_numpy(chips[:count].copy()).cuda() for count in BATCHES}

    @torch.inference_mode()
    def timer(count: int, calls: int) -> list[float]:
        return _event_ms(lambda: [net(images[count]) for net in nets], calls)

    return timer


def captured_timer() -> Timer:
    """Capture the three networks, one after another, in one graph for each batch size."""
    nets, chips = _deployed()
    graphs: dict[int, torch.cuda.CUDAGraph] = {}
    kept: list[object] = []
    with torch.inference_mode():
        for count in BATCHES:
            image = torch.from_numpy(chips[:count].copy()).cuda()
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    _ = [net(image) for net in nets]
            torch.cuda.current_stream().wait_stream(side)
            graphs[count] = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graphs[count]):
                answers = [net(image) for net in nets]
            kept += [image, answers]  # a graph reads and writes their memory

    def timer(count: int, calls: int) -> list[float]:
        return _event_ms(graphs[count].replay, calls)

    return timer


def _event_ms(call: Callable[[], object], calls: int) -> list[float]:
    """Return the GPU's own time of each call."""
    times_ms = []
    for _ in range(calls):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        call()
        last.record()
        last.synchronize()
        times_ms.append(first.elapsed_time(last))
    return times_ms
