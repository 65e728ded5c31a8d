"""The transfer table for one task: SVMs on features of every depth, fine-tuning with blocks frozen, and from nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.whole_file import write_whole
from training.data.prepared import PreparedFaces
from training.distillation.combination import fit_machine
from training.errors import RecipeError
from training.fitting.loop import fit
from training.measuring.metrics import accuracy_with_interval
from training.measuring.resampling import resampling
from training.progressive.batches import part_images
from training.progressive.tasks import TaskFaces, task_faces
from training.recipes import transfer
from training.trained.predicting import class_probs
from training.trained.trained_net import trained_net
from training.trained.transferred import blocks, features_by_depth

ROWS = "rows.json"


class TransferStudy:
    """One task's rows; a row that is in the folder is not made again.

    Args:
        config: Settings of the fine-tuning; model, task, faces and seed also count for the SVMs.
        faces: The task's set.
        out: Folder.

    Raises:
        RecipeError: The folder holds rows of other settings.
    """

    def __init__(self, config: transfer.Config, faces: PreparedFaces, out: Path) -> None:
        self.config = config
        self.out = out
        self.found: TaskFaces = task_faces(config.task, faces, config.faces, config.people)
        settings = {key: value for key, value in asdict(config).items() if key not in ("data", "cache")}
        self._kept: dict[str, Any] = {"settings": settings, "rows": {}}
        if (out / ROWS).is_file():
            kept = json.loads((out / ROWS).read_text())
            if kept["settings"] != settings:
                raise RecipeError(
                    f"{out / ROWS}: expected rows of these settings, found others; use an empty folder"
                )
            self._kept = kept

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """What a row is -> its figures."""
        found: dict[str, dict[str, Any]] = self._kept["rows"]
        return found

    def missing(self) -> Iterator[str]:
        """Yield what each row is that is not there."""
        net, _ = trained_net(self.config.model)
        depths = [*blocks(net.trunk), *(f"{task} embedding" for task in net.branches)]
        wanted = [f"SVM on {depth}" for depth in depths]
        wanted += list(self._frozen())
        yield from (row for row in (*wanted, "from scratch") if row not in self.rows)

    def make_machines(self) -> None:
        """Fit an SVM on every depth, with C chosen on validation faces, and measure them on test faces."""
        net, spec = trained_net(self.config.model)
        features = {
            part: features_by_depth(net, part_images(self.found, part, spec)) for part in self.found.positions
        }
        for depth in features["train"]:
            if f"SVM on {depth}" in self.rows:
                continue
            training, validation = (
                (features[part][depth], self.found.truth(part)) for part in ("train", "validation")
            )
            machine = fit_machine(self.config.task, training, validation, seed=self.config.seed)
            said = machine.scores(features["test"][depth]).argmax(axis=1)
            self._keep(f"SVM on {depth}", said, {"features": training[0].shape[1], "cost": machine.cost})

    def fine_tune(self, row: str) -> None:
        """Train one of the other rows; goes on from its checkpoint."""
        scratch = row == "from scratch"
        frozen = self._frozen()[row] if not scratch else 0
        config = replace(self.config, scratch=scratch, frozen=frozen)
        folder = self.out / re.sub(r"[^a-z0-9]+", "_", row)
        experiment = transfer.build_on(config, self.found.faces)
        net = fit(experiment, folder, progress=False, draw=False)
        spec = trained_net(config.model)[1]
        said = class_probs(net, part_images(self.found, "test", spec)).argmax(axis=1)
        self._keep(
            row, said, {"trained_weights": sum(w.numel() for w in net.parameters() if w.requires_grad)}
        )

    def table(self) -> str:
        """Return the rows as Markdown."""
        lines = ["| way | test accuracy, % | 95% interval |", "| --- | --- | --- |"]
        for row, own in self.rows.items():
            shown = own["accuracy"]
            interval = f"{100 * shown['low']:.1f} to {100 * shown['high']:.1f}"
            lines.append(f"| {row} | {100 * shown['value']:.1f} | {interval} |")
        return "\n".join(lines)

    def _frozen(self) -> dict[str, int]:
        """Return what a row of fine-tuning is -> how many blocks are frozen; all of them would be an SVM's features."""
        net, _ = trained_net(self.config.model)
        return {f"fine-tuned, blocks frozen: {number}": number for number in range(len(blocks(net.trunk)))}

    def _keep(self, row: str, said: npt.NDArray[np.int64], about: dict[str, Any]) -> None:
        truth = self.found.truth("test")
        draws = resampling(self.found.faces.subject[self.found.positions["test"]])
        self.rows[row] = {"accuracy": accuracy_with_interval(truth, said, draws).as_dict(), **about}
        self.out.mkdir(parents=True, exist_ok=True)
        write_whole(self.out / ROWS, json.dumps(self._kept, indent=1) + "\n")
