"""A second opinion on close calls: support vector machines on the movements of the face.

"Deep models and transfer learning for facial expression recognition", chapter 8: where the network has no clear winner, an
SVM decides that was trained for just these two, or three, emotions on the action units tied to them.
`training.studies.second_opinion` makes the machines; here they are read and asked, with numpy alone. The paper leaves open
how close is close, and when the machines for three are asked: card and `training.studies.second_opinion.protocol` say what
we chose.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from engines.card_fields import require_list, require_number, require_object, require_text, shown
from engines.errors import CardError
from engines.json_text import read_json
from engines.model_file import file_sha256
from engines.shipped import ASSETS_DIR
from engines.whole_file import write_whole

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

OPINION_DIR = ASSETS_DIR / "second-opinion"
CARD_FILE = "card.json"
ARRAYS_FILE = "machines.npz"
FORMAT = 1
LARGEST_BYTES = 300_000
NOT_ASKED = -1
LOWEST, HIGHEST = -6.0, 10.0
"""Movements are taken no further than this: a mesh that slipped must not outweigh all others."""
_KINDS: dict[str, Any] = {
    **{"units": np.int64, "groups": np.int64, "weights": np.float32, "biases": np.float32, "used": np.bool_}
}
_MOST = 3
_NAMED_UNITS = 2
_ABSENT = len(EMOTIONS)
"""Stands in a group of two for the third emotion it lacks."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the movements say of one face.

    Attributes:
        emotion: What they rather show.
        first: The network's own first choice.
        units: FACS codes that speak for it most against the network's other candidates; negative where the unit's
            absence does.
    """

    emotion: str
    first: str
    units: tuple[int, ...]

    @property
    def agrees(self) -> bool:
        """Whether it is the network's own first choice."""
        return self.emotion == self.first


@dataclass(frozen=True, slots=True, eq=False)
class Machines:
    """One linear machine for every pair and every triple of emotions.

    Attributes:
        units: int64 (U,), FACS codes of the movements they take.
        groups: int64 (G, 3), emotions of each machine as rising positions in `EMOTIONS`; the third of a pair is 8.
        weights: float32 (G, 3, U), what each unit adds to each emotion's score; 0 for units that are not its own.
        biases: float32 (G, 3).
        used: bool (G, U), the units each machine looks at.
    """

    units: Ints
    groups: Ints
    weights: Floats
    biases: Floats
    used: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        count, units = len(self.groups), len(self.units)
        shapes = {"units": (units,), "groups": (count, _MOST), "weights": (count, _MOST, units)}
        for name, shape in (shapes | {"biases": (count, _MOST), "used": (count, units)}).items():
            if getattr(self, name).shape != shape:
                raise CardError(f"{name}: expected shape {shape}, found {getattr(self, name).shape}")
        rising = (np.diff(self.groups, axis=1) > 0).all()
        if not count or not rising or self.groups.min() < 0 or self.groups[:, :2].max() >= _ABSENT:
            raise CardError("groups: expected two or three different emotions in rising order")
        if self.groups[:, 2].max() > _ABSENT:
            raise CardError(f"groups: expected emotions below {_ABSENT}, found {self.groups.max()}")
        if not (np.isfinite(self.weights).all() and np.isfinite(self.biases).all()):
            raise CardError("weights, biases: expected finite numbers, found others")


