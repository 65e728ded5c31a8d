"""Columns: the layers of table III, lateral connections, and earlier columns that stay as they are."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.errors import RecipeError
from training.progressive.autoencoder import EncoderSettings
from training.progressive.columns import Column, ColumnSettings
from training.progressive.network import ColumnPlan, ProgressiveNet

ENCODER = EncoderSettings(size=16, filters=(4, 4, 4, 8), latent=6, decoder_filters=4)
SMALL = ColumnSettings(filters=(6, 8), blocks=2, convolutions=2, hidden=10)


def plan(name: str, sources: tuple[str, ...] = (), settings: ColumnSettings = SMALL) -> ColumnPlan:
    """Return the plan of a column of three classes."""
    return ColumnPlan(name, "emotion", ("a", "b", "c"), sources, settings)


def network(*plans: ColumnPlan) -> ProgressiveNet:
    """Return a network with these columns."""
    torch.manual_seed(1)
    net = ProgressiveNet(ENCODER)
    for one in plans:
        net.add(one)
    return net


def train(net: ProgressiveNet, column: str, steps: int = 4) -> None:
    """Train one column on noise."""
    net.train_only(column)
    optimizer = torch.optim.SGD(
        [weight for weight in net.parameters() if weight.requires_grad], lr=0.1, momentum=0.9
    )
    net.train()
    for step in range(steps):
        image = 2 * torch.randn(6, 1, 16, 16, generator=torch.Generator().manual_seed(step)) + 1
        loss = functional.cross_entropy(net(image)[column], torch.tensor([0, 1, 2, 0, 1, 2]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()


def test_a_column_has_the_layers_of_table_iii() -> None:
    column = Column(256, 16, 8, ColumnSettings())
    found = [layer.out_channels for layer in column.modules() if isinstance(layer, torch.nn.Conv2d)]
    layers = column.eval()(torch.zeros(1, 256, 16, 16))

    assert found == [128, 128, 128, 256, 256, 256] * 4
    assert [tuple(layer.shape[1:]) for layer in layers[:-2]] == [
        *[(128, 16, 16), (256, 16, 16)] * 2,
        *[(128, 16, 16), (256, 8, 8)],
        *[(128, 8, 8), (256, 4, 4)],
    ]
    assert layers[-2].shape == (1, 200) and layers[-1].shape == (1, 8)


def test_a_lateral_connection_is_the_equation() -> None:
    torch.manual_seed(1)
    settings = ColumnSettings(filters=(6, 8), blocks=1, convolutions=1, hidden=10, batch_norm=False)
    column = Column(8, 4, 3, settings, [settings, settings]).eval()
    encoded = torch.randn(2, 8, 4, 4)
    heard = [Column(8, 4, 3, settings).eval()(encoded) for _ in range(2)]
    layers = column(encoded, heard)

    row = column.rows[1]
    adapted = functional.relu(row.lateral.adapter(torch.cat([heard[0][0], heard[1][0]], dim=1)))
    assert adapted.shape[1] == 3, "half of the six channels of one source"
    assert row.lateral.adapter.kernel_size == (1, 1)
    total = functional.relu(row.first(layers[0]) + row.lateral.onward(adapted))
    assert torch.allclose(layers[1], functional.max_pool2d(total, 3, 2, 1), atol=1e-6)
    assert column.rows[0].lateral is None, "the encoder's maps are every column's own input"


def test_earlier_columns_do_not_change_by_one_bit_when_a_new_one_learns() -> None:
    net = network(plan("first"), plan("second", ("first",)))
    train(net, "first")
    image = torch.randn(5, 1, 16, 16)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    said = {name: logits.clone() for name, logits in net(image).items()}
    train(net, "second")
    net.add(plan("third", ("second", "first")))
    train(net, "third")

    after = net.state_dict()
    statistics = [
        name for name in before if name.endswith(("running_mean", "running_var", "num_batches_tracked"))
    ]
    kept = [name for name in before if not name.startswith("columns.second")]
    assert any(name.startswith("columns.first") for name in statistics)
    assert all(torch.equal(before[name], after[name]) for name in kept)
    moved = [
        name
        for name in before
        if name.startswith("columns.second") and not torch.equal(before[name], after[name])
    ]
    assert any("running_mean" in name for name in moved) and any("lateral.adapter" in name for name in moved)
    assert torch.equal(said["first"], net(image)["first"])
    assert not torch.equal(said["second"], net(image)["second"])


def test_a_column_hears_its_sources_and_no_others() -> None:
    net = network(plan("first"), plan("second"), plan("third", ("second",))).eval()
    image = torch.randn(2, 1, 16, 16)
    before = net(image)
    with torch.no_grad():
        for weight in net.columns["first"].parameters():
            weight.add_(0.1)
    assert torch.equal(before["third"], net(image)["third"])
    with torch.no_grad():
        for weight in net.columns["second"].parameters():
            weight.add_(0.1)
    assert not torch.equal(before["third"], net(image)["third"])
    assert net.needed(["third"]) == ["second", "third"]


def test_encoded_maps_stand_for_the_images_they_are_of() -> None:
    net = network(plan("first"), plan("second", ("first",))).eval()
    image = torch.randn(2, 1, 16, 16)
    assert torch.equal(net(image)["second"], net(net.encoder.maps(image))["second"])


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (plan("third", ("nobody",)), r"sources of third: .*\(first, second\), found 'nobody'"),
        (plan("first"), "expected a new plain name, found 'first'"),
        (plan("a b"), "expected a new plain name, found 'a b'"),
        (plan("third", ("first",), ColumnSettings(blocks=1)), "column.blocks: expected 2 as in the source"),
    ],
)
def test_a_column_that_does_not_fit_is_refused(new: ColumnPlan, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        network(plan("first"), plan("second")).add(new)


def test_an_encoder_that_columns_read_stays_frozen() -> None:
    net = network(plan("first"), plan("second"))
    with pytest.raises(RecipeError, match="they would no longer say what they said"):
        net.train_only("second", encoder=True)
    alone = network(plan("first"))
    alone.train_only("first", encoder=True)
    assert all(weight.requires_grad for weight in alone.parameters())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"filters": (3,)}, "two numbers"),
        ({"blocks": 0}, "at least 1"),
        ({"dropout": 1.0}, "0 to below 1"),
        ({"adapter": 0.0}, "above 0 to 1"),
    ],
)
def test_sizes_that_cannot_be_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ColumnSettings(**settings)


def test_a_plan_survives_json_and_a_malformed_one_is_refused() -> None:
    one = plan("third", ("first",))
    assert ColumnPlan.from_dict(one.as_dict()) == one
    with pytest.raises(RecipeError, match="expected name, task, labels"):
        ColumnPlan.from_dict({"name": "x"})
