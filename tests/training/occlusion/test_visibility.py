from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engines.card import OCCLUSIONS, load_card
from engines.engine import load_engine
from engines.preprocess import ALIGNMENT_POINTS, points_matrix
from engines.visibility import VisibilityReader, moved_landmarks
from tests.training.occlusion.meshed_faces import mesh_of, meshed_faces
from training.exporting.export import export_model
from training.measuring.visibility_figures import visibility_figures
from training.occlusion.visibility_faces import HEADSET, HIDDEN, MASK, NONE, Jitter, VisibilityFaces
from training.recipes import visibility

SMALL = {"blocks": ((4,), (8,), (8,), (8,)), "hidden": (16,), "size": 32, "bfloat16": False, "epochs": 1}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> visibility.Config:
    cache = str(tmp_path_factory.mktemp("cache"))
    return visibility.Config(
        cache=cache, shares={"ferplus": 12}, learning_rate=0.02, average_decay=0, **SMALL
    )


@pytest.fixture(scope="module")
def faces(config: visibility.Config) -> VisibilityFaces:
    spec = visibility.input_spec(config)
    return VisibilityFaces.load(meshed_faces("ferplus"), Path(config.cache), spec, Jitter())


def test_samples_are_of_every_kind_and_repeatable(faces: VisibilityFaces) -> None:
    position = int(faces.usable("train")[0])
    samples = [faces.sample(position, np.random.default_rng(seed)) for seed in range(80)]

    kinds = [kind for _, kind, _ in samples]
    assert set(kinds) == {NONE, HEADSET, MASK, HIDDEN}
    assert all(np.isnan(points).all() == (kind == HIDDEN) for _, kind, points in samples)
    again = faces.sample(position, np.random.default_rng(7))
    assert np.array_equal(again[0], samples[7][0]) and again[1] == samples[7][1]


def test_points_stand_where_the_mesh_is_also_on_mirrored_chips(faces: VisibilityFaces) -> None:
    position = int(faces.usable("train")[0])
    for seed in range(30):
        _, kind, points = faces.sample(position, np.random.default_rng(seed))
        if kind != HIDDEN:
            assert points[0, 0] < points[3, 0] and points[8, 0] < points[9, 0], (
                "the person's right is left on a chip"
            )
            assert points[[0, 3], 1].mean() < points[5, 1] < points[[8, 9], 1].mean()


def test_half_of_the_hidden_faces_are_cut_where_only_a_part_of_them_is_seen(faces: VisibilityFaces) -> None:
    position = int(faces.usable("train")[0])
    matrices = {
        lost: [faces._map(position, np.random.default_rng(seed), away=False, lost=lost) for seed in range(40)]
        for lost in (False, True)
    }
    sizes = {
        lost: np.median([np.linalg.norm(matrix[:, 0]) for matrix in found])
        for lost, found in matrices.items()
    }
    assert sizes[True] > 1.2 * sizes[False]


def test_recipe_learns_one_batch_and_exports_a_network_that_looks(
    config: visibility.Config, tmp_path: Path
) -> None:
    experiment = visibility.build_on(config, {"ferplus": meshed_faces("ferplus")})
    batch = next(iter(experiment.batches.epoch(0)))
    experiment.schedule = None
    experiment.net.train()
    first = sum(experiment.step(batch).values())
    for _ in range(25):
        last = sum(experiment.step(batch).values())

    assert last < 0.8 * first
    card = export_model(experiment.net.eval(), visibility.draft_card(config), tmp_path / "model")
    assert load_card(tmp_path / "model") == card
    figures = experiment.evaluate(experiment.net.eval())
    assert 0 <= figures["occlusion_accuracy"] <= 1 and any(
        name.startswith("points_error") for name in figures
    )
    reader = VisibilityReader(load_engine(tmp_path / "model", backend="onnxruntime"))
    picture = meshed_faces("ferplus").image(0)
    seen = reader.refine(picture, [points_matrix(mesh_of(48)[list(ALIGNMENT_POINTS), :2], card.input.size)])
    reader.close()
    assert seen.occlusion.shape == (1, 4) and seen.kinds()[0] in OCCLUSIONS
    assert seen.points.shape == (1, 10, 2) and np.isfinite(seen.points).all()


def test_the_untrained_network_puts_points_where_they_lie_on_an_aligned_chip() -> None:
    net = visibility.build_net(visibility.Config(**SMALL)).eval()
    with torch.inference_mode():
        points = net(torch.zeros(1, 1, 32, 32))["alignment"].numpy().reshape(10, 2)

    wanted = (mesh_of(48)[list(ALIGNMENT_POINTS), :2] + 0.5) / 48
    assert np.abs(points - wanted).max() < 0.1


def test_a_mesh_moves_as_a_whole_to_other_points() -> None:
    mesh = mesh_of(48)
    turn = np.float32([[1.2, -0.4], [0.4, 1.2]])
    wanted = mesh[list(ALIGNMENT_POINTS), :2] @ turn.T + np.float32([5, -3])

    moved = moved_landmarks(mesh, wanted)

    assert moved[:, :2] == pytest.approx(mesh[:, :2] @ turn.T + np.float32([5, -3]), abs=1e-2)
    assert moved[:, 2] == pytest.approx(mesh[:, 2] * np.sqrt(1.6), abs=1e-2)


def test_figures_count_kinds_and_measure_visible_points_alone() -> None:
    wanted = np.tile((mesh_of(48)[list(ALIGNMENT_POINTS), :2] + 0.5) / 48, (4, 1, 1)).astype(np.float32)
    points = wanted.copy()
    points[1, :5] += 0.3  # eyes and bridge, hidden by a headset
    points[2, 5:] += 0.3  # nose and mouth, hidden by a mask
    wanted[3] = np.nan
    probs = np.eye(4, dtype=np.float32)[[NONE, HEADSET, NONE, HIDDEN]]

    found = visibility_figures(probs, points, np.array([NONE, HEADSET, MASK, HIDDEN]), wanted, OCCLUSIONS)

    assert found["occlusion_accuracy"].value == 0.75 and found["occlusion_recall_mask"].value == 0
    for kind in ("none", "headset", "mask"):
        assert found[f"points_error_{kind}"].value == pytest.approx(0, abs=1e-6)
    assert "points_error_hidden" not in found
