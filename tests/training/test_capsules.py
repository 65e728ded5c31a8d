"""Capsule layers, networks, losses, the recipe and the study."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.engine import load_engine
from tests.training.made_faces import made_faces
from training.blocks.multi_task import parameter_count
from training.calibration import fold
from training.capsules.bench import bench_routing
from training.capsules.branches import ClassBranch, Packed, unpacked
from training.capsules.decoder import PoseDecoder, capsule_to_decode
from training.capsules.layers import POSE, Capsules, ClassCapsules, ConvolutionalCapsules
from training.capsules.loss import MarginSchedule
from training.capsules.pictures import reconstruction_picture
from training.capsules.routing import Routing
from training.capsules.study import run_study
from training.capsules.study_cells import CNN, VARIANTS, Cell, Settings, cells
from training.capsules.study_faces import labels, rotated_images, turned_group
from training.capsules.study_results import claims, loss_by_turning
from training.errors import RecipeError
from training.export import export_model
from training.loop import fit
from training.losses.gabor_reconstruction import GaborReconstructionLoss
from training.losses.spread import SpreadLoss
from training.nets import gf_capsnet, matrix_capsules
from training.recipes import capsules

torch.set_num_threads(1)

SMALL = {"convolutions": [[8, 5, 2]], "kinds": [2, 2, 3], "strides": [1, 1], "iterations": 2}


def children(count: int = 2, side: int = 3, kinds: int = 2, seed: int = 1) -> Capsules:
    generator = torch.Generator().manual_seed(seed)
    return Capsules(
        torch.randn(count, side**2, kinds, POSE, generator=generator),
        torch.rand(count, side**2, kinds, generator=generator),
    )


def small_net(**settings: object) -> torch.nn.Module:
    torch.manual_seed(1)
    return matrix_capsules.build({"emotion": 8}, 16, **{**SMALL, **settings})


# Layers


def test_a_vote_is_the_pose_times_the_transformation_of_place_kind_and_parent() -> None:
    torch.manual_seed(1)
    layer = ConvolutionalCapsules(2, 3, 3, 2, 1, Routing(1))
    given = children()

    votes, activations = layer.votes_of(given)

    for position in range(4):
        for place in range(4):
            child = int(layer.fields.children[position, place])
            for kind in range(2):
                pose = given.poses[1, child, kind].reshape(4, 4)
                for parent in range(3):
                    wanted = pose @ layer.weight[place * 2 + kind, :, parent]
                    found = votes[1, position, parent, place * 2 + kind].reshape(4, 4)
                    torch.testing.assert_close(found, wanted)
                assert activations[1, position, place * 2 + kind] == given.activations[1, child, kind]


def test_class_capsules_share_transformations_and_add_the_place_to_the_right_hand_column() -> None:
    torch.manual_seed(1)
    layer = ClassCapsules(2, 3, 2, Routing(1))
    same = Capsules(torch.ones(1, 4, 2, POSE), torch.ones(1, 4, 2))
    poses, logits = layer(same)

    assert poses.shape == (1, 3, POSE) and logits.shape == (1, 3)
    assert set(map(tuple, layer.coordinates.reshape(4, 2, 4, 4)[:, 0, :2, 3].tolist())) == {
        (0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75),
    }  # fmt: skip
    plain = (torch.ones(4, 4) @ layer.weight.permute(0, 2, 1, 3)).mean(dim=0).reshape(3, POSE)
    gap = (poses[0] - plain).reshape(3, 4, 4)
    torch.testing.assert_close(gap[:, :2, 3], torch.full((3, 2), 0.5), atol=1e-5, rtol=0)
    assert float(gap.detach().abs().sum()) == pytest.approx(3.0, abs=1e-4), "nothing else is added"


def test_packed_capsules_come_back_as_they_were() -> None:
    given = children()
    features = Packed(3)(given)
    back = unpacked(features)

    assert features.shape == (2, 2 * (POSE + 1), 3, 3)
    assert torch.equal(back.poses, given.poses) and torch.equal(back.activations, given.activations)


def test_more_classes_than_capsules() -> None:
    branch = ClassBranch(kinds=1, classes=101, side=1, routing=Routing(3))
    logits = branch(Packed(1)(children(side=1, kinds=1)))
    assert logits.shape == (2, 101) and torch.isfinite(logits).all()


def test_no_capsules_and_too_large_a_kernel_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one child and one parent, found 0 and 3"):
        ClassCapsules(0, 3, 2, Routing())
    with pytest.raises(ValueError, match="capsule fields: expected side >= kernel"):
        matrix_capsules.build({"emotion": 8}, 16, convolutions=((8, 5, 4),))
    with pytest.raises(ValueError, match="kinds, strides: expected three and two numbers"):
        matrix_capsules.build({"emotion": 8}, kinds=(8, 8))


# Networks


@pytest.mark.parametrize("level", [-2.0, 0.0, 2.0], ids=["black", "gray", "white"])
@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_constant_face_alone_gives_finite_answers_and_gradients(level: float, bfloat16: bool) -> None:
    net = small_net(iterations=3).eval()
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        logits = net(torch.full((1, 1, 16, 16), level))["emotion"]
    logits.float().square().sum().backward()

    assert torch.isfinite(logits).all()
    for name, parameter in net.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


def test_a_batch_of_one_reads_as_in_company() -> None:
    net = small_net().eval()
    images = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    together = net(images)["emotion"]
    torch.testing.assert_close(net(images[2:3])["emotion"], together[2:3], rtol=1e-4, atol=1e-5)


def test_answers_with_capsules_only_while_training_and_only_when_asked() -> None:
    net = small_net()
    image = torch.zeros(2, 1, 16, 16)
    assert set(net(image)) == {"emotion"}
    net.shows_capsules = True
    shown = net(image)
    assert shown["poses.emotion"].shape == (2, 8, POSE)
    assert torch.equal(shown["groups.emotion"], shown["emotion"])
    assert set(net.eval()(image)) == {"emotion"}


def test_the_network_of_the_papers_has_the_numbers_its_docstring_gives() -> None:
    counts = [parameter_count(gf_capsnet.build({"emotion": 8}, channels=channels)) for channels in (1, 33)]
    decoder = parameter_count(PoseDecoder(8, 48, 1))
    assert [round(count / 1e6, 2) for count in counts] == [0.45, 0.50]
    assert round((counts[1] + decoder) / 1e6, 1) == 3.5
    assert round((counts[1] + parameter_count(PoseDecoder(8, 128, 1))) / 1e6, 1) == 17.9


def test_a_temperature_divides_the_logits_of_a_capsule_branch() -> None:
    net = small_net().eval()
    image = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    before = net(image)["emotion"]
    fold(net.branches["emotion"], 4.0)
    torch.testing.assert_close(net(image)["emotion"], before / 4)


# Losses


def test_spread_loss_is_the_squared_shortfall_of_the_true_class() -> None:
    activations = torch.tensor([[0.9, 0.5, 0.2], [0.3, 0.3, 0.9]])
    target = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]])
    loss = SpreadLoss(margin=0.6)(activations.logit(), target)
    assert float(loss) == pytest.approx((0.2**2 + 0.0) / 2, abs=1e-6)
    with pytest.raises(ValueError, match="margin: expected above 0 and at most 1, found 0"):
        SpreadLoss(0)


def test_the_margin_rises_linearly_and_goes_on_from_its_state() -> None:
    margin = MarginSchedule(steps=4)
    first = [margin.next() for _ in range(3)]
    again = MarginSchedule(steps=4)
    again.load_state_dict(margin.state_dict())

    assert first == pytest.approx([0.05, 0.275, 0.5])
    assert [again.next() for _ in range(3)] == pytest.approx([0.725, 0.95, 0.95])
    with pytest.raises(ValueError, match="at least one step and 0 < first <= last <= 1"):
        MarginSchedule(0)


def test_gabor_reconstruction_forgives_what_the_filters_do_not_see() -> None:
    torch.manual_seed(1)
    face = torch.randn(2, 1, 12, 12)
    loss = GaborReconstructionLoss()
    edges = face.clone()
    edges[:, :, :, 6:] += 1
    assert float(loss(face, face)) < 1e-3
    assert float(loss(edges, face)) > 0.1
    wanted = torch.stack(
        [(loss.gabor(edges[i : i + 1]) - loss.gabor(face[i : i + 1])).square().mean().sqrt() for i in (0, 1)]
    )
    assert float(loss(edges, face)) == pytest.approx(float(wanted.mean()), rel=1e-4)
    with pytest.raises(ValueError, match="expected decoded and original pictures of one shape"):
        loss(face, face[:1])


def test_the_decoder_sees_the_chosen_capsule_alone() -> None:
    torch.manual_seed(1)
    decoder = PoseDecoder(classes=3, size=4, channels=1, hidden=(8,))
    poses = torch.randn(2, 3, POSE)
    chosen = torch.tensor([1, 2])
    picture = decoder(poses, chosen)
    changed = poses.clone()
    changed[0, [0, 2]] += 5
    assert picture.shape == (2, 1, 4, 4)
    assert torch.equal(decoder(changed, chosen), picture)
    changed[0, 1] += 5
    assert not torch.equal(decoder(changed, chosen)[0], picture[0])


def test_unlabelled_faces_are_decoded_from_their_most_active_capsule() -> None:
    logits = torch.tensor([[0.0, 2.0, 1.0], [0.0, 2.0, 1.0]])
    target = torch.tensor([[1.0, 0, 0], [torch.nan] * 3])
    assert capsule_to_decode(logits, target).tolist() == [0, 1]


# Recipe


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


# Study and bench


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
    with pytest.raises(RecipeError, match="expected these settings, found others"):
        run_study(dataclasses.replace(settings, epochs=2), sets, tmp_path, [1])


def test_study_settings_and_cells() -> None:
    with pytest.raises(ValueError, match="epochs: expected above 0, found 0"):
        Settings(epochs=0)
    assert Cell("cnn", "utkface", 2).task == "age"
    assert len(set(cells((1, 2)))) == 36


def test_bench_measures_every_way_and_the_loops_are_slowest() -> None:
    rows = bench_routing(kinds=1, parents=2, iterations=1, images=2, rounds=1)
    assert [row.name for row in rows] == ["plain loops", "vectorised", "vectorised, last only", "convolution"]
    assert all(0 < row.forward_ms <= row.both_ms for row in rows)
    assert rows[1].kept_mib > 0 and rows[0].parameters == rows[1].parameters


def test_reconstructions_need_a_decoder(tmp_path: Path) -> None:
    config = tiny_config(reconstruction="none", tasks=("emotion",), shares={"ferplus": 4})
    experiment = capsules.build_on(config, {"ferplus": made_faces("ferplus", side=16)})
    with pytest.raises(ValueError, match="expected a capsule network and its decoder, found none"):
        reconstruction_picture(experiment.net, experiment.loss, torch.zeros(1, 1, 16, 16), tmp_path / "a.png")
