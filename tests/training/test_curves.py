"""The picture of a training: a panel for each kind of number there is, a line for each number."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.made_faces import made_faces
from training.fitting import loop
from training.fitting.curves import draw_curves
from training.recipes import multitask

BLUE, ORANGE, GREEN = (0, 114, 178), (213, 94, 0), (0, 158, 115)


def drawn(folder: Path, table: str) -> np.ndarray:
    """Return uint8 (H, W, 3) RGB."""
    (folder / "curves.csv").write_text(table)
    draw_curves(folder / "curves.csv", folder / "curves.png")
    return cv2.cvtColor(cv2.imread(str(folder / "curves.png")), cv2.COLOR_BGR2RGB)


def pixels_of(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - color).max(axis=2) < 12).sum())


def test_every_kind_of_number_has_a_panel_and_every_number_a_line(tmp_path: Path) -> None:
    losses = drawn(tmp_path, "epoch,loss_emotion,loss_age\n1,2.0,3.0\n2,1.0,2.5\n3,0.5,2.0\n")
    assert pixels_of(losses, BLUE) > 200 and pixels_of(losses, ORANGE) > 200
    assert pixels_of(losses, GREEN) == 0, "there is no third number"

    more = drawn(
        tmp_path,
        "epoch,loss_emotion,emotion_accuracy,age_age_error,learning_rate\n1,2.0,0.3,9.0,0.1\n2,1.0,0.5,7.0,0.05\n",
    )
    assert more.shape[1] == pytest.approx(4 * losses.shape[1], rel=0.01)
    for panel in np.array_split(more, 4, axis=1):
        assert pixels_of(panel, BLUE) > 100


def test_a_training_draws_its_curves_after_every_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings: list[int] = []

    def draw(table: Path, picture: Path) -> None:
        draw_curves(table, picture)
        drawings.append(len(table.read_text().splitlines()) - 1)

    monkeypatch.setattr(loop, "draw_curves", draw)
    config = multitask.Config(
        epochs=2,
        size=16,
        net_settings={"widths": [4, 4, 4, 4]},
        shares={"ferplus": 4, "utkface": 4},
        bfloat16=False,
    )
    loop.fit(
        multitask.build_on(config, {name: made_faces(name) for name in config.shares}),
        tmp_path,
        progress=False,
    )

    assert drawings == [1, 2]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
