"""The BEGAN: layers of the tables, equilibrium, its step, what it writes, going on after a stop."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from tests.training.made_faces import made_faces
from training.errors import RecipeError
from training.fitting.checkpoints import CHECKPOINT
from training.fitting.loop import fit
from training.fitting.processes import Processes
from training.progressive.autoencoder import Began, EncoderSettings, reconstruction_error
from training.progressive.equilibrium import BeganExperiment, Equilibrium
from training.progressive.equilibrium_log import draw_equilibrium, read_equilibrium
from training.recipes import began

ROOT = Path(__file__).resolve().parents[3]
TINY = EncoderSettings(size=16, filters=(4, 4, 4, 8), latent=6, decoder_filters=4)


def tiny_experiment(folder: Path | None = None, **settings) -> BeganExperiment:
    """Return the experiment of a tiny BEGAN on made faces."""
    config = began.Config(
        encoder=TINY,
        shares={"ferplus": 2, "utkface": 2},
        bfloat16=False,
        device="cpu",
        folder=str(folder or ""),
        **{"epochs": 2, "learning_rate": 2e-3, **settings},
    )
    return began.build_on(config, {name: made_faces(name, 24, side=16) for name in config.shares})


def test_layers_are_those_of_the_paper() -> None:
    net = Began(EncoderSettings(size=128))
    widths = [layer.out_channels for layer in net.discriminator.encoder.blocks if hasattr(layer, "stride")]
    strides = [layer.stride[0] for layer in net.discriminator.encoder.blocks if hasattr(layer, "stride")]
    image = torch.zeros(1, 1, 128, 128)

    assert widths == [64, 64, 64, 128, 128, 128, 128, 128, 128, 128, 256, 256, 256]
    assert strides == [1, 1, 2, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1]
    assert net.discriminator.encoder.maps(image).shape == (1, 256, 16, 16)
    assert net.discriminator.encoder(image).shape == (1, 128)
    assert net.generator.entry.out_features == 1024
    assert net.generator(net.noise(2)).shape == (2, 1, 128, 128)
    convolutions = [layer for layer in net.generator.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [16] * 10 + [1]


def test_balance_follows_the_equation_and_stays_in_its_range() -> None:
    equilibrium = Equilibrium(gamma=0.5, rate=0.1)
    measure = equilibrium.update(torch.tensor(0.8), torch.tensor(0.1))

    assert float(equilibrium.balance) == pytest.approx(0.1 * (0.5 * 0.8 - 0.1))
    assert float(measure) == pytest.approx(0.8 + abs(0.5 * 0.8 - 0.1))
    assert equilibrium.convergence(0.8, 0.1) == pytest.approx(float(measure))
    for _ in range(3):
        equilibrium.update(torch.tensor(0.1), torch.tensor(5.0))
    assert float(equilibrium.balance) == 0
    for _ in range(30):
        equilibrium.update(torch.tensor(5.0), torch.tensor(0.0))
    assert float(equilibrium.balance) == 1


def test_a_step_gives_each_network_the_gradient_of_its_own_loss() -> None:
    experiment = tiny_experiment()
    experiment.place(Processes())
    net, equilibrium = experiment.net, experiment.equilibrium
    equilibrium.balance.fill_(0.3)
    batch = next(iter(experiment.batches.epoch(0)))

    torch.manual_seed(4)
    made = net.generator(net.noise(len(batch["image"])))
    real = reconstruction_error(batch["image"], net.discriminator(batch["image"])).mean()
    generated = reconstruction_error(made, net.discriminator(made)).mean()
    wanted_discriminator = torch.autograd.grad(
        real - 0.3 * generated, list(net.discriminator.parameters()), retain_graph=True
    )
    wanted_generator = torch.autograd.grad(generated, list(net.generator.parameters()))
    torch.manual_seed(4)
    experiment.step(batch)

    for part, wanted in ((net.discriminator, wanted_discriminator), (net.generator, wanted_generator)):
        for weight, gradient in zip(part.parameters(), wanted, strict=True):
            assert torch.allclose(weight.grad, gradient, atol=1e-6)
    assert float(equilibrium.balance) == pytest.approx(
        0.3 + equilibrium.rate * (0.5 * float(real.detach()) - float(generated.detach())), abs=1e-6
    )


def test_it_learns_to_rebuild_faces() -> None:
    experiment = tiny_experiment()
    experiment.place(Processes())
    batch = next(iter(experiment.batches.epoch(0)))
    first = float(experiment.step(batch)["convergence"])
    for _ in range(40):
        last = float(experiment.step(batch)["convergence"])

    assert last < 0.8 * first


def test_a_run_writes_curves_and_faces_and_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole = fit(tiny_experiment(epochs=2), tmp_path / "whole", progress=False)
    fit(tiny_experiment(tmp_path / "parts", epochs=1), tmp_path / "parts", progress=False)
    stopped = tiny_experiment(tmp_path / "parts", epochs=2)
    state = torch.load(tmp_path / "parts" / CHECKPOINT, weights_only=True)
    assert int(state["extra"]["equilibrium.steps"]) == state["epoch"] * stopped.batches.steps
    state["config"] = json.dumps(stopped.config, sort_keys=True)
    torch.save(state, tmp_path / "parts" / CHECKPOINT)
    resumed = fit(stopped, tmp_path / "parts", progress=False)

    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in resumed.state_dict().items())
    faces = tmp_path / "parts" / "faces"
    assert sorted(path.name for path in faces.iterdir()) == [
        "generated_0001.png",
        "generated_0002.png",
        "reconstructed_0001.png",
        "reconstructed_0002.png",
    ]
    shown = cv2.imread(str(faces / "reconstructed_0001.png"), cv2.IMREAD_GRAYSCALE)
    assert shown.shape[1] == 8 * 18 - 2 and shown.std() > 5


def test_the_log_keeps_the_later_of_steps_that_were_trained_twice(tmp_path: Path) -> None:
    (tmp_path / "equilibrium.csv").write_text(
        "step,real,generated,balance,convergence\n20,1,1,0.1,2\n40,1,1,0.2,3\n20,1,1,0.1,5\n"
    )
    assert read_equilibrium(tmp_path)["step"].tolist() == [20]
    assert read_equilibrium(tmp_path)["convergence"].tolist() == [5]
    draw_equilibrium(tmp_path)
    assert (tmp_path / "equilibrium.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_processes_keep_the_same_weights(tmp_path: Path) -> None:
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    program = ["-m", "tests.training.progressive.tiny_began_run", str(tmp_path)]
    subprocess.run([sys.executable, "-m", *torchrun, *program], cwd=ROOT, check=True, timeout=300)
    first, second = (torch.load(tmp_path / f"result_{rank}.pt", weights_only=True) for rank in (0, 1))
    untrained = tiny_experiment(epochs=1).net.state_dict()

    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert any(not torch.equal(value, untrained[name]) for name, value in first.items())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gamma": 0.0}, "gamma, balance_rate: expected above 0 to 1"),
        ({"shares": {}}, "at least one face of each set"),
        ({"epochs": 0}, "epochs, learning_rate: expected above 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        began.Config(**settings)


def test_a_size_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match=r"encoder\.size: expected a multiple of 16, found 20"):
        EncoderSettings(size=20)
