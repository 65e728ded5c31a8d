from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.card import InputSpec
from training.commands.run import _history
from training.errors import RecipeError
from training.nets import mobilefacenet
from training.trained.pretrained import load_pretrained

PLAN = ((8, 16, 8, 2), (8, 16, 8, 1))
SMALL = {"stem": 8, "plan": PLAN, "last": 16, "size": 32}


def write(path: Path, channels: int = 3) -> mobilefacenet.MultiTaskNet:
    net = mobilefacenet.build(channels=channels, **SMALL)
    state = {name: value for name, value in net.trunk.state_dict().items() if not name.startswith("norm.")}
    torch.save({"plan": list(PLAN), "state": {**state, "lin.0.conv.weight": torch.zeros(1)}}, path)
    return net


def test_a_gray_network_says_what_the_file_says_of_three_equal_channels(tmp_path: Path) -> None:
    theirs = write(tmp_path / "faces.pt").eval()
    ours = mobilefacenet.build(channels=1, **SMALL).eval()
    load_pretrained(ours, tmp_path / "faces.pt", InputSpec(size=32))

    pixels = torch.randint(0, 256, (2, 1, 32, 32)).float()
    found = ours.features((pixels / 255 - 0.5) / 0.25)
    wanted = theirs.features(((pixels - 127.5) / 128).expand(-1, 3, -1, -1))
    assert torch.allclose(found, wanted, atol=1e-4)


def test_the_first_layer_that_differs_is_named(tmp_path: Path) -> None:
    write(tmp_path / "faces.pt")
    net = mobilefacenet.build(channels=1, **{**SMALL, "plan": ((8, 16, 8, 2), (8, 24, 8, 1))})
    with pytest.raises(
        RecipeError, match=r"found that blocks\.1\.m\.0\.act\.weight is \(16,\) where the network has \(24,\)"
    ):
        load_pretrained(net, tmp_path / "faces.pt", InputSpec(size=32))


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04"])
def test_a_file_without_weights_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "faces.pt").write_bytes(content)
    with pytest.raises(
        RecipeError, match=r"faces\.pt: expected a file with the weights of a network, found none"
    ):
        load_pretrained(mobilefacenet.build(**SMALL), tmp_path / "faces.pt", InputSpec(size=32))


def test_a_file_that_runs_code_is_refused(tmp_path: Path) -> None:
    torch.save({"state": {"stem.0.conv.weight": print}}, tmp_path / "faces.pt")
    with pytest.raises(RecipeError, match="found none"):
        load_pretrained(mobilefacenet.build(**SMALL), tmp_path / "faces.pt", InputSpec(size=32))


def test_a_card_tells_the_file_that_a_training_started_from(tmp_path: Path) -> None:
    write(tmp_path / "faces.pt")
    found = _history(str(tmp_path / "faces.pt"))
    assert found["weights"] == "faces.pt" and len(found["sha256"]) == 64
