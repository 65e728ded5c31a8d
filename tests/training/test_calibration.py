from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax

from tests.training.made_faces import made_faces
from training.measuring.calibration import calibrate, calibration, fit_temperature, fold
from training.nets import fast_face
from training.recipes import multitask

WIDTHS = (8, 8, 16, 16)


def drawn(count: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose classes are drawn from the probabilities at a known temperature."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (count, 4)).astype(np.float32)
    probs = softmax(logits / temperature, axis=1)
    return logits, (probs.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_behind_the_labels_is_found(temperature: float) -> None:
    logits, labels = drawn(6000, temperature)

    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.08)
    with pytest.raises(ValueError, match="at least one"):
        fit_temperature(logits[:0], labels[:0])


def test_the_error_falls_on_the_half_that_was_not_fitted() -> None:
    logits, labels = drawn(4000, 2.5)

    found = calibration(logits, labels, np.arange(4000) % 2 == 0)

    assert found.error_before > 0.1 and found.error_after < 0.04 and found.count == 4000
    assert found.as_dict()["temperature"] == round(found.temperature, 5)


def test_a_folded_temperature_divides_the_logits() -> None:
    net = fast_face.build(widths=WIDTHS, size=16).eval()
    image = torch.randn(3, 1, 16, 16)
    before = net(image)

    fold(net.branches["emotion"], 2.0)

    after = net(image)
    assert torch.allclose(after["emotion"], before["emotion"] / 2, atol=1e-6)
    assert torch.equal(after["age"], before["age"])
    with pytest.raises(ValueError, match="linear"):
        fold(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()), 2.0)


def test_a_network_is_calibrated_on_validation_faces_and_keeps_its_answers() -> None:
    config = multitask.Config(size=16, net_settings={"widths": WIDTHS})
    net = multitask.build_net(config).eval()
    sets = {name: made_faces(name, count=96, side=16) for name in ("ferplus", "utkface", "ckplus")}
    image = torch.randn(5, 1, 16, 16)
    for task, factor in (("emotion", 30), ("gender", 40), ("smile", 1)):
        fold(net.branches[task], 1 / factor)
    before = net(image)

    found = calibrate(net, sets, multitask.input_spec(config), True)

    assert set(found) <= {"emotion", "gender"} and "emotion" in found, "no set gives smile"
    assert found["emotion"].count == len(sets["ferplus"].where("validation"))
    assert found["emotion"].error_after < found["emotion"].error_before
    after = net(image)
    ratio = before["emotion"] / after["emotion"]
    assert torch.allclose(ratio, torch.full_like(ratio, found["emotion"].temperature), rtol=1e-3)
    assert torch.equal(after["smile"], before["smile"])
    assert torch.equal(after["emotion"].argmax(dim=1), before["emotion"].argmax(dim=1))
