"""`python -m training run`: an encoder, a column on it, a second one that listens to it, what they leave, bad input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from engines.card import EMOTIONS, InputSpec, load_card
from engines.engine import load_engine
from tests.training.made_faces import made_faces
from training.commands import run
from training.errors import RecipeError
from training.fitting.checkpoints import CONFIG, averaged_weights
from training.fitting.loop import fit
from training.fitting.processes import Processes
from training.progressive.bases import read_base
from training.progressive.columns import ColumnSettings
from training.progressive.network import ColumnPlan, ProgressiveNet
from training.progressive.outputs import engine_card
from training.recipes import began, progressive
from training.settings import with_settings

COLUMN = ["column.filters=[6,8]", "column.blocks=2", "column.convolutions=1", "column.hidden=10"]
ENCODER = ["encoder.size=16", "encoder.filters=[4,4,4,8]", "encoder.latent=6", "encoder.decoder_filters=4"]
QUICK = ["epochs=2", "batch=8", "learning_rate=0.005", "bfloat16=false", "device=cpu"]


@pytest.fixture(scope="module", autouse=True)
def made() -> Iterator[None]:
    """Every set is made of random pixels."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (run, began, progressive):
            patch.setattr(module, "load_prepared", lambda name, data, cache: made_faces(name, 96, side=16))
        yield


