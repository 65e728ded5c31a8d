"""The contracts of everything that is added as one file: networks, losses, data sets, recipes, back ends."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from engines.backends import backend_names, create_backend, unavailable_reason
from engines.card import LABELS, load_card
from engines.engine import load_engine
from tests.training.made_faces import made_faces
from tests.training.native_sets import WRITERS
from training import data, losses, nets, recipes
from training.data.sample import SPLITS
from training.export import check_parity, export_model, halve_weights, to_onnx

torch.set_num_threads(1)

DATA_PARTS = {"augmentation", "mixed_batches", "prepared", "sample"}
"""Files of training/data that are no data set."""


def modules(package: ModuleType, without: set[str] = frozenset()) -> list[ModuleType]:
    names = [found.name for found in pkgutil.iter_modules(package.__path__) if found.name not in without]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def short_name(value: object) -> str:
    return value.__name__.rsplit(".", 1)[-1] if isinstance(value, ModuleType) else str(value)


@pytest.fixture
def tiny_experiment(recipe: ModuleType):
    size = recipe.Config().size
    config = recipe.Config(
        epochs=1,
        bfloat16=False,
        shares={"ferplus": 6, "utkface": 4, "genki4k": 2, "ckplus": 2},
        learning_rate=0.02,
    )
    return config, recipe.build_on(config, {name: made_faces(name, side=size) for name in config.shares})


@pytest.mark.parametrize("net", modules(nets), ids=short_name)
def test_net_gives_every_task_finite_numbers_and_gradients(net: ModuleType) -> None:
    network = net.build()
    outputs = network(torch.randn(3, *net.INPUT))
    torch.stack([output.square().mean() for output in outputs.values()]).sum().backward()

    assert {task: tuple(output.shape) for task, output in outputs.items()} == {
        task: (3, len(labels)) for task, labels in LABELS.items()
    }
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
    assert net.__doc__ and "(N, " in net.__doc__, "the docstring gives shapes"


@pytest.mark.parametrize("net", modules(nets), ids=short_name)
def test_net_exports_with_the_same_numbers(net: ModuleType) -> None:
    from training.recipes import bknet

    card = bknet.draft_card(bknet.Config())
    network = net.build().eval()
    names = tuple(head.output for head in card.heads)
    model = to_onnx(network, card, names)

    differences = check_parity(network, model, card)
    assert max(differences[name] for name in ("emotion", "female", "smile")) < 1e-4
    halved = halve_weights(model)
    check_parity(network, halved, card)
    dimension = halved.graph.input[0].type.tensor_type.shape.dim[0]
    assert dimension.dim_param and not dimension.dim_value, "the batch is dynamic"


@pytest.mark.parametrize("loss", modules(losses), ids=short_name)
def test_loss_is_finite_differentiable_and_blind_to_order(loss: ModuleType) -> None:
    module, inputs = loss.example()
    logits = inputs[0].clone().requires_grad_()
    value = module(logits, *inputs[1:])
    value.backward()

    assert value.shape == () and torch.isfinite(value)
    assert logits.grad is not None and torch.isfinite(logits.grad).all() and (logits.grad != 0).any()
    order = torch.randperm(len(inputs[0]), generator=torch.Generator().manual_seed(2))
    shuffled = module(*(part[order] for part in inputs))
    assert float(shuffled) == pytest.approx(float(value.detach()), rel=1e-5)


@pytest.mark.parametrize("data_set", modules(data, DATA_PARTS), ids=short_name)
def test_data_set_reads_its_published_layout(data_set: ModuleType, tmp_path: Path) -> None:
    root = WRITERS[short_name(data_set)](tmp_path)
    found = data_set.samples(root)

    assert found and data_set.CITATION and data_set.LICENSE
    labels = {"emotion": "emotion", "age": "age_years", "gender": "female", "smile": "smile"}
    for sample in found:
        assert sample.path.is_file() and sample.split in SPLITS and sample.subject
        given = {task for task, label in labels.items() if getattr(sample, label) is not None}
        assert given and given <= set(data_set.TASKS)
        if sample.emotion is not None:
            assert sum(sample.emotion) == pytest.approx(1)
    by_split = (
        [sample for split in SPLITS for sample in data_set.samples(root, split)]
        if short_name(data_set) != "ferplus"
        else found
    )
    assert sorted(sample.path for sample in by_split) == sorted(sample.path for sample in found)


@pytest.mark.parametrize("recipe", modules(recipes), ids=short_name)
def test_recipe_learns_one_batch_and_exports_a_card_that_loads(
    recipe: ModuleType, tiny_experiment, tmp_path: Path
) -> None:
    config, experiment = tiny_experiment
    batch = next(iter(experiment.batches.epoch(0)))
    experiment.schedule = None
    experiment.net.train()
    first = sum(experiment.step(batch).values())
    for _ in range(12):
        last = sum(experiment.step(batch).values())

    assert last < first, "the loss falls on a repeated batch"
    card = export_model(experiment.net.eval(), recipe.draft_card(config), tmp_path / "model")
    assert load_card(tmp_path / "model") == card
    with load_engine(tmp_path / "model", backend="onnxruntime") as engine:
        said = engine.infer(batch["image"].numpy()[:4])
    assert said["emotion"].sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert dataclasses.asdict(config)["epochs"] == 1


@pytest.mark.parametrize("name", backend_names())
def test_back_end_gives_the_numbers_of_onnx_runtime(name: str, tiny_model: Path) -> None:
    reason = unavailable_reason(name)
    if reason:
        pytest.skip(reason)
    card = load_card(tiny_model)
    batch = (
        np.random.default_rng(1)
        .standard_normal((3, card.input.channels, card.input.size, card.input.size))
        .astype(np.float32)
    )

    answers = []
    for backend_name in ("onnxruntime", name):
        backend = create_backend(backend_name)
        backend.load(tiny_model / "model.onnx", card, 1)
        answers.append(backend.run(batch))
        backend.close()

    assert set(answers[0]) == set(answers[1]) == {head.output for head in card.heads}
    for output, wanted in answers[0].items():
        assert answers[1][output] == pytest.approx(wanted, abs=0.02), output
