"""Multi-task training on all sets at once: any network, losses, balancing, domain head, mixup and distilled labels.

The general recipe; those of the papers are this one with other defaults (`bknet`, `distill_2md_mtl`,
`ferplus_vgg13`), and `student` chains it: teacher, labels, student.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from engines.card import AGES_YEARS, EMOTIONS, LABELS, HeadSpec, InputSpec, ModelCard
from training.batches.mixed_batches import MixedBatches
from training.batches.mixup import mixup
from training.blocks.gabor import fed_by
from training.blocks.multi_task import MultiTaskNet
from training.data.prepared import PreparedFaces, load_prepared
from training.data.sample import SPLITS
from training.data.sampling import picture_weights
from training.distillation.labels import FEATURES, PREFIX, load_labels, selected, teacher_width
from training.fitting.loop import Experiment
from training.losses.feature_distillation import FeatureMap
from training.losses.triplet_domain import DomainHead
from training.measuring.ensembles import network_predict
from training.measuring.evaluation import figures, predict_faces
from training.multi_task.config import Config
from training.multi_task.fine_tuning import freeze, optimizer_of
from training.multi_task.loss import AGE_RANGE, DOMAIN, EMBEDDING, MultiTaskLoss, TaskBalance
from training.multi_task.prior_adjustment import PriorAdjustment, emotion_prior
from training.multi_task.trainable import require_labels
from training.names import load
from training.occlusion.either_half import EitherHalf
from training.occlusion.hiding import Hider
from training.occlusion.views import Hide
from training.trained.initial_weights import start_from, statistics_images

MODEL_NAME = "multitask"


def build(config: Config) -> Experiment:
    """Return the experiment; prepares the sets first where the cache lacks them.

    Raises:
        DatasetError: A set is missing or malformed, has no training faces, or the first one no validation faces.
    """
    return build_on(config, load_sets(config))


def load_sets(config: Config) -> dict[str, PreparedFaces]:
    """Return the sets of the shares, prepared first where the cache lacks them.

    Raises:
        DatasetError: As `build`.
    """
    sets = {name: load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares}
    for faces in sets.values():
        faces.require("train")
    sets[next(iter(config.shares))].require("validation")
    return sets


def build_on(
    config: Config,
    sets: dict[str, PreparedFaces],
    hider: Hider | EitherHalf | None = None,
    views: Mapping[str, Hide | None] | None = None,
) -> Experiment:
    """Return the experiment on given faces.

    Args:
        config: Settings.
        sets: Name -> faces.
        hider: Hides a half of the training faces.
        views: Name -> what hides the validation faces; None: they are whole.
    """
    torch.manual_seed(config.seed)
    if config.smile_from_happiness and "ferplus" in sets:
        sets = {**sets, "ferplus": with_smile_from_happiness(sets["ferplus"])}
    extra = _extra_labels(config, sets)
    require_labels(config.tasks, config.loss, {name: sets[name] for name in config.shares}, extra)
    batches = MixedBatches(
        sets=sets,
        shares=config.shares,
        spec=input_spec(config),
        augmentation=config.augmentation,
        align=config.align,
        epoch_set=next(iter(config.shares)),
        epoch_steps=config.epoch_steps,
        seed=config.seed,
        mixing=config.mixing,
        sampling=_sampling(config, sets),
        extra=extra,
        hider=hider,
    )
    net = build_net(config).to(memory_format=torch.channels_last)
    if config.initial:
        first = sets[next(iter(config.shares))]
        start_from(
            net,
            config.initial,
            lambda: statistics_images(first, input_spec(config), config.align, config.seed),
            input_spec(config),
        )
    freeze(net, config.frozen)
    optimizer = optimizer_of(config, net)
    return Experiment(
        net=net,
        batches=batches,
        loss=MultiTaskLoss(config.loss, _prior_adjustment(config, sets)),
        clip_norm=config.clip_norm or None,
        optimizer=optimizer,
        schedule=load("schedules", config.schedule).build(
            optimizer, total_steps=config.epochs * batches.steps, **config.schedule_settings
        ),
        balance=TaskBalance(_balancer(config)),
        change_batch=(lambda batch, random: mixup(batch, config.mixup, random)) if config.mixup else None,
        evaluate=lambda trained: validation_figures(trained, sets, config, views),
        epochs=config.epochs,
        config=asdict(config),
        average_decay=config.average_decay,
        keep_last=config.keep_last,
        bfloat16=config.bfloat16,
        device=config.device,
        compile=config.compile,
        seed=config.seed,
    )


def with_smile_from_happiness(faces: PreparedFaces) -> PreparedFaces:
    """Return FER+ with smile labels on its training faces whose votes leave no doubt; held-out faces get none."""
    happiness = faces.emotion[:, EMOTIONS.index("happiness")]
    smile = np.full(len(faces), np.nan, np.float32)
    smile[happiness >= 0.9] = 1
    smile[happiness == 0] = 0
    smile[faces.split != SPLITS.index("train")] = np.nan
    return replace(faces, smile=smile)


def build_net(config: Config) -> MultiTaskNet:
    """Return the untrained network with the training heads that its losses need."""
    channels = input_spec(config).channels
    with torch.random.fork_rng(
        devices=[]
    ):  # the network's own weights are those it would have without a front
        front = config.gabor.front(channels, config.size)
    net: MultiTaskNet = load("nets", config.net).build(
        classes={task: len(LABELS[task]) for task in config.tasks},
        size=config.size,
        channels=channels if front is None else front.channels,
        **config.net_settings,
    )
    if front is not None:
        net = fed_by(front, net)
    width = feature_width(net, config)
    if config.loss.domain_weight:
        net.training_heads[DOMAIN] = DomainHead(width)
    if config.loss.feature_weight:
        net.training_heads[EMBEDDING] = feature_head(
            net, width, teacher_width(Path(config.distilled), next(iter(config.shares))), input_spec(config)
        )
    return net


def feature_head(net: MultiTaskNet, width: int, teacher_width: int, spec: InputSpec) -> nn.Module:
    """Return what turns the shared features into the teacher's width: nothing where they have it, else a `FeatureMap`."""
    with torch.inference_mode():
        features = net.eval().features(torch.zeros(1, spec.channels, spec.size, spec.size))
    net.train()
    return nn.Flatten() if features.numel() == teacher_width else FeatureMap(width, teacher_width)


