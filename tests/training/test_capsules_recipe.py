"""Capsules trained: the recipe, the export, the study and the bench."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.engine import load_engine
from tests.training.capsule_nets import SMALL, small_net
from tests.training.made_faces import made_faces
from training.errors import RecipeError
from training.exporting.export import export_model
from training.fitting.loop import fit
from training.recipes import capsules
from training.studies.capsule_routing.command import bench_routing
from training.studies.capsules.cells import CNN, VARIANTS, Cell, Settings, cells
from training.studies.capsules.command import run_study
from training.studies.capsules.faces import labels, rotated_images, turned_group
from training.studies.capsules.pictures import reconstruction_picture
from training.studies.capsules.results import claims, loss_by_turning


def tiny_config(**settings: object) -> capsules.Config:
    shared = {
        "epochs": 2,
        "size": 16,
        "net_settings": SMALL,
        "bfloat16": False,
        "device": "cpu",
        "shares": {"ferplus": 4, "utkface": 4},
        "decoder_hidden": (16,),
    }
    return capsules.Config(**{**shared, **settings})


@pytest.mark.parametrize("reconstruction", ["none", "pixels", "gabor"])
def test_recipe_trains_the_decoder_and_raises_the_margin(reconstruction: str, tmp_path: Path) -> None:
    config = tiny_config(reconstruction=reconstruction, tasks=("age", "emotion"), keep_last=0)
    sets = {name: made_faces(name, side=16) for name in config.shares}
    experiment = capsules.build_on(config, sets)
    before = [p.clone() for p in experiment.loss.decoder.parameters()] if experiment.loss.decoder else []

    fit(experiment, tmp_path, progress=False)

    assert int(experiment.loss.margin.done) == 2 * experiment.batches.steps
    curves = (tmp_path / "curves.csv").read_text().splitlines()[0]
    assert ("loss_reconstruction" in curves) == (reconstruction != "none")
    assert "loss_age_groups" in curves
    after = list(experiment.loss.decoder.parameters()) if before else []
    assert all(not torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_stopped_run_goes_on_with_the_same_margin(tmp_path: Path) -> None:
    config = tiny_config(tasks=("emotion",), shares={"ferplus": 4})
    faces = {"ferplus": made_faces("ferplus", side=16)}
    fit(dataclasses.replace(capsules.build_on(config, faces), epochs=1), tmp_path, progress=False)
    resumed = capsules.build_on(config, faces)
    fit(resumed, tmp_path, progress=False)
    assert int(resumed.loss.margin.done) == 2 * resumed.batches.steps


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reconstruction": "edges"}, "reconstruction: expected one of none, pixels, gabor, found 'edges'"),
        ({"margin_share": 0}, "margin_share: expected 0 or more, 0 or more, and above 0 to 1"),
        ({"first_margin": 0.99}, "expected 0 < first <= last <= 1, found 0.99, 0.95"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        capsules.Config(**settings)


def test_a_network_without_capsules_is_refused() -> None:
    config = dataclasses.replace(tiny_config(net="fast_face"), net_settings={"widths": (8, 8, 8, 8)})
    with pytest.raises(RecipeError, match="net: expected one of capsules such as matrix_capsules"):
        capsules.build_on(config, {name: made_faces(name, side=16) for name in config.shares})


def test_exported_capsules_give_the_same_numbers_in_the_program(tmp_path: Path) -> None:
    config = tiny_config(tasks=("emotion",))
    net = small_net().eval()
    chips = np.random.default_rng(1).integers(0, 256, (3, 16, 16), dtype=np.uint8)

    card = export_model(net, capsules.draft_card(config), tmp_path / "model")
    with load_engine(tmp_path / "model", backend="onnxruntime") as engine:
        said = engine.infer(chips)

    images = (torch.from_numpy(chips).float()[:, None] / 255 - card.input.mean) / card.input.std
    with torch.inference_mode():
        wanted = net(images)["emotion"].softmax(dim=1).numpy()
    assert said["emotion"] == pytest.approx(wanted, abs=2e-3)
    assert np.ptp(wanted) > 0.01, "the network tells classes apart"


def test_rotated_faces_turn_around_the_centre() -> None:
    faces = made_faces("ferplus", side=16)
    spec = capsules.input_spec(tiny_config())
    upright, turned, back = (
        rotated_images(faces, np.array([1, 2]), spec, False, angle) for angle in (0, 90, 360)
    )
    assert np.allclose(upright, back)
    assert np.allclose(turned[0, 0], np.rot90(upright[0, 0]), atol=0.05)


def test_labels_are_the_most_voted_emotion_or_the_age_group() -> None:
    faces = made_faces("utkface")
    assert labels(faces, "age")[:8].tolist() == [1, 3, 4, -1, -1, -1, 7, 7]  # 5, 15, ... 75 years
    assert labels(made_faces("ferplus"), "emotion")[:8].tolist() == list(range(8))
    assert (labels(faces, "emotion") == -1).all()
    assert (turned_group(faces, np.arange(3)) == -1).all(), "no mesh, no group"


def test_claims_hold_only_where_the_interval_says_so() -> None:
    random = np.random.default_rng(1)
    subjects = np.arange(300).astype(str)
    worse = (random.random((3, 300)) < 0.4).astype(float)
    better = np.maximum(worse, random.random((3, 300)) < 0.5)
    found = {
        claim.text: claim for claim in claims({"capsnet2": better, "capsnet": worse, CNN: better}, subjects)
    }

    assert found["one more convolution at the head helps"].answer == "holds"
    assert found["capsules beat a CNN of as many parameters"].answer == "can't be told"
    (reverse,) = claims({"capsnet2": worse, "capsnet": better}, subjects)
    assert reverse.answer == "does not hold: it is worse"
    gap = loss_by_turning({"capsnet2": worse, CNN: better}, {"capsnet2": worse, CNN: worse}, subjects)
    assert gap.difference == pytest.approx((better - worse).mean())


def test_the_study_goes_on_where_it_stopped_and_tells_what_lacks(tmp_path: Path) -> None:
    settings = Settings(
        faces=8, measured=8, epochs=1, batch=4, kinds=(2, 2, 2), iterations=1, cnn_widths=(4, 4, 4, 4)
    )
    sets = {name: made_faces(name) for name in ("ferplus", "utkface", "ckplus")}
    with pytest.raises(RecipeError, match="expected at least one training, found none; give it more minutes"):
        run_study(settings, sets, tmp_path, [1], minutes=0)

    text = run_study(settings, sets, tmp_path, [1])
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("cells/*/done.json")}
    again = run_study(settings, sets, tmp_path, [1])

    assert again == text and len(files) == len(cells((1,))) == 18
    assert files == {path: path.stat().st_mtime_ns for path in files}, "nothing is trained twice"
    assert all(VARIANTS[variant].title in text for variant in VARIANTS)
    assert "GF-CapsNet beats a CNN of as many parameters: " in text
    assert (tmp_path / "ferplus-gf_capsnet2_gabor-1.png").is_file()
    with pytest.raises(RecipeError, match="found one with other"):
        run_study(dataclasses.replace(settings, epochs=2), sets, tmp_path, [1])


def test_study_settings_and_cells() -> None:
    with pytest.raises(ValueError, match="epochs: expected above 0, found 0"):
        Settings(epochs=0)
    assert Cell("cnn", "utkface", 2).task == "age"
    assert len(set(cells((1, 2)))) == 36


def test_bench_measures_every_way() -> None:
    rows = bench_routing(kinds=1, parents=2, iterations=1, images=2, rounds=1)
    assert [row.name for row in rows] == ["plain loops", "vectorised", "vectorised, last only", "convolution"]
    assert all(0 < row.forward_ms <= row.both_ms for row in rows)
    assert rows[1].kept_mib > 0 and rows[0].parameters == rows[1].parameters


def test_reconstructions_need_a_decoder(tmp_path: Path) -> None:
    config = tiny_config(reconstruction="none", tasks=("emotion",), shares={"ferplus": 4})
    experiment = capsules.build_on(config, {"ferplus": made_faces("ferplus", side=16)})
    with pytest.raises(ValueError, match="expected a capsule network and its decoder, found none"):
        reconstruction_picture(experiment.net, experiment.loss, torch.zeros(1, 1, 16, 16), tmp_path / "a.png")
