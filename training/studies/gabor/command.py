"""Every variant and seed trained once, each kept, then tables, answers and pictures."""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.whole_file import whole_file
from training.batches.mixed_batches import plain_images
from training.blocks.gabor import GaborFusion, front_of
from training.blocks.multi_task import MultiTaskNet
from training.data.prepared import PreparedFaces, load_prepared
from training.data.sample import SPLITS
from training.errors import RecipeError
from training.fitting.experiment import Experiment
from training.fitting.loop import changed_batches
from training.fitting.processes import join
from training.multi_task.loss import LossSettings
from training.recipes import multitask, vgg16_hybrid
from training.settings import with_settings
from training.studies.gabor.plan import NETWORKS, Plan, Variant
from training.studies.gabor.report import write_report
from training.studies.gabor.scores import Arrays, held_out, scores_of, targets
from training.studies.gabor_bank.command import normalised_face
from training.study_parts.options import add_minutes, add_places
from training.study_parts.pieces import claim_folder, within

logger = logging.getLogger(__name__)

SETS = ("ferplus", "utkface", "ckplus")
TASKS = {"ferplus": ("emotion",), "ckplus": ("emotion",), "utkface": ("age", "gender")}
_CHOICE = 7
"""Seed of the choice of training faces, which all variants and seeds share."""

_CLIP_NORM = 5.0
"""Networks without batch normalisation otherwise explode in the one-cycle schedule's middle."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    plan = Plan()
    add_places(parser)
    add_minutes(parser)
    parser.add_argument("--faces", type=int, default=plan.faces, help="training faces (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=plan.epochs, help="passes (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=len(plan.seeds), help="how many (default: %(default)s)")
    parser.add_argument(
        "--face", type=Path, help="picture to draw the first layer's maps of (default: of UTKFace)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    if min(options.faces, options.epochs, options.seeds) < 1:
        raise RecipeError(
            f"faces, epochs, seeds: expected 1 or more, found {options.faces}, {options.epochs}, {options.seeds}"
        )
    seeds = tuple(range(1, options.seeds + 1))
    plan = Plan(faces=options.faces, epochs=options.epochs, seeds=seeds)
    sets = {name: load_prepared(name, options.data, options.cache) for name in SETS}
    face = None if options.face is None else normalised_face(options.face)
    print(run_study(plan, sets, options.out, options.minutes, face).read_text(encoding="utf-8"))
    return 0


def run_study(
    plan: Plan,
    sets: Mapping[str, PreparedFaces],
    out: Path,
    minutes: float | None = None,
    face: Tensor | None = None,
) -> Path:
    """Train what has no result yet; write the report; return its Markdown file.

    Args:
        plan: What to train.
        sets: The three sets of the study.
        out: Folder with a file for each variant and seed, and the report.
        minutes: Begin no further training after so many; the report is then of what is done.
        face: What the first layer's maps are drawn of, float (1, 1, size, size); None takes a face of UTKFace.
    """
    torch.set_num_threads(1)
    claim_folder(out, {"faces": plan.faces, "epochs": plan.epochs, "batch": plan.batch})
    fewer = {name: with_fewer(faces, plan.faces) for name, faces in sets.items()}
    images: dict[tuple[str, int], Tensor] = {}
    lacking = (one for one in plan.trainings() if not result_path(out, *one).is_file())
    for variant, seed in within(minutes, lacking):
        started_s, cpu_s = time.perf_counter(), time.process_time()
        net = trained(plan, variant, seed, fewer)
        _save(
            result_path(out, variant, seed),
            found_by(net, variant, fewer, images),
            time.process_time() - cpu_s,
        )
        logger.info("%s, seed %d: %.0f s", variant.name, seed, time.perf_counter() - started_s)
    return write_report(plan, fewer, out, face)


def result_path(out: Path, variant: Variant, seed: int) -> Path:
    """Return where a variant's result of one seed is kept."""
    return out / f"{variant.name}.{seed}.npz"


