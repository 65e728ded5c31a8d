"""EM routing beside the plain loops and beside a convolution, in one run.

Hinton, Sabour and Frosst: Matrix capsules with EM routing, ICLR 2018, is the method; the loops are those of
`training.studies.capsule_routing.reference`. All three rows take their turn on one layer: 3 x 3 children places of B kinds,
one field of kernel 3, J parents.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from training.blocks.capsules.layers import POSE, Capsules, ConvolutionalCapsules
from training.blocks.capsules.routing import Routing
from training.blocks.multi_task import parameter_count
from training.studies.capsule_routing.reference import reference_routing

_PLACES = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One way to compute a layer.

    Attributes:
        name: Which.
        parameters: Numbers that it learns.
        images: In a call.
        forward_ms: Median processor time of a forward pass, an image.
        both_ms: The same of forward and backward.
        kept_mib: What the backward pass keeps from a forward pass of all images, counted once a storage, an image.
    """

    name: str
    parameters: int
    images: int
    forward_ms: float
    both_ms: float
    kept_mib: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--kinds", type=int, default=4, help="kinds of children (default: %(default)s)")
    parser.add_argument("--parents", type=int, default=4, help="kinds of parents (default: %(default)s)")
    parser.add_argument("--iterations", type=int, default=3, help="of the routing (default: %(default)s)")
    parser.add_argument(
        "--images", type=int, default=32, help="in a call, but one for the loops (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each row (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    rows = bench_routing(options.kinds, options.parents, options.iterations, options.images, options.rounds)
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
        return 0
    print(
        f"{'':24}{'parameters':>12}{'forward ms':>12}{'both ms':>12}{'kept MiB':>10}{'times the loops':>17}"
    )
    slowest = max(row.both_ms for row in rows)
    for row in rows:
        print(
            f"{row.name:24}{row.parameters:12d}{row.forward_ms:12.3f}{row.both_ms:12.3f}"
            f"{row.kept_mib:10.3f}{slowest / row.both_ms:17.1f}"
        )
    print(
        f"an image each; largest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
    )
    return 0


def bench_routing(kinds: int, parents: int, iterations: int, images: int, rounds: int) -> list[Row]:
    """Measure the loops, the vectorised layer with all gradients and with the last ones, and a convolution, in turns.

    Args:
        kinds: B, of the children.
        parents: J.
        iterations: Of the routing.
        images: In a call of the fast rows; the loops get one.
        rounds: Turns of each row; the median counts.
    """
    torch.manual_seed(1)
    layer = ConvolutionalCapsules(kinds, parents, _PLACES, _PLACES, 1, Routing(iterations))
    short = ConvolutionalCapsules(kinds, parents, _PLACES, _PLACES, 1, Routing(iterations, through_all=False))
    width = max(1, round(parameter_count(layer) / (kinds * POSE * _PLACES**2 + 1)))
    convolution = nn.Conv2d(kinds * POSE, width, _PLACES)
    ways: list[tuple[str, nn.Module, int, Callable[[int], Tensor]]] = [
        ("plain loops", layer, 1, lambda count: _looped(layer, _children(count, kinds))),
        ("vectorised", layer, images, lambda count: _summed(layer(_children(count, kinds)))),
        ("vectorised, last only", short, images, lambda count: _summed(short(_children(count, kinds)))),
        ("convolution", convolution, images, lambda count: convolution(_maps(count, kinds)).square().sum()),
    ]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name, *_ in ways}
    for _ in range(rounds):
        for name, _module, count, way in ways:
            times[name].append(_timed(way, count))
    return [
        Row(name, parameter_count(module), count, *_medians(times[name]), _kept_mib(way, count))
        for name, module, count, way in ways
    ]


def _children(count: int, kinds: int) -> Capsules:
    generator = torch.Generator().manual_seed(2)
    poses = torch.randn(count, _PLACES**2, kinds, POSE, generator=generator)
    return Capsules(poses.requires_grad_(), torch.rand(count, _PLACES**2, kinds, generator=generator))


def _maps(count: int, kinds: int) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(count, kinds * POSE, _PLACES, _PLACES, generator=generator).requires_grad_()


def _summed(parents: Capsules) -> Tensor:
    return parents.poses.square().sum() + parents.activations.sum()


def _looped(layer: ConvolutionalCapsules, children: Capsules) -> Tensor:
    votes, activations = layer.votes_of(children)
    poses, logits = reference_routing(
        votes, activations, layer.beta_cost, layer.beta_activation, layer.fields, layer.routing
    )
    return poses.square().sum() + logits.sigmoid().sum()


def _timed(way: Callable[[int], Tensor], count: int) -> tuple[float, float]:
    """Return milliseconds of processor time an image, forward and both."""
    started_s = time.process_time()
    loss = way(count)
    forward_s = time.process_time() - started_s
    loss.backward()
    return 1000 * forward_s / count, 1000 * (time.process_time() - started_s) / count


def _medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    forward, both = (float(torch.tensor(one).median()) for one in zip(*times, strict=True))
    return forward, both


def _kept_mib(way: Callable[[int], Tensor], count: int) -> float:
    """Return how much memory the graph keeps for the backward pass."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = way(count)
        found = sum(kept.values())
    del loss
    return found / count / 2**20
