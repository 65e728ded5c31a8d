"""Transfer: features of every depth, blocks that stay frozen, rows that are not made twice, and bad settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.card import InputSpec
from tests.training.made_faces import made_faces
from tests.training.progressive.test_tasks import people
from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.fitting.loop import fit
from training.fitting.processes import Processes
from training.nets import bknet
from training.recipes import transfer
from training.studies.transfer import study as transfer_study
from training.studies.transfer.study import TransferStudy
from training.trained.transferred import blocks, features_by_depth, forget, transferred

QUICK = {"epochs": 1, "batch": 8, "bfloat16": False, "device": "cpu", "task": "gender"}


def tiny(model: object = "", images: object = None) -> tuple[MultiTaskNet, InputSpec]:
    """Return a small network, the same every time."""
    torch.manual_seed(3)
    net = bknet.build(
        size=16, blocks=((4,), (6,), (6,), (8,)), hidden=(10,), classes={"emotion": 8, "gender": 2}
    )
    return net.eval(), InputSpec(size=16)


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model is the small network."""
    for module in (transfer, transfer_study):
        monkeypatch.setattr(module, "trained_net", tiny)


def test_features_of_every_depth_are_what_the_layers_give() -> None:
    net, _ = tiny()
    images = torch.randn(5, 1, 16, 16)
    found = features_by_depth(net, images)
    with torch.inference_mode():
        first = torch.nn.functional.adaptive_avg_pool2d(net.trunk[0](images), 3)
        gender = net.embedding(images, "gender")

    assert list(found) == [
        *(f"block {number}" for number in range(1, 5)),
        "emotion embedding",
        "gender embedding",
    ]
    assert np.allclose(found["block 1"], first.flatten(1).numpy(), atol=1e-6)
    assert np.allclose(found["gender embedding"], gender.numpy(), atol=1e-6)
    assert found["block 1"].shape == (5, 4 * 9) and found["block 4"].shape == (5, 8)


def test_frozen_blocks_keep_weights_and_statistics_and_the_others_learn() -> None:
    config = transfer.Config(**{**QUICK, "frozen": 2})
    experiment = transfer.build_on(config, made_faces("utkface", 48, side=16))
    experiment.place(Processes())
    before = {name: value.clone() for name, value in experiment.net.state_dict().items()}
    experiment.train()
    for batch in experiment.batches.epoch(0):
        experiment.step(batch)
    after = experiment.net.state_dict()

    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any(name.startswith(("trunk.0.", "trunk.1.")) for name in moved)
    assert any(name.startswith("trunk.2.") and "running_mean" in name for name in moved)
    assert any(name.startswith("head.") for name in moved)


def test_from_scratch_forgets_what_was_learned() -> None:
    net, _ = tiny()
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(7.0)
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.fill_(7.0)
    forget(net)
    assert all(not (weight == 7.0).any() for weight in net.parameters())
    assert not any((value == 7.0).any() for name, value in net.named_buffers() if "mean" in name)


def test_it_learns_a_repeated_batch() -> None:
    experiment = transfer.build_on(transfer.Config(**QUICK, dropout=0.0), made_faces("utkface", 48, side=16))
    experiment.place(Processes())
    experiment.train()
    batch = next(iter(experiment.batches.epoch(0)))
    first = float(experiment.step(batch)["task"])
    for _ in range(20):
        last = float(experiment.step(batch)["task"])
    assert last < 0.7 * first


def test_a_study_makes_every_row_once(tmp_path: Path) -> None:
    config = transfer.Config(**{**QUICK, "task": "identity"})
    one = TransferStudy(config, people(persons=3), tmp_path)
    wanted = list(one.missing())
    assert wanted[0] == "SVM on block 1" and wanted[-2:] == ["fine-tuned, blocks frozen: 3", "from scratch"]
    one.make_machines()
    one.fine_tune("fine-tuned, blocks frozen: 3")
    again = TransferStudy(config, people(persons=3), tmp_path)

    assert list(again.missing()) == [
        "fine-tuned, blocks frozen: 0",
        "fine-tuned, blocks frozen: 1",
        *wanted[-3:-2],
        "from scratch",
    ]
    row = json.loads((tmp_path / "rows.json").read_text())["rows"]["SVM on block 1"]
    assert row["features"] == 36 and row["accuracy"]["count"] == 6 and 0 <= row["accuracy"]["value"] <= 1
    assert "| SVM on block 1 |" in again.table()
    frozen = again.rows["fine-tuned, blocks frozen: 3"]["trained_weights"]
    net, _ = tiny()
    last = sum(weight.numel() for weight in blocks(net.trunk)["block 4"].parameters())
    assert frozen == last + (8 + 1) * 3
    with pytest.raises(RecipeError, match="expected rows of these settings"):
        TransferStudy(replace(config, epochs=2), people(persons=3), tmp_path)


def test_an_svm_tells_apart_what_is_easy(tmp_path: Path) -> None:
    faces = made_faces("utkface", 96, side=16)
    bright = replace(faces, pixels=np.repeat(np.nan_to_num(faces.female).astype(np.uint8) * 200, 256))
    one = TransferStudy(transfer.Config(**QUICK), bright, tmp_path)
    one.make_machines()
    assert one.rows["SVM on block 1"]["accuracy"]["value"] == 1.0


def test_a_run_is_measured_and_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "load_prepared", lambda name, data, cache: made_faces(name, 48, side=16))
    config = transfer.Config(**QUICK)
    net = fit(transfer.build(config), tmp_path, progress=False, draw=False)
    assert "gender from multitask: test accuracy" in transfer.finish(config, net, tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["accuracy"]["count"] == 16
    with pytest.raises(RecipeError, match="export: expected"):
        transfer.export(config, net, tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"task": "hair"}, "task: expected one of"),
        ({"optimizer": "lbfgs"}, "optimizer: expected sgd or adam"),
        ({"scratch": True, "frozen": 1}, "no frozen block where nothing is kept"),
        ({"dropout": 1.0}, "dropout, weight_decay"),
        ({"epochs": 0}, "epochs, batch"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        transfer.Config(**settings)


def test_more_frozen_blocks_than_there_are_is_one_clear_line() -> None:
    net, spec = tiny()
    with pytest.raises(RecipeError, match="at most the 4 blocks of the network, found 5"):
        transferred(net, spec.channels, spec.size, 2, 0.5, 5, False)
