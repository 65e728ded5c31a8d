from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engines.card import InputSpec
from engines.engine import load_engine
from engines.preprocess import normalised
from training.errors import RecipeError
from training.exporting.export import export_model
from training.recipes import multitask
from training.trained.shipped import measure_statistics, shipped_net

CHIPS = np.random.default_rng(1).integers(0, 256, (32, 48, 48), dtype=np.uint8)
IMAGES = normalised(CHIPS, InputSpec())


def said_by(net: torch.nn.Module) -> dict[str, np.ndarray]:
    with torch.inference_mode():
        return {name: rows.softmax(1).numpy() for name, rows in net(torch.from_numpy(IMAGES[:8])).items()}


def test_the_shipped_model_is_a_network_again() -> None:
    net = shipped_net("multitask", IMAGES)

    said = said_by(net)
    with load_engine("multitask", backend="onnxruntime") as engine:
        wanted = engine.infer(CHIPS[:8])
    assert said["emotion"] == pytest.approx(wanted["emotion"], abs=1e-4)
    assert said["gender"][:, 1] == pytest.approx(wanted["female"], abs=1e-4)
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert all(module.running_var.mean() > 1e-6 for module in norms)
    net.train()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        trained = net(torch.from_numpy(IMAGES))["emotion"].softmax(1)
    net.eval()
    with torch.inference_mode():
        still = net(torch.from_numpy(IMAGES))["emotion"].softmax(1)
    assert trained.numpy() == pytest.approx(still.numpy(), abs=0.05), "statistics are those of these images"


@pytest.mark.parametrize("model", ["multitask-headset", "multitask-mask"])
def test_a_student_is_a_network_again_without_its_teacher_s_labels(model: str) -> None:
    net = shipped_net(model)
    with load_engine(model, backend="onnxruntime") as engine:
        wanted = engine.infer(CHIPS[:8])
    assert said_by(net)["emotion"] == pytest.approx(wanted["emotion"], abs=1e-4)


def test_statistics_change_and_answers_don_t() -> None:
    torch.manual_seed(1)
    net = multitask.build_net(multitask.Config(net="bknet")).eval()
    before = said_by(net)
    measure_statistics(net, IMAGES)

    after = said_by(net)
    assert all(after[name] == pytest.approx(before[name], abs=1e-4) for name in before)


def test_a_model_of_another_make_is_refused(tmp_path: Path) -> None:
    config = multitask.Config(net="bknet")
    export_model(multitask.build_net(config).eval(), multitask.draft_card(config), tmp_path / "model")

    with pytest.raises(RecipeError, match="expected one of"):
        shipped_net(tmp_path / "model")
