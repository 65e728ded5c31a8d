"""The rows of a ladder and how each is made; what is on disk is not made again."""

from __future__ import annotations

import copy
import logging
import time
import zipfile
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.whole_file import whole_file
from training.blocks.multi_task import MultiTaskNet
from training.distillation.combination import Machine, fit_machine
from training.errors import RecipeError
from training.studies.ladder.answers import Answer, read_faces
from training.studies.ladder.faces import Faces, LadderFaces
from training.studies.ladder.lessons import Teacher, ask_teacher
from training.studies.ladder.settings import Settings
from training.studies.ladder.student import train_student
from training.study_parts.pieces import claim_folder
from training.trained.trained_net import save_student, student_weights

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]

SETTINGS = "settings.json"
OUTCOME = "outcome.npz"
EMBEDDINGS = "embeddings.npz"
MACHINE = "machine.npz"
GROUPS = ("training", "choosing", "measured")

STUDENTS = {
    "finetuned": ("labels", "teacher"),
    "finetuned_longer": ("labels", "finetuned"),
    "standard": ("standard", "finetuned"),
    "hint": ("hint", "finetuned"),
    "triplet": ("triplet", "finetuned"),
}
"""Student -> its lesson and whose weights it starts from."""
DISTILLED = ("standard", "hint", "triplet")
ROWS = {
    "teacher_full": "teacher, whole faces",
    "teacher_hidden": "teacher, hidden faces",
    "finetuned": "student, fine-tuned on hidden faces",
    "finetuned_longer": "the same, as long as the distilled",
    "standard": "student, standard teacher-student",
    "hint": "student, hint teacher-student",
    "triplet": "student, triplet teacher-student",
    "teacher_svm": "SVM on the teacher's embedding",
    "finetuned_svm": "SVM on the fine-tuned student's",
    "finetuned_longer_svm": "SVM on the longer fine-tuned one's",
    "standard_svm": "SVM on standard",
    "hint_svm": "SVM on hint",
    "triplet_svm": "SVM on triplet",
    "combination": "SVM on the two best distilled",
    "combination_paper": "SVM on the paper's two distilled",
}
"""Row -> what it is."""
PAPER_PARTS = {task: ("hint", "triplet") for task in ("age", "gender")}
"""Task -> the students that the paper combines where it is not `PAPER_OTHERS`."""
PAPER_OTHERS = ("standard", "triplet")
UNSEEDED = ("teacher_full", "teacher_hidden", "teacher_svm")
"""Rows in which nothing is drawn but the SVM's order."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of one row with one seed.

    Attributes:
        said: float32 (N,), class numbers or years of the measured faces.
        choosing_score: Accuracy, or minus the mean absolute error, on the faces to choose on.
        parts: Which students a combination is of.
    """

    said: Floats
    choosing_score: float
    parts: tuple[str, ...] = ()