def with_fewer(faces: PreparedFaces, count: int) -> PreparedFaces:
    """Return a set with so many training faces at most; the others belong to no split."""
    train = faces.where("train")
    if len(train) <= count:
        return faces
    left_out = np.random.default_rng(_CHOICE).permutation(train)[count:]
    split = faces.split.copy()
    split[left_out] = len(SPLITS)
    return replace(faces, split=split)


def config_of(plan: Plan, variant: Variant, seed: int, train_faces: int) -> multitask.Config:
    """Return the recipe's settings of one training."""
    network = NETWORKS[variant.network]
    recipe = vgg16_hybrid if network.stages else multitask
    config = recipe.Config(
        net=network.net,
        net_settings=dict(network.settings),
        tasks=TASKS[variant.source],
        shares={variant.source: plan.batch},
        epochs=plan.epochs if 2 * train_faces >= plan.faces else plan.small_set_epochs,
        learning_rate=network.learning_rate,
        loss=LossSettings(age="classes"),
        average_decay=0.0,
        device="cpu",
        seed=seed,
    )
    return with_settings(config, variant.changes)


def trained(plan: Plan, variant: Variant, seed: int, sets: Mapping[str, PreparedFaces]) -> MultiTaskNet:
    """Return a trained network in evaluation mode; a training takes seconds, so nothing is kept on the way."""
    own = {variant.source: sets[variant.source]}
    config = config_of(plan, variant, seed, len(own[variant.source].where("train")))
    stages = NETWORKS[variant.network].stages
    if not stages:
        return _fitted(multitask.build_on(config, own))
    state: dict[str, Tensor] = {}
    for step in stages:
        stage = replace(config, step=step, epochs=math.ceil(config.epochs / len(stages)))  # type: ignore[call-arg]
        experiment = vgg16_hybrid.build_on(stage, own)  # type: ignore[arg-type]
        if state:
            experiment.net.load_state_dict(state)
        net = _fitted(experiment)
        state = net.state_dict()
    return net


def _fitted(experiment: Experiment) -> MultiTaskNet:
    experiment.clip_norm = _CLIP_NORM
    experiment.place(join("cpu"))
    experiment.train()
    for epoch in range(experiment.epochs):
        for batch in changed_batches(experiment, epoch):
            experiment.step(batch)
    net = experiment.net.eval()
    if not all(torch.isfinite(weight).all() for weight in net.parameters()):
        raise RecipeError("study: expected finite weights, found others; lower the network's learning rate")
    assert isinstance(net, MultiTaskNet)
    return net


def found_by(
    net: MultiTaskNet,
    variant: Variant,
    sets: Mapping[str, PreparedFaces],
    images: dict[tuple[str, int], Tensor],
) -> Arrays:
    """Return a network's scores, and the weights that its pictures need: of the fusion and of the first convolution.

    Args:
        net: Trained.
        variant: What it is.
        sets: Name -> faces.
        images: (set, how many) -> held-out faces; filled as needed.
    """
    spec = multitask.input_spec(multitask.Config())
    own = {}
    for name in targets(variant.source):
        places = held_out(sets[name], name, variant.source)
        key = (name, len(places))
        if key not in images:
            images[key] = torch.from_numpy(plain_images(sets[name], places, spec, True))
        own[name] = images[key]
    found = scores_of(net, own, sets, variant.source)
    front = front_of(net)
    if isinstance(front, GaborFusion):
        found["fusion/image_weight"] = _array(front.image_weight)
        found["fusion/weights"] = _array(front.weights)
    first = next(module for module in net.modules() if isinstance(module, nn.Conv2d))
    found["first/weight"] = _array(first.weight)
    if first.bias is not None:
        found["first/bias"] = _array(first.bias)
    return found


def _array(values: Tensor) -> npt.NDArray[np.float32]:
    return values.detach().float().numpy()


def _save(path: Path, found: Arrays, cpu_s: float) -> None:
    with whole_file(path) as stream:
        np.savez_compressed(stream, cpu_s=np.float32(cpu_s), **found)
