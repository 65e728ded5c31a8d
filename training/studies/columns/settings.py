"""Which trainings the tables of the paper ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

from training.errors import RecipeError
from training.progressive.columns import ColumnSettings
from training.progressive.tasks import PEOPLE, TASKS

PAPER_TASKS = ("emotion", "age_group", "gender", "identity")
FROZEN = "frozen"
RETRAINED = "retrained"
TABLES = ("IV", "V")


@dataclass(frozen=True)
class Settings:
    """Settings of the study; every field can be set with `--set name=value`.

    Attributes:
        encoder: Run of `began`.
        tasks: Of the columns.
        runs: Trainings of each column, with seeds from 1 (paper: 10).
        faces: Most training faces of a task; 0 takes all. A task that has fewer gets as many more epochs.
        epochs: Passes over them (paper: 35).
        batch: Faces in a batch.
        learning_rate: Adam's first rate (paper: 0.0001, which 35 epochs over whole sets allow).
        people: How many people the identity task tells apart.
        column: Sizes of the columns.
        bfloat16: Forward pass in bfloat16 where the device computes in it.
    """

    encoder: str = ""
    tasks: tuple[str, ...] = PAPER_TASKS
    runs: int = 10
    faces: int = 0
    epochs: int = 35
    batch: int = 32
    learning_rate: float = 1e-4
    people: int = PEOPLE
    column: ColumnSettings = field(default_factory=ColumnSettings)
    bfloat16: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", tuple(self.tasks))
        if len(self.tasks) < 2 or not set(self.tasks) <= set(TASKS) or len(set(self.tasks)) < len(self.tasks):
            raise RecipeError(
                f"tasks: expected at least two different ones of {', '.join(TASKS)}, found {', '.join(self.tasks) or 'none'}"
            )
        if min(self.runs, self.epochs) < 1 or self.faces < 0:
            raise RecipeError(
                f"runs, epochs, faces: expected at least 1, 1 and 0, found {self.runs}, {self.epochs}, {self.faces}"
            )


@dataclass(frozen=True, order=True)
class Step:
    """One training.

    Attributes:
        seed: Number of the run.
        task: Of the trained column.
        sources: Tasks whose columns, trained alone in the same run, it listens to.
        encoder: `FROZEN` or `RETRAINED`.
    """

    seed: int
    task: str
    sources: tuple[str, ...] = ()
    encoder: str = FROZEN

    @property
    def key(self) -> str:
        """Name of its folder."""
        heard = "_".join(self.sources) or "alone"
        return f"run{self.seed:02}_{self.task}_from_{heard}_{self.encoder}"


def steps(settings: Settings, tables: tuple[str, ...]) -> Iterator[Step]:
    """Yield every training the tables need, in an order in which sources come first and whole runs early.

    Args:
        settings: Of the study.
        tables: Some of `TABLES`; the columns alone belong to both.
    """
    for seed in range(1, settings.runs + 1):
        for task in settings.tasks:
            yield Step(seed, task)
        if "V" in tables:
            for task in settings.tasks:
                for sources in source_sets(settings, task):
                    yield Step(seed, task, sources)
        if "IV" in tables:
            for task in settings.tasks:
                yield Step(seed, task, encoder=RETRAINED)


def source_sets(settings: Settings, task: str) -> list[tuple[str, ...]]:
    """Return every set of other tasks, smallest first."""
    others = [other for other in settings.tasks if other != task]
    return [chosen for count in range(1, len(others) + 1) for chosen in combinations(others, count)]
