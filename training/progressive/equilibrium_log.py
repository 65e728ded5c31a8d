"""What a BEGAN's training writes besides its curves: the equilibrium step by step, and pictures of faces."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from torch import Tensor

if TYPE_CHECKING:
    from training.progressive.equilibrium import Equilibrium

TABLE = "equilibrium.csv"
PICTURE = "equilibrium.png"
FACES = "faces"
_COLUMNS = ("step", "real", "generated", "balance", "convergence")
_GAP_PX = 2


class EquilibriumLog:
    """Rows of `equilibrium.csv`: the means of L(x), L(G(z)) and M over some steps, and k_t after them.

    Args:
        folder: Of the run.
        every_steps: Steps in a row.
    """

    def __init__(self, folder: Path, every_steps: int) -> None:
        self._path = folder / TABLE
        self._every = every_steps
        self._rows: list[tuple[float, float, float]] = []

    def note(self, equilibrium: Equilibrium, real: float, generated: float, convergence: float) -> None:
        """Take note of one step; after every so many, write a row."""
        self._rows.append((real, generated, convergence))
        if len(self._rows) < self._every:
            return
        real, generated, convergence = (float(value) for value in np.mean(self._rows, axis=0))
        self._rows.clear()
        new = not self._path.is_file()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", newline="") as stream:
            writer = csv.writer(stream)
            if new:
                writer.writerow(_COLUMNS)
            numbers = (real, generated, float(equilibrium.balance), convergence)
            writer.writerow([int(equilibrium.steps), *(f"{value:.6g}" for value in numbers)])


def read_equilibrium(folder: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Return column -> numbers over the steps; of steps trained twice after a stop, the later ones.

    Args:
        folder: Of the run.
    """
    with (folder / TABLE).open(newline="") as stream:
        found = list(csv.DictReader(stream))
    rows = {int(row["step"]): row for row in found}
    kept = [rows[step] for step in sorted(rows) if step <= int(found[-1]["step"])]
    return {name: np.array([float(row[name]) for row in kept]) for name in _COLUMNS}


def draw_equilibrium(folder: Path) -> None:
    """Draw `equilibrium.csv` as `equilibrium.png`: convergence measure, both errors, and k_t; without rows do nothing.

    Args:
        folder: Of the run.
    """
    if not (folder / TABLE).is_file():
        return
    rows = read_equilibrium(folder)
    picture = Figure(figsize=(10.5, 3.4), layout="constrained")
    panels = (
        ("convergence measure M", {"convergence": "M"}),
        ("reconstruction error", {"real": "real faces, L(x)", "generated": "generated faces, L(G(z))"}),
        ("balance k", {"balance": "k"}),
    )
    for axes, (title, names) in zip(picture.subplots(1, len(panels)), panels, strict=True):
        for (name, label), color in zip(names.items(), ("#0072b2", "#d55e00"), strict=False):
            axes.plot(rows["step"], rows[name], label=label, color=color, linewidth=1.2)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        if len(names) > 1:
            axes.legend(fontsize=8, frameon=False)
    picture.savefig(folder / PICTURE, dpi=100)


def save_faces(images: Tensor, path: Path, mean: float, std: float, columns: int = 8) -> None:
    """Write faces as one picture.

    Args:
        images: float (N, 1, S, S), normalised.
        path: PNG to write.
        mean: Of the normalisation.
        std: Of the normalisation.
        columns: Faces side by side.
    """
    levels = (images.detach().float().cpu().numpy()[:, 0] * std + mean) * 255
    faces = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    side = faces.shape[1] + _GAP_PX
    rows = -(-len(faces) // columns)
    sheet = np.full((rows * side - _GAP_PX, columns * side - _GAP_PX), 255, np.uint8)
    for number, face in enumerate(faces):
        top, left = number // columns * side, number % columns * side
        sheet[top : top + len(face), left : left + len(face)] = face
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())