class Ladder:
    """Makes rows, or reads them where they have been made.

    Args:
        settings: Of the ladder.
        faces: Its faces.
        net: The teacher, in evaluation mode, on the device to train on.
        out: Folder of this ladder; of the same settings, where it exists.

    Raises:
        RecipeError: The folder holds a ladder of other settings.
    """

    def __init__(self, settings: Settings, faces: LadderFaces, net: MultiTaskNet, out: Path) -> None:
        self.settings = settings
        self.faces = faces
        self.net = net
        self.out = out
        wanted = {name: value for name, value in asdict(settings).items() if name != "device"}
        claim_folder(out, wanted, SETTINGS)

    def outcome(self, row: str, seed: int) -> Outcome:
        """Return a row's outcome with a seed; makes it, and what it needs, where it lacks."""
        folder = self.folder(row, seed)
        if not (folder / OUTCOME).is_file():
            started_s = time.monotonic()
            self._make(row, seed, folder)
            logger.info("%s, seed %d: %.0f s", ROWS[row], seed, time.monotonic() - started_s)
        arrays = _read(folder / OUTCOME)
        parts = tuple(str(part) for part in arrays["parts"])
        return Outcome(arrays["said"], float(arrays["choosing_score"]), parts)

    def folder(self, row: str, seed: int) -> Path:
        """Return where a row is kept."""
        return self.out / ("teacher" if row in UNSEEDED else f"seed_{seed}") / row

    def student(self, name: str, seed: int) -> MultiTaskNet:
        """Return a student, or "teacher"; trains it where its weights lack."""
        if name == "teacher":
            return self.net
        folder = self.folder(name, seed)
        if not (folder / "weights.pt").is_file():
            method, start = STUDENTS[name]
            trained = train_student(
                self.student(start, seed), method, self.faces.training, self._teacher, self.settings, seed
            )
            save_student(trained, self.settings.model, folder)
            return trained
        net = copy.deepcopy(self.net)
        net.load_state_dict(student_weights(folder))
        return net.eval()

    def machine(self, row: str, seed: int) -> Machine:
        """Return the machine of an SVM row or of the combination."""
        self.outcome(row, seed)
        arrays = _read(self.folder(row, seed) / MACHINE)
        numbers = {name: float(arrays[name]) for name in ("cost", "spread", "score")}
        return Machine(weight=arrays["weight"], bias=arrays["bias"], **numbers)

    @cached_property
    def _teacher(self) -> Teacher:
        return ask_teacher(self.net, self.faces.training, self.settings)

    def _make(self, row: str, seed: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if row == "combination":
            self._make_machine(self._best(seed), seed, folder)
        elif row == "combination_paper":
            self._make_machine(PAPER_PARTS.get(self.settings.task, PAPER_OTHERS), seed, folder)
        elif row.endswith("_svm"):
            self._make_machine((row.removesuffix("_svm"),), seed, folder)
        else:
            self._make_network(row, seed, folder)

    def _make_network(self, row: str, seed: int, folder: Path) -> None:
        teacher = row.startswith("teacher")
        net = self.net if teacher else self.student(row, seed)
        answers = self._read_groups(net, hidden=row != "teacher_full")
        _write(folder / EMBEDDINGS, **{name: answer.embeddings for name, answer in answers.items()})
        chosen = answers["choosing"].said(self.settings.task)
        said = answers["measured"].said(self.settings.task)
        _write(
            folder / OUTCOME,
            said=said,
            choosing_score=self._score(chosen, self.faces.choosing),
            parts=[""][:0],
        )

    def _make_machine(self, students: tuple[str, ...], seed: int, folder: Path) -> None:
        rows = ["teacher_hidden" if name == "teacher" else name for name in students]
        found = [self._embeddings(row, seed) for row in rows]
        joined = {group: np.concatenate([part[group] for part in found], axis=1) for group in GROUPS}
        task = self.settings.task
        machine = fit_machine(
            task,
            (joined["training"], self.faces.training.labels),
            (joined["choosing"], self.faces.choosing.labels),
            seed=seed,
        )
        scores = machine.scores(joined["measured"])
        said = scores if task == "age" else scores.argmax(axis=1).astype(np.float32)
        _write(folder / MACHINE, **asdict(machine))
        _write(folder / OUTCOME, said=said, choosing_score=machine.score, parts=list(students))

    def _best(self, seed: int) -> tuple[str, ...]:
        """Return the two distilled students that are best on the faces to choose on, in the ladder's order."""
        scores = {name: self.outcome(name, seed).choosing_score for name in DISTILLED}
        best = sorted(DISTILLED, key=lambda name: -scores[name])[:2]
        return tuple(name for name in DISTILLED if name in best)

    def _embeddings(self, row: str, seed: int) -> dict[str, Floats]:
        self.outcome(row, seed)
        path = self.folder(row, seed) / EMBEDDINGS
        return {name: rows.astype(np.float32) for name, rows in _read(path).items()}

    def _read_groups(self, net: MultiTaskNet, hidden: bool) -> dict[str, Answer]:
        half = self.settings.half if hidden else None
        groups: dict[str, Faces] = {name: getattr(self.faces, name) for name in GROUPS}
        return {
            name: read_faces(net, self.settings.task, faces, half, self.settings.bfloat16)
            for name, faces in groups.items()
        }

    def _score(self, said: Floats, faces: Faces) -> float:
        if self.settings.task == "age":
            return -float(np.abs(said - faces.labels).mean())
        return float((said == faces.labels).mean())


def _write(path: Path, **arrays: Any) -> None:
    """Write arrays in one step; embeddings as float16, which no figure notices and which halves the disk."""
    if path.name == EMBEDDINGS:
        arrays = {name: np.asarray(rows, np.float16) for name, rows in arrays.items()}
    with whole_file(path) as stream:
        np.savez(stream, **{name: np.asarray(rows) for name, rows in arrays.items()})


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RecipeError(
            f"{path}: expected a row of a ladder, found something that can't be read ({error}); "
            "remove its folder, it is made again"
        ) from error