class SecondOpinion:
    """Machines with the gaps below which they are asked.

    Args:
        machines: The machines.
        pair_gap: Gap between the two highest probabilities below which a pair's machine is asked; 0 never asks.
        triple_gap: Gap between the first and the third below which a triple's machine is asked instead; 0 never asks.
        card: What is known of them; empty while they are being made.

    Attributes:
        pair_gap: As above.
        triple_gap: As above.
        card: As above.
        units: FACS codes of the movements that are taken, in their order.
    """

    def __init__(
        self, machines: Machines, pair_gap: float, triple_gap: float, card: dict[str, Any] | None = None
    ) -> None:
        self.pair_gap, self.triple_gap, self.card = pair_gap, triple_gap, card or {}
        self.units = tuple(int(code) for code in machines.units)
        self._machines = machines
        # +1: the empty place of a pair is a number too.
        self._numbers = np.full((_ABSENT + 1,) * _MOST, NOT_ASKED)
        self._numbers[tuple(machines.groups.T)] = np.arange(len(machines.groups))

    def asked(self, emotion: Floats, movements: Floats) -> Ints:
        """Return which machine is asked about each face: `NOT_ASKED` where the call is clear or a unit is hidden.

        Args:
            emotion: float32 (N, 8), the network's probabilities in the order of `EMOTIONS`.
            movements: float32 (N, U), in the order of `units`; NaN where hidden.
        """
        top = np.argsort(-emotion, axis=1, kind="stable")[:, :_MOST]
        first, second, third = emotion[np.arange(len(emotion))[:, None], top].T
        close, closer = first - second < self.pair_gap, first - third < self.triple_gap
        top[~closer, 2] = _ABSENT
        numbers: Ints = self._numbers[tuple(np.sort(top, axis=1).T)]
        hidden = (np.isnan(movements) & self._machines.used[numbers]).any(axis=1)
        return np.where((close | closer) & ~hidden, numbers, NOT_ASKED)

    def scores(self, numbers: Ints, movements: Floats) -> Floats:
        """Return what machines give the emotions of their groups, float32 (N, 3); -inf for a pair's third.

        Args:
            numbers: int (N,), from `asked`, without `NOT_ASKED`.
            movements: float32 (N, U).
        """
        scores = np.einsum("nku,nu->nk", self._machines.weights[numbers], _taken(movements))
        scores += self._machines.biases[numbers]
        found: Floats = np.where(self._machines.groups[numbers] == _ABSENT, -np.inf, scores).astype(
            np.float32
        )
        return found

    def answers(self, emotion: Floats, movements: Floats) -> Ints:
        """Return the emotion each face rather shows, (N,) positions in `EMOTIONS`; `NOT_ASKED` where none is said."""
        numbers = self.asked(emotion, movements)
        rows = np.flatnonzero(numbers != NOT_ASKED)
        said = np.full(len(emotion), NOT_ASKED)
        best = self.scores(numbers[rows], movements[rows]).argmax(axis=1)
        said[rows] = self._machines.groups[numbers[rows], best]
        return said

    def opinions(self, emotion: Floats, movements: Floats) -> list[Opinion | None]:
        """Return what the movements say of each face; None where they are not asked.

        Args:
            emotion: float32 (N, 8), the network's probabilities; NaN is never a close call.
            movements: float32 (N, U), in the order of `units`; NaN where hidden.
        """
        opinions: list[Opinion | None] = [None] * len(emotion)
        ordered = np.sort(emotion, axis=1)
        # Most faces of most frames end here, for the price of one comparison.
        close = np.flatnonzero(ordered[:, -1] - ordered[:, -2] < max(self.pair_gap, self.triple_gap))
        if len(close):
            numbers = self.asked(emotion[close], movements[close])
            for row, number in zip(close.tolist(), numbers.tolist(), strict=True):
                if number != NOT_ASKED:
                    first = EMOTIONS[int(emotion[row].argmax())]
                    opinions[row] = self._opinion(number, first, _taken(movements[row]))
        return opinions

    def _opinion(self, number: int, first: str, taken: Floats) -> Opinion:
        """Return what one machine says, and the units that raise the winner most above the runner-up."""
        machines = self._machines
        group, weights = machines.groups[number], machines.weights[number]
        count = _MOST if group[2] != _ABSENT else _MOST - 1
        order = np.argsort(-(weights[:count] @ taken + machines.biases[number, :count]), kind="stable")
        shares = (weights[order[0]] - weights[order[1]]) * taken
        strongest = np.argsort(-shares, kind="stable")[:_NAMED_UNITS].tolist()
        units = tuple(
            self.units[at] if taken[at] > 0 else -self.units[at] for at in strongest if shares[at] > 0
        )
        return Opinion(EMOTIONS[group[order[0]]], first, units)


def _taken(movements: Floats) -> Floats:
    """Return movements within their limits, 0 where they are hidden."""
    taken: Floats = np.minimum(np.maximum(movements, LOWEST), HIGHEST)
    return np.where(np.isnan(taken), np.float32(0), taken)


def save_second_opinion(opinion: SecondOpinion, folder: Path) -> None:
    """Write machines and card; the card holds the file's SHA-256.

    Raises:
        CardError: The folder can't be written, or the card holds what JSON has no form for.
    """
    machines = opinion._machines
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        units=machines.units.astype(np.int16),
        groups=machines.groups.astype(np.int8),
        weights=machines.weights.astype(np.float32),
        biases=machines.biases.astype(np.float32),
        used=machines.used,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / ARRAYS_FILE, stream.getvalue())
        gaps = {"pair_gap": opinion.pair_gap, "triple_gap": opinion.triple_gap}
        card = {"format": FORMAT, **opinion.card, **gaps, "sha256": file_sha256(folder / ARRAYS_FILE)}
        text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(folder / CARD_FILE, text)
    except (OSError, TypeError, ValueError) as error:
        raise CardError(
            f"{folder}: expected to write a second opinion ({error}); choose another folder"
        ) from error


def load_second_opinion(folder: Path = OPINION_DIR) -> SecondOpinion:
    """Read the machines that come with the program, or those of another folder.

    Raises:
        CardError: Missing, damaged, of another format, or the arrays are not those of the card; one line says which.
    """
    try:
        card = _read_card(folder / CARD_FILE)
        machines = _read_machines(folder / ARRAYS_FILE, card)
    except CardError as error:
        raise CardError(
            f"{folder}: {error}; restore both files or make them again with python -m training study second_opinion"
        ) from error
    return SecondOpinion(machines, float(card["pair_gap"]), float(card["triple_gap"]), card)


def _read_card(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except OSError as error:
        raise CardError(f"expected {path.name}, found none ({error.strerror})") from error
    except ValueError as error:
        raise CardError(f"{path.name}: expected JSON, found something else ({shown(str(error))})") from error
    card = require_object("card", content)
    if card.get("format") != FORMAT:
        raise CardError(f"{path.name}: expected format {FORMAT}, found {shown(card.get('format'))}")
    for name in ("pair_gap", "triple_gap"):
        require_number(name, card.get(name))
        if not 0 <= card[name] <= 1:
            raise CardError(f"{name}: expected a number from 0 to 1, found {shown(card[name])}")
    require_text("sha256", card.get("sha256"))
    require_list("limits", card.get("limits"))
    return card


def _read_machines(path: Path, card: dict[str, Any]) -> Machines:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise CardError(
                f"{path.name}: expected at most {LARGEST_BYTES} bytes, found {path.stat().st_size}"
            )
        content = path.read_bytes()
    except OSError as error:
        raise CardError(f"expected {path.name}, found none ({error.strerror})") from error
    if file_sha256(path) != card["sha256"]:
        raise CardError(f"{path.name}: expected the file with the SHA-256 of its card, found another")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name].astype(kind) for name, kind in _KINDS.items()}
    except (KeyError, ValueError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise CardError(
            f"{path.name}: expected arrays of machines, found none ({shown(str(error))})"
        ) from error
    return Machines(**arrays)
