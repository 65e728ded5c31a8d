"""What can't be used in a set: the first stops, or every one is skipped, counted and told in one line."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeVar, get_args

from training.data.sample import Sample
from training.errors import DatasetError

logger = logging.getLogger(__name__)

OnBad = Literal["stop", "skip"]
_SHOWN = 5

Item = TypeVar("Item")
Found = TypeVar("Found")


class Faults:
    """Decides about every malformed row, unreadable picture and missing label file of one set.

    Args:
        name: The set, for the summary.
        on_bad: "stop" raises at the first; "skip" leaves it out and counts.

    Attributes:
        count: How many were skipped.
        total: How many rows or pictures were looked at.
        place: Where the set lies, once it was read.
    """

    def __init__(self, name: str = "data set", on_bad: OnBad = "stop") -> None:
        if on_bad not in get_args(OnBad):
            raise DatasetError(f"on_bad: expected stop or skip, found {on_bad!r}")
        self.name = name
        self.on_bad = on_bad
        self.count = 0
        self.total = 0
        self.place = Path()
        self._places: list[str] = []
        self._first = ""

    def note(self, error: DatasetError) -> None:
        """Count one fault.

        Raises:
            DatasetError: The fault itself, when the set is to stop at it.
        """
        if self.on_bad == "stop":
            raise error
        self.count += 1
        self._first = self._first or str(error)
        if len(self._places) < _SHOWN:
            self._places.append(Path(str(error).split(": expected")[0]).name)

    def kept(self, items: Iterable[Item], read: Callable[[Item], Found | None]) -> Iterator[Found]:
        """Yield what `read` makes of every item; None is an item left out on purpose, no fault."""
        for item in items:
            self.total += 1
            try:
                found = read(item)
            except DatasetError as error:
                self.note(error)
            else:
                if found is not None:
                    yield found

    def tables(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Yield the label files that are there; each that is not is a fault."""
        for path in paths:
            if path.is_file():
                yield path
            else:
                self.note(DatasetError(f"{path}: expected a label file, found none; unpack the whole set"))

    def usable(
        self,
        found: Iterable[Sample],
        split: str | None,
        place: Path,
        layout: str,
        people: bool = False,
    ) -> list[Sample]:
        """Return a reader's samples of one split.

        Args:
            found: All samples.
            split: One of `SPLITS`, or None for all.
            place: Where the set lies, for the messages.
            layout: What its files look like, for the messages.
            people: The set names people, and its splits keep each on one side: it must show more than one.

        Raises:
            DatasetError: No sample is usable, or one person alone can't be split.
        """
        self.place = place
        samples = list(found)
        if not samples:
            text = f"{place}: expected {layout}, found no usable picture; unpack the set there"
            raise DatasetError(f"{text} ({self.summary()})" if self.count else text)
        self._tell_repeated(samples)
        if people and len(samples) > 1 and len({sample.subject for sample in samples}) == 1:
            self.note(
                DatasetError(
                    f"{place}: expected several people, so that no one stands in two splits, found only"
                    f" {samples[0].subject!r}; unpack the whole set"
                )
            )
        return [sample for sample in samples if split in (None, sample.split)]

    def _tell_repeated(self, samples: Sequence[Sample]) -> None:
        """Warn where two rows are of the same face: each counts, in training and in figures."""
        faces = Counter((one.path, one.box_px) for one in samples if one.pixels is None)
        repeated = [path for (path, _), count in faces.items() if count > 1]
        if repeated:
            logger.warning(
                "%s: expected a row a face, found %d faces with several, the first %s; each row counts, remove the others",
                self.name, len(repeated), repeated[0],
            )  # fmt: skip

    def summary(self) -> str:
        """Return one line about what was skipped, empty when nothing was."""
        if not self.count:
            return ""
        more = " ..." if self.count > len(self._places) else ""
        return (
            f"{self.name}: {self.count} of {self.total} skipped: {', '.join(self._places)}{more};"
            f" the first: {self._first}"
        )

    def log(self) -> None:
        """Log the summary, when something was skipped."""
        if self.count:
            logger.warning("%s", self.summary())
