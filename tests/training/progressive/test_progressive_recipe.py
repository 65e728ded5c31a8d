"""`python -m training run`: an encoder, a column on it, a second one that listens to it, what they leave, bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from engines.card import load_card
from tests.training.made_faces import made_faces
from training import run
from training.checkpoints import CONFIG, averaged_weights
from training.errors import RecipeError
from training.loop import fit
from training.processes import Processes
from training.progressive.bases import read_base
from training.recipes import began, progressive
from training.settings import with_settings

COLUMN = ["column.filters=[6,8]", "column.blocks=2", "column.convolutions=1", "column.hidden=10"]
ENCODER = ["encoder.size=16", "encoder.filters=[4,4,4,8]", "encoder.latent=6", "encoder.decoder_filters=4"]
QUICK = ["epochs=2", "batch=8", "learning_rate=0.005", "bfloat16=false", "device=cpu"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every set is made of random pixels."""
    for module in (run, began, progressive):
        monkeypatch.setattr(module, "load_prepared", lambda name, data, cache: made_faces(name, 96, side=16))


@pytest.fixture
def encoder_run(made: None, tmp_path: Path) -> Path:
    """Return the run of a tiny BEGAN."""
    settings = [*ENCODER, "epochs=1", 'shares={"ferplus":4,"utkface":4}', "bfloat16=false", "device=cpu"]
    config = replace(with_settings(began.Config(), settings[:-2]), shares={"ferplus": 4, "utkface": 4})
    fit_config = replace(config, bfloat16=False, device="cpu")
    experiment = began.build(fit_config)
    experiment.config = {"recipe": "began", **experiment.config}
    fit(experiment, tmp_path / "encoder", progress=False)
    return tmp_path / "encoder"


def train(out: Path, *settings: str) -> Path:
    """Run the recipe; return its folder."""
    assert run.run_recipe("progressive", out, out, out, [*COLUMN, *QUICK, *settings]) == 0
    return out


def test_a_second_task_is_one_command_that_leaves_the_first_as_it_was(
    encoder_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = train(tmp_path / "gender", f"base={encoder_run}", "task=gender")
    second = train(tmp_path / "emotion", f"base={first}", "task=emotion")
    said = capsys.readouterr().out
    before, after = averaged_weights(first), averaged_weights(second)

    assert all(torch.equal(value, after[name]) for name, value in before.items())
    encoder = averaged_weights(encoder_run)
    assert torch.equal(after["encoder.blocks.0.weight"], encoder["discriminator.encoder.blocks.0.weight"]), (
        "the encoder was frozen"
    )
    report = json.loads((second / "report.json").read_text())
    assert report["sources"] == ["gender"] and report["task"] == "emotion" and report["set"] == "ferplus"
    assert report["gain"]["value"] == pytest.approx(
        report["accuracy"]["value"] - report["accuracy_alone"]["value"], abs=1e-4
    )
    assert "gain from gender" in said
    assert (second / "figure5.png").read_bytes().startswith(b"\x89PNG")
    assert not (first / "alone").exists(), "a column without sources has nothing to be compared with"
    alone = averaged_weights(second / "alone")
    assert not any("lateral" in name for name in alone if name.startswith("columns.emotion"))


def test_the_exported_files_say_what_the_network_says(encoder_run: Path, tmp_path: Path) -> None:
    first = train(tmp_path / "age", f"base={encoder_run}", "task=age_group")
    assert not (first / "model" / "card.json").exists(), "the program knows no age groups"
    second = train(tmp_path / "emotion", f"base={first}", "task=emotion", "alone=false")
    about = json.loads((second / "model" / "columns.json").read_text())
    session = onnxruntime.InferenceSession(second / "model" / "columns.onnx")
    image = np.random.default_rng(1).standard_normal((3, 1, 16, 16)).astype(np.float32)
    said = dict(
        zip(
            [output.name for output in session.get_outputs()],
            session.run(None, {"image": image}),
            strict=True,
        )
    )
    saved = json.loads((second / CONFIG).read_text())
    saved.pop("recipe")
    net = progressive.build_net(run.config_from_json(progressive.Config, saved))
    net.load_state_dict(averaged_weights(second))
    wanted = net.eval()(torch.from_numpy(image))

    assert [column["name"] for column in about["columns"]] == ["age_group", "emotion"]
    assert about["columns"][1]["sources"] == ["age_group"]
    for name, logits in wanted.items():
        assert said[name] == pytest.approx(logits.detach().numpy(), abs=0.02)
    card = load_card(second / "model")
    assert [head.task for head in card.heads] == ["emotion"]
    assert "data" not in card.recipe["config"] and card.recipe["config"]["base"] == "age"
    run.export_run(second, tmp_path / "again")
    assert (tmp_path / "again" / "columns.onnx").read_bytes() == (
        second / "model" / "columns.onnx"
    ).read_bytes()


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


def test_encoder_and_column_can_be_trained_from_nothing(made: None, tmp_path: Path) -> None:
    out = train(tmp_path / "scratch", *ENCODER, "base=", "retrain_encoder=true", "task=gender")
    saved = json.loads((out / CONFIG).read_text())
    saved.pop("recipe")
    untrained = progressive.build_net(run.config_from_json(progressive.Config, saved)).state_dict()
    assert not torch.equal(
        untrained["encoder.blocks.0.weight"], averaged_weights(out)["encoder.blocks.0.weight"]
    )
    assert read_base(out).plans[0].name == "gender"


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
