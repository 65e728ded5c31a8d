"""The combination of students: one machine, the same numbers from scikit-learn, PyTorch, ONNX and the engine."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC, LinearSVR

from engines.card import AGES_YEARS, EMOTIONS, GENDERS, HeadSpec, InputSpec, ModelCard
from engines.engine import load_engine
from engines.preprocess import normalised
from training.blocks.multi_task import MultiTaskNet
from training.distillation.combination import Machine, fit_machine
from training.distillation.combined_net import CombinedNet, YearsDistribution, years_table
from training.errors import RecipeError
from training.exporting.decoding import decode_logits
from training.exporting.export import export_model

HEADS = (
    HeadSpec("emotion", "emotion", "softmax", EMOTIONS),
    HeadSpec("age", "age", "distribution", AGES_YEARS, "years"),
    HeadSpec("gender", "gender", "softmax", GENDERS),
)
CARD = ModelCard("combination", "1", InputSpec(size=16), HEADS, "0" * 64, occlusion="headset")


def images(count: int, seed: int) -> tuple[torch.Tensor, dict[str, np.ndarray]]:
    """Pictures whose texture tells their labels, as networks take them."""
    pictures, labels = chips(count, seed)
    return torch.from_numpy(normalised(pictures, CARD.input)), labels


def chips(count: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Pictures whose texture tells their labels: rows, columns, squares or plain; uint8."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 4, count)
    levels = random.normal(90, 18, (count, 16, 16))
    down, across = np.indices((16, 16)) // 2 % 2
    levels += 100 * np.stack([down, across, down ^ across, np.ones_like(down)])[kind]
    labels = {"emotion": kind, "gender": kind // 3, "age": 8.0 + 25 * kind}
    return levels.clip(0, 255).astype(np.uint8), labels


def trained_like(seed: int) -> MultiTaskNet:
    """A small network with the statistics of these pictures."""
    torch.manual_seed(seed)
    net: MultiTaskNet = importlib.import_module("training.nets.fast_face").build(
        size=16, widths=(8, 8, 16, 16)
    )
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    net.train()(images(64, seed)[0])
    return net.eval()


def side_by_side(nets: list[MultiTaskNet], pictures: torch.Tensor, task: str) -> np.ndarray:
    with torch.inference_mode():
        return torch.cat([net.embedding(pictures, task) for net in nets], dim=1).numpy()


@pytest.fixture(scope="module")
def students() -> list[MultiTaskNet]:
    return [trained_like(1), trained_like(2)]


@pytest.fixture(scope="module")
def machines(students: list[MultiTaskNet]) -> dict[str, Machine]:
    parts = [images(240, 3), images(80, 4)]
    return {
        task: fit_machine(
            task, *((side_by_side(students, pictures, task), labels[task]) for pictures, labels in parts)
        )
        for task in ("emotion", "age", "gender")
    }


def test_the_machine_is_scikit_learns_on_standardised_embeddings(
    students: list[MultiTaskNet], machines: dict[str, Machine]
) -> None:
    pictures, labels = images(240, 3)
    asked = images(50, 5)[0]
    for task in ("emotion", "gender", "age"):
        rows, other = (side_by_side(students, some, task).astype(np.float64) for some in (pictures, asked))
        mean, std = rows.mean(axis=0), rows.std(axis=0)
        std[std < 1e-6] = 1
        cost = machines[task].cost
        if task == "age":
            svr = LinearSVR(C=cost, epsilon=0.1, max_iter=2000, random_state=0)
            middle = labels[task].mean()
            wanted = middle + svr.fit((rows - mean) / std, labels[task] - middle).predict(
                (other - mean) / std
            )
            assert machines[task].scores(other) == pytest.approx(wanted, abs=1e-3)
        else:
            svm = LinearSVC(C=cost, dual=False, random_state=0).fit((rows - mean) / std, labels[task])
            wanted = svm.predict((other - mean) / std)
            assert (machines[task].scores(other).argmax(axis=1) == wanted).all()
            assert machines[task].score > 0.9, "the embeddings tell the classes"


def test_one_graph_gives_the_numbers_of_the_machines_in_the_engine(
    students: list[MultiTaskNet], machines: dict[str, Machine], tmp_path: Path
) -> None:
    pictures, labels = images(40, 6)
    export_model(CombinedNet(students, machines), CARD, tmp_path / "combination")
    with load_engine(tmp_path / "combination", backend="onnxruntime") as engine:
        said = engine.infer(chips(40, 6)[0])

    scores = {task: machines[task].scores(side_by_side(students, pictures, task)) for task in machines}
    emotion = torch.from_numpy(scores["emotion"] / machines["emotion"].spread).softmax(dim=1).numpy()
    assert said["emotion"] == pytest.approx(emotion, abs=0.02)
    assert (said["emotion"].argmax(axis=1) == labels["emotion"]).mean() > 0.9
    assert said["emotion"][:, 4:].max() < 1e-3, "emotions that training never saw are not said"
    gender = torch.from_numpy(scores["gender"] / machines["gender"].spread).softmax(dim=1).numpy()
    assert said["female"] == pytest.approx(gender[:, 1], abs=0.02)
    assert said["age_years"] == pytest.approx(scores["age"].clip(0, 100), abs=0.25)
    assert engine.card.occlusion == "headset"


@pytest.mark.parametrize("std_years", [0.5, 6.0, 15.0])
def test_the_distribution_expects_the_years_it_was_given(std_years: float) -> None:
    years = torch.tensor([-3.0, 0.0, 0.4, 1.0, 7.3, 50.5, 99.0, 100.0, 130.0])[:, None]
    logits = YearsDistribution(std_years)(years)
    card = ModelCard("age", "1", InputSpec(), (HEADS[1],), "0" * 64)

    said = decode_logits({"age": logits.numpy()}, card)
    assert said["age_years"] == pytest.approx(years[:, 0].clamp(0, 100).numpy(), abs=0.01)
    assert said["age_std_years"][5] == pytest.approx((std_years**2 + 0.25) ** 0.5, rel=0.1)
    assert (years_table(std_years) >= 0).all() and years_table(std_years).sum(axis=1) == pytest.approx(1)


def noisy_and_clean() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Few embeddings with noisy labels, and many with right ones: which C is best can be told."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(60, 40)).astype(np.float32)
    labels = (rows[:, 0] + 0.3 * random.normal(size=60) > 0).astype(int)
    other = random.normal(size=(400, 40)).astype(np.float32)
    return (rows, labels), (other, (other[:, 0] > 0).astype(int))


def test_the_cost_that_is_best_on_validation_is_taken() -> None:
    training, validation = noisy_and_clean()
    costs = (1e-3, 1e-1, 1e3)
    single = {cost: fit_machine("gender", training, validation, (cost,)).score for cost in costs}
    chosen = fit_machine("gender", training, validation, costs)
    assert chosen.score == single[chosen.cost] == max(single.values())
    assert len(set(single.values())) > 1


def test_the_search_for_the_cost_ends_at_the_first_that_is_worse() -> None:
    training, validation = noisy_and_clean()
    single = {cost: fit_machine("gender", training, validation, (cost,)).score for cost in (1e-3, 1e3)}
    best, worse = sorted(single, key=lambda cost: -single[cost])
    assert single[best] > single[worse]
    assert fit_machine("gender", training, validation, (worse, best)).cost == best
    assert fit_machine("gender", training, validation, (best, worse, best * 1.1)).cost == best


def test_a_temperature_makes_probabilities_of_scores() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(2000, 3)).astype(np.float32)
    labels = (rows[:, 0] + 0.7 * random.normal(size=2000) > 0).astype(int)
    machine = fit_machine("smile", (rows[:1000], labels[:1000]), (rows[1000:], labels[1000:]))

    scores = machine.scores(rows[1000:]) / machine.spread
    probabilities = torch.from_numpy(scores).softmax(dim=1)[:, 1].numpy()
    sure = probabilities > 0.9
    assert sure.sum() > 100 and labels[1000:][sure].mean() == pytest.approx(
        float(probabilities[sure].mean()), abs=0.04
    )


def test_what_does_not_fit_is_refused(students: list[MultiTaskNet], machines: dict[str, Machine]) -> None:
    rows = np.zeros((4, 3), np.float32)
    with pytest.raises(RecipeError, match="validation: expected a label for each embedding, found 0 for 4"):
        fit_machine("gender", (rows, np.array([0, 1, 0, 1])), (rows, np.empty(0)))
    with pytest.raises(RecipeError, match="at least two classes, found one"):
        fit_machine("gender", (rows, np.zeros(4)), (rows, np.zeros(4)))
    with pytest.raises(
        RecipeError, match="emotion: expected a machine on embeddings of 16 numbers, found 32"
    ):
        CombinedNet(students[:1], machines)