def feature_width(net: MultiTaskNet, config: Config) -> int:
    """Return how many channels the shared features of a face have."""
    spec = input_spec(config)
    with torch.inference_mode():
        features = net.eval().features(torch.zeros(1, spec.channels, spec.size, spec.size))
    net.train()
    return features.shape[1]


def input_spec(config: Config) -> InputSpec:
    """Return the input contract of the card."""
    return InputSpec(size=config.size, crop="aligned_face" if config.align else "whole_box")


def draft_card(config: Config, sha256: str = "0" * 64, version: str = "0") -> ModelCard:
    """Return the card without figures."""
    heads = {
        "emotion": HeadSpec("emotion", "emotion", "softmax", LABELS["emotion"]),
        "age": HeadSpec("age", "age", "distribution", AGES_YEARS, "years"),
        "gender": HeadSpec("gender", "gender", "softmax", LABELS["gender"]),
        "smile": HeadSpec("smile", "smile", "softmax", LABELS["smile"]),
    }
    return ModelCard(
        name=MODEL_NAME,
        version=version,
        input=input_spec(config),
        heads=tuple(heads[task] for task in LABELS if task in config.tasks),
        sha256=sha256,
    )


def validation_figures(
    net: nn.Module,
    sets: dict[str, PreparedFaces],
    config: Config,
    views: Mapping[str, Hide | None] | None = None,
) -> dict[str, float]:
    """Return the validation figures of a network: "<set>_<figure>", or "<set>_<view>_<figure>" -> value."""
    card = draft_card(config)
    predict = network_predict(net, card, config.bfloat16)
    values: dict[str, float] = {}
    shown = {"": None} if views is None else {f"{name}_": hide for name, hide in views.items()}
    for (name, faces), (prefix, hide) in product(sets.items(), shown.items()):
        positions = faces.where("validation")
        if len(positions):
            said = predict_faces(predict, faces, positions, card.input, config.align, hide)
            values |= {
                f"{name}_{prefix}{key}": figure.value
                for key, figure in figures(faces, positions, said, intervals=False).items()
            }
    return {key: value for key, value in values.items() if math.isfinite(value)}


def _prior_adjustment(config: Config, sets: dict[str, PreparedFaces]) -> PriorAdjustment | None:
    if config.restored_prior is None:
        return None
    weights = _sampling(config, sets)
    priors = [emotion_prior(sets[name], weights.get(name)) for name in config.shares]
    return PriorAdjustment(priors, config.restored_prior)


def _balancer(config: Config) -> nn.Module:
    settings = dict(config.balancing_settings)
    if config.balancing == "fixed":
        settings["weights"] = {task: config.task_weights[task] for task in config.tasks}
    balancer: nn.Module = load("balancing", config.balancing).build(config.tasks, **settings)
    return balancer


def _sampling(config: Config, sets: dict[str, PreparedFaces]) -> dict[str, npt.NDArray[np.float64]]:
    if config.sampling == "natural":
        return {}
    found = {}
    for name in config.shares:
        faces = sets[name]
        label = "age" if np.isfinite(faces.age_years).any() else "emotion"
        found[name] = picture_weights(faces, np.arange(len(faces)), label, config.sampling)
    return found


def _extra_labels(
    config: Config, sets: dict[str, PreparedFaces]
) -> dict[str, dict[str, npt.NDArray[np.float32]]]:
    """Return what a teacher says, and the ranges of ages of the sets that give no years."""
    found = {name: dict(labels) for name, labels in _distilled(config, sets).items()}
    for name in config.shares:
        ranges = {label: getattr(sets[name], label) for label in AGE_RANGE}
        if np.isfinite(ranges[AGE_RANGE[0]]).any():
            found.setdefault(name, {}).update(ranges)
    for name, share in config.smoothing.items():
        emotion = sets[name].emotion
        found.setdefault(name, {})["emotion"] = (1 - share) * emotion + np.float32(share / len(EMOTIONS))
    return found


def _distilled(
    config: Config, sets: dict[str, PreparedFaces]
) -> dict[str, dict[str, npt.NDArray[np.float32]]]:
    if not config.distilled:
        return {}
    wanted = {PREFIX + task for task in config.tasks}
    if config.loss.feature_weight:
        wanted.add(PREFIX + FEATURES)
    labels = {name: load_labels(Path(config.distilled), sets[name]) for name in config.shares}
    return {
        name: {
            key: rows for key, rows in selected(found, sets[name], config.selection).items() if key in wanted
        }
        for name, found in labels.items()
    }