@pytest.fixture(scope="module")
def trained_encoder(made: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run of a tiny BEGAN."""
    folder = tmp_path_factory.mktemp("runs") / "encoder"
    config = replace(
        with_settings(began.Config(), [*ENCODER, "epochs=1", "bfloat16=false", "device=cpu"]),
        shares={"ferplus": 4, "utkface": 4},
    )
    experiment = began.build(config)
    experiment.config = {"recipe": "began", **experiment.config}
    fit(experiment, folder, progress=False, draw=False)
    return folder


@pytest.fixture(scope="module")
def two_tasks(trained_encoder: Path) -> tuple[Path, Path]:
    """Return the runs of gender alone, which is not exported, and of emotion, which listens to it."""
    out = trained_encoder.parent
    config = with_settings(progressive.Config(base=str(trained_encoder), task="gender"), [*COLUMN, *QUICK])
    experiment = progressive.build(progressive.prepare(config, out))
    experiment.config = {"recipe": "progressive", **experiment.config}
    fit(experiment, out / "gender", progress=False, draw=False)
    return out / "gender", train(out / "emotion", f"base={out / 'gender'}", "task=emotion")


@pytest.fixture
def encoder_run(trained_encoder: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny BEGAN's run, which a test may damage."""
    return Path(shutil.copytree(trained_encoder, tmp_path / "encoder"))


def train(out: Path, *settings: str) -> Path:
    """Run the recipe; return its folder."""
    assert run.run_recipe("progressive", out, out, out, [*COLUMN, *QUICK, *settings]) == 0
    return out


def network_of(folder: Path) -> ProgressiveNet:
    """Return a run's network."""
    saved = json.loads((folder / CONFIG).read_text())
    saved.pop("recipe")
    net = progressive.build_net(run.config_from_json(progressive.Config, saved))
    net.load_state_dict(averaged_weights(folder))
    return net.eval()


def test_a_second_task_is_one_command_that_leaves_the_first_as_it_was(
    trained_encoder: Path, two_tasks: tuple[Path, Path]
) -> None:
    first, second = two_tasks
    before, after = averaged_weights(first), averaged_weights(second)

    assert all(torch.equal(value, after[name]) for name, value in before.items())
    encoder = averaged_weights(trained_encoder)
    assert torch.equal(after["encoder.blocks.0.weight"], encoder["discriminator.encoder.blocks.0.weight"]), (
        "the encoder was frozen"
    )
    image = torch.randn(4, 1, 16, 16)
    assert torch.equal(network_of(first)(image)["gender"], network_of(second)(image)["gender"])
    report = json.loads((second / "report.json").read_text())
    assert report["sources"] == ["gender"] and report["task"] == "emotion" and report["set"] == "ferplus"
    assert report["gain"]["value"] == pytest.approx(
        report["accuracy"]["value"] - report["accuracy_alone"]["value"], abs=1e-4
    )
    assert (second / "figure5.png").read_bytes().startswith(b"\x89PNG")
    alone = averaged_weights(second / "alone")
    assert not any("lateral" in name for name in alone if name.startswith("columns.emotion"))
    assert any("lateral" in name for name in after if name.startswith("columns.emotion"))


def test_the_exported_files_say_what_the_network_says(two_tasks: tuple[Path, Path]) -> None:
    model = two_tasks[1] / "model"
    about = json.loads((model / "columns.json").read_text())
    session = onnxruntime.InferenceSession(model / "columns.onnx")
    image = np.random.default_rng(1).standard_normal((3, 1, 16, 16)).astype(np.float32)
    names = [output.name for output in session.get_outputs()]
    said = dict(zip(names, session.run(None, {"image": image}), strict=True))

    assert [column["name"] for column in about["columns"]] == ["gender", "emotion"]
    assert about["columns"][1]["sources"] == ["gender"]
    for name, logits in network_of(two_tasks[1])(torch.from_numpy(image)).items():
        assert said[name] == pytest.approx(logits.detach().numpy(), abs=0.02)
    card = load_card(model)
    assert [head.task for head in card.heads] == ["gender", "emotion"]
    assert "data" not in card.recipe["config"] and card.recipe["config"]["base"] == "gender"
    chips = np.random.default_rng(2).integers(0, 256, (2, 16, 16), dtype=np.uint8)
    with load_engine(model, backend="onnxruntime") as engine:
        probs = engine.infer(chips)["emotion"]
    shown = torch.from_numpy((chips[:, None] / np.float32(255) - 0.5) / np.float32(0.25))
    wanted = network_of(two_tasks[1])(shown)["emotion"].softmax(dim=1).detach().numpy()
    assert probs == pytest.approx(wanted, abs=0.02)


def test_a_run_is_exported_again(two_tasks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    monkeypatch.setattr(
        progressive, "export_columns", lambda net, spec, about, folder: seen.update(net=net, folder=folder)
    )
    run.export_run(two_tasks[1], two_tasks[1] / "again")
    weights = averaged_weights(two_tasks[1])
    assert seen["folder"] == two_tasks[1] / "again"
    assert all(torch.equal(value, weights[name]) for name, value in seen["net"].state_dict().items())


def test_the_program_understands_some_columns() -> None:
    settings = ColumnSettings()
    ages = ColumnPlan("age_group", "age_group", ("young", "old"), (), settings)
    first, second = (ColumnPlan(name, "emotion", EMOTIONS, (), settings) for name in ("first", "second"))
    assert engine_card([ages], InputSpec(size=32), {}) is None
    card = engine_card([ages, first, second], InputSpec(size=32), {})
    assert [(head.output, head.task) for head in card.heads] == [("second", "emotion")]


def test_a_column_learns_a_repeated_batch(encoder_run: Path) -> None:
    config = with_settings(
        progressive.Config(base=str(encoder_run)), [*COLUMN, *QUICK, "learning_rate=0.005", "task=gender"]
    )
    experiment = progressive.build_on(config, made_faces("utkface", 96, side=16))
    experiment.place(Processes())
    experiment.train()
    batch = next(iter(experiment.batches.epoch(0)))
    first = float(experiment.step(batch)["gender"])
    for _ in range(30):
        last = float(experiment.step(batch)["gender"])

    assert last < 0.8 * first
    assert batch["image"].shape[1] == 8, "the frozen encoder's maps were computed once"


def test_encoder_and_column_can_be_trained_from_nothing(tmp_path: Path) -> None:
    config = with_settings(
        progressive.Config(retrain_encoder=True, task="gender"), [*COLUMN, *QUICK, *ENCODER, "epochs=1"]
    )
    config = progressive.prepare(config, tmp_path)
    untrained = progressive.build_net(config).state_dict()
    experiment = progressive.build(config)
    experiment.config = {"recipe": "progressive", **experiment.config}
    fit(experiment, tmp_path, progress=False, draw=False)
    name = "encoder.blocks.0.weight"
    assert not torch.equal(untrained[name], averaged_weights(tmp_path)[name])
    assert read_base(tmp_path).plans[0].name == "gender"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ['sources=["nobody"]'],
            "sources of gender: expected some of the columns that are there .none., found 'nobody'",
        ),
        (["sources=age"], "sources: expected a list"),
        (["task=hair"], "task: expected one of"),
        (["encoder.size=32"], "encoder: expected the base's sizes"),
        (["epochs=0"], "epochs, patience, batch, learning_rate"),
        (["column.adapter=0"], "column.adapter: expected"),
    ],
)
def test_wrong_settings_are_one_clear_line(
    encoder_run: Path, tmp_path: Path, settings: list[str], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        train(tmp_path / "out", f"base={encoder_run}", "task=gender", *settings)


def test_a_base_that_is_none_is_one_clear_line(encoder_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="base: expected the folder of a run"):
        train(tmp_path / "out")
    with pytest.raises(RecipeError, match=r"found no config\.json that can be read"):
        train(tmp_path / "out", f"base={tmp_path}")
    saved = json.loads((encoder_run / CONFIG).read_text())
    (encoder_run / CONFIG).write_text(json.dumps({**saved, "recipe": "bknet"}))
    with pytest.raises(RecipeError, match="expected a run of began or progressive, found one of bknet"):
        train(tmp_path / "out", f"base={encoder_run}")
    saved["encoder"]["filters"] = [4, 4, 4, 6]
    (encoder_run / CONFIG).write_text(json.dumps(saved))
    with pytest.raises(
        RecipeError, match=r"expected weights of the encoder and columns in its config\.json, found others"
    ):
        train(tmp_path / "out", f"base={encoder_run}")


def test_a_run_of_began_can_not_be_exported(encoder_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="train a column on it"):
        run.export_run(encoder_run, tmp_path / "model")
