"""Capsule layers, networks and losses."""

from __future__ import annotations

import pytest
import torch

from tests.training.capsule_nets import small_net
from training.blocks.capsules.branches import ClassBranch, Packed, unpacked
from training.blocks.capsules.decoder import PoseDecoder, capsule_to_decode
from training.blocks.capsules.layers import POSE, Capsules, ClassCapsules, ConvolutionalCapsules
from training.blocks.capsules.routing import Routing
from training.blocks.multi_task import parameter_count
from training.losses.gabor_reconstruction import GaborReconstructionLoss
from training.losses.spread import SpreadLoss
from training.measuring.calibration import fold
from training.multi_task.capsule_loss import MarginSchedule
from training.nets import gf_capsnet, matrix_capsules


def children(count: int = 2, side: int = 3, kinds: int = 2, seed: int = 1) -> Capsules:
    generator = torch.Generator().manual_seed(seed)
    return Capsules(
        torch.randn(count, side**2, kinds, POSE, generator=generator),
        torch.rand(count, side**2, kinds, generator=generator),
    )


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
