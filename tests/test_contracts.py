"""The contracts of everything that is added as one file: networks, losses, data sets, recipes, back ends."""

from __future__ import annotations

import dataclasses
import importlib
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
from training import schedules
from training.data.sample import SPLITS
from training.exporting.export import check_parity, export_model, halve_weights, to_onnx
from training.names import load, names_in

torch.set_num_threads(1)

OTHER_RECIPES = {"began", "progressive", "transfer", "visibility"}
"""Recipes of networks with other outputs than the program's; their own tests hold them to the same."""


def modules(folder: str, without: set[str] = frozenset()) -> list[ModuleType]:
    return [load(folder, name) for name in names_in(folder) if name not in without]


def short_name(value: object) -> str:
    return value.__name__.rsplit(".", 1)[-1] if isinstance(value, ModuleType) else str(value)


def small(net: ModuleType) -> torch.nn.Module:
    """The network itself, or a small one of its kind where it is large."""
    torch.manual_seed(1)
    return net.build(**getattr(net, "SMALL", {}))


def with_statistics(network: torch.nn.Module, shape: tuple[int, ...]) -> torch.nn.Module:
    """Batch normalisation gets the statistics of noise; without, deep networks answer far beyond any trained one."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.momentum = None
    network.train()(torch.randn(16, *shape, generator=torch.Generator().manual_seed(2)))
    return network.eval()


@pytest.fixture
def tiny_experiment(recipe: ModuleType):
    config = recipe.Config(
        epochs=1,
        size=16,
        net_settings=getattr(importlib.import_module(f"training.nets.{recipe.Config().net}"), "SMALL", {}),
        bfloat16=False,
        shares={"ferplus": 6, "utkface": 4, "genki4k": 2, "ckplus": 2},
        learning_rate=0.02,
        **getattr(recipe, "TINY", {}),
    )
    return config, recipe.build_on(config, {name: made_faces(name, side=16) for name in config.shares})


@pytest.mark.parametrize("net", modules("nets"), ids=short_name)
def test_net_gives_every_task_finite_numbers_and_gradients(net: ModuleType) -> None:
    network = small(net)
    outputs = network(torch.randn(3, *net.INPUT, generator=torch.Generator().manual_seed(1)))
    torch.stack([output.square().mean() for output in outputs.values()]).sum().backward()

    assert {task: tuple(output.shape) for task, output in outputs.items()} == {
        task: (3, len(labels)) for task, labels in LABELS.items()
    }
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
    assert net.__doc__ and "(N, " in net.__doc__, "the docstring gives shapes"


@pytest.mark.parametrize("net", modules("nets"), ids=short_name)
def test_net_exports_with_the_same_numbers(net: ModuleType) -> None:
    from training.recipes import multitask

    card = multitask.draft_card(multitask.Config())
    network = with_statistics(small(net), net.INPUT)
    names = tuple(head.output for head in card.heads)
    model = to_onnx(network, card, names)

    differences = check_parity(network, model, card)
    assert max(differences[name] for name in ("emotion", "female", "smile")) < 1e-4
    halved = halve_weights(model)
    check_parity(network, halved, card)
    dimension = halved.graph.input[0].type.tensor_type.shape.dim[0]
    assert dimension.dim_param and not dimension.dim_value, "the batch is dynamic"


@pytest.mark.parametrize("loss", modules("losses"), ids=short_name)
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


@pytest.mark.parametrize("loss", modules("losses"), ids=short_name)
def test_loss_of_rows_in_bfloat16_is_computed_in_full_precision(loss: ModuleType) -> None:
    module, inputs = loss.example()
    rounded = inputs[0].bfloat16()

    value = module(rounded, *inputs[1:])
    assert value.dtype == torch.float32
    assert torch.equal(value, module(rounded.float(), *inputs[1:]))


@pytest.mark.parametrize("balancer", modules("balancing"), ids=short_name)
def test_balancer_weighs_what_a_batch_has_and_goes_on_from_its_state(balancer: ModuleType) -> None:
    shared = torch.nn.Parameter(torch.tensor([1.0, 2.0]))

    def weigh(module: torch.nn.Module, number: int) -> dict[str, torch.Tensor]:
        tasks = module.tasks if number % 3 else module.tasks[1:]
        scales = {task: 1 + (place + number) % 4 for place, task in enumerate(tasks)}
        return module.weigh({task: scale * shared.square().sum() for task, scale in scales.items()}, shared)

    whole, resumed = balancer.example(), balancer.example()
    for number in range(4):
        weighed = weigh(whole, number)
    resumed.load_state_dict(whole.state_dict())
    assert tuple(weighed) == whole.tasks[1:], "the first task is absent from the fourth batch"
    after, again = weigh(whole, 4), weigh(resumed, 4)
    torch.stack(list(after.values())).sum().backward()

    assert all(torch.equal(after[task], again[task]) for task in whole.tasks)
    assert all(loss > 0 and torch.isfinite(loss) for loss in after.values())
    assert torch.isfinite(shared.grad).all() and (shared.grad != 0).all()
    assert not list(whole.parameters()), "it steps by itself: an optimizer must find nothing in it"


@pytest.mark.parametrize("schedule", modules("schedules"), ids=short_name)
def test_schedule_keeps_to_its_rate_and_goes_on_from_its_state(schedule: ModuleType) -> None:
    steps = 24

    def start() -> tuple[torch.optim.Optimizer, schedules.Schedule]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
        return optimizer, schedule.build(optimizer, total_steps=steps)

    def run(
        optimizer: torch.optim.Optimizer, rates: schedules.Schedule, first: int, last: int
    ) -> list[float]:
        seen = []
        for number in range(first, last):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            rates.step()
            if number % 4 == 3 and isinstance(rates, schedules.WatchingSchedule):
                rates.observe(1.0 + number % 3)
        return seen

    optimizer, rates = start()
    whole = run(optimizer, rates, 0, steps)
    optimizer, rates = start()
    run(optimizer, rates, 0, 10)
    state = (optimizer.state_dict(), rates.state_dict())
    optimizer, rates = start()
    optimizer.load_state_dict(state[0])
    rates.load_state_dict(state[1])

    assert all(0 < rate <= 0.1 + 1e-9 for rate in whole) and len(set(whole)) > 1
    assert run(optimizer, rates, 10, steps) == pytest.approx(whole[10:], rel=1e-9)


@pytest.mark.parametrize("data_set", modules("data.sets"), ids=short_name)
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


@pytest.mark.parametrize("recipe", modules("recipes", OTHER_RECIPES), ids=short_name)
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
        shape = (4, *engine.card.input.chip_shape)
        said = engine.infer(np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8))
    assert said["emotion"].sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert dataclasses.asdict(config)["epochs"] == 1


@pytest.mark.parametrize("name", backend_names())
def test_back_end_gives_the_numbers_of_onnx_runtime(name: str, tiny_model: Path) -> None:
    reason = unavailable_reason(name)
    if reason:
        pytest.skip(reason)
    card = load_card(tiny_model)
    batch = np.random.default_rng(1).integers(0, 256, (3, *card.input.chip_shape), dtype=np.uint8)

    answers = []
    for backend_name in ("onnxruntime", name):
        backend = create_backend(backend_name)
        backend.load(tiny_model / "model.onnx", card, 1)
        answers.append(backend.run(batch))
        backend.close()

    assert set(answers[0]) == set(answers[1]) == {head.output for head in card.heads}
    for output, wanted in answers[0].items():
        assert answers[1][output] == pytest.approx(wanted, abs=0.02), output
