"""Model cards: what a network takes and gives, how it was made, how good it is (standard library only)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from engines.card_fields import (
    require_choice,
    require_list,
    require_number,
    require_object,
    require_text,
    shown,
)
from engines.errors import CardError
from engines.json_text import read_json
from engines.whole_file import write_whole

EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
GENDERS = ("male", "female")
SMILES = ("no_smile", "smile")
AGES_YEARS = tuple(str(years) for years in range(101))

Occlusion = Literal["none", "headset", "mask", "hidden"]
OCCLUSIONS: tuple[Occlusion, ...] = get_args(Occlusion)
"""Which half of a face is hidden: none, upper, lower, or so much that nothing can be read."""
ALIGNMENT_NAMES = (
    *("right_eye_outer", "right_eye_inner", "left_eye_inner", "left_eye_outer", "nose_bridge", "nose_base"),
    *("nose_right", "nose_left", "mouth_right", "mouth_left"),
)
"""The points a face is aligned by, sides as the person's own; see `engines.preprocess.ALIGNMENT_POINTS`."""

Task = Literal["emotion", "age", "gender", "smile", "occlusion", "alignment"]
Kind = Literal["softmax", "distribution", "points"]
Color = Literal["gray", "rgb"]
Crop = Literal["aligned_face", "whole_box"]

LABELS: dict[str, tuple[str, ...]] = {
    "emotion": EMOTIONS,
    "age": AGES_YEARS,
    "gender": GENDERS,
    "smile": SMILES,
}
"""What a network that reads faces says."""
VISIBILITY_LABELS: dict[str, tuple[str, ...]] = {
    "occlusion": OCCLUSIONS,
    "alignment": tuple(f"{name}_{axis}" for name in ALIGNMENT_NAMES for axis in "xy"),
}
"""What the network says that finds out how much of a face is seen; see `engines.visibility`."""
_HEAD_LABELS = {**LABELS, **VISIBILITY_LABELS}
_KINDS: dict[str, Kind] = {"age": "distribution", "alignment": "points"}
"""Task -> kind of its head; softmax for the others."""
CARD_FILE = "card.json"
MODEL_FILE = "model.onnx"
SCHEMA_VERSION = 2
"""2: the model file takes uint8 crops and gives probabilities and years (1: float32 crops, logits)."""
AGE_OUTPUTS = ("age_years", "age_std_years")
"""What the two columns of a distribution's output are: expectation and standard deviation."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a face becomes the network's input.

    Attributes:
        name: Name of the model's input tensor, uint8 (N, size, size) for gray and (N, size, size, 3) for RGB:
            as OpenCV cuts crops, so that none is copied or turned before the graph.
        size: Width and height of the chip in pixels.
        color: "gray" (one channel, BT.601 luma) or "rgb" (three).
        mean: Subtracted, inside the graph, from pixel values scaled to [0, 1].
        std: Divides the result, inside the graph.
        crop: "aligned_face" (similarity alignment from landmarks, the box where there are none) or
            "whole_box".
    """

    name: str = "image"
    size: int = 48
    color: Color = "gray"
    mean: float = 0.5
    std: float = 0.25
    crop: Crop = "aligned_face"

    def __post_init__(self) -> None:
        require_text("input.name", self.name)
        if not isinstance(self.size, int) or isinstance(self.size, bool) or not 8 <= self.size <= 1024:
            raise CardError(f"input.size: expected whole pixels from 8 to 1024, found {shown(self.size)}")
        require_choice("input.color", self.color, get_args(Color))
        require_choice("input.crop", self.crop, get_args(Crop))
        require_number("input.mean", self.mean)
        require_number("input.std", self.std)
        if self.std <= 0:
            raise CardError(f"input.std: expected a number above 0, found {shown(self.std)}")

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return 1 if self.color == "gray" else 3

    @property
    def chip_shape(self) -> tuple[int, ...]:
        """Shape of one face's uint8 crop: (size, size), or (size, size, 3) for RGB."""
        return (self.size, self.size) if self.color == "gray" else (self.size, self.size, 3)


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """One output of the network.

    Attributes:
        output: Name of the model's output tensor, float32 (N, width).
        task: What it says.
        kind: "softmax" (the tensor holds one probability a class), "distribution" (of numbers: it holds their
            expectation and standard deviation, in `unit`) or "points" (x and y of one point after the other, as shares
            of the chip's side).
        labels: Class names in the tensor's order; a distribution's are the numbers it is over.
        unit: Unit of a distribution's values, else empty.
    """

    output: str
    task: Task
    kind: Kind
    labels: tuple[str, ...]
    unit: str = ""

    def __post_init__(self) -> None:
        require_text("heads.output", self.output)
        require_choice("heads.task", self.task, get_args(Task))
        require_choice("heads.kind", self.kind, get_args(Kind))
        if not isinstance(self.labels, tuple) or not all(isinstance(label, str) for label in self.labels):
            raise CardError(
                f"heads.labels of {self.task}: expected a list of names, found {shown(self.labels)}"
            )
        expected = _HEAD_LABELS[self.task]
        if self.labels != expected:
            raise CardError(
                f"heads.labels of {self.task}: expected the {len(expected)} labels {expected[0]} ... "
                f"{expected[-1]} in the order of engines.card, found {shown(self.labels)}"
            )
        if self.kind != _KINDS.get(self.task, "softmax"):
            raise CardError(
                "heads.kind: expected distribution for age, points for alignment and softmax else, "
                f"found {self.kind} for {self.task}"
            )
        if not isinstance(self.unit, str):
            raise CardError(f"heads.unit of {self.task}: expected a text, found {shown(self.unit)}")

    @property
    def width(self) -> int:
        """Numbers a face in the output tensor."""
        return len(AGE_OUTPUTS) if self.kind == "distribution" else len(self.labels)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything a program or a person must know to use a model.

    Attributes:
        name: Folder name below `assets/models`, for example "multitask".
        version: Version of the model, for example "1.0".
        input: The input contract.
        heads: The outputs; each task at most once.
        occlusion: The faces it is made for: "none", "headset" or "mask".
        sha256: Hex digest of the model file.
        data: Name of a data set -> how it was used and split.
        metrics: Name of a figure -> value, interval, data and protocol.
        recipe: How it was trained: recipe name and resolved configuration.
        license: Terms of use.
        limits: What it must not be used for and where it fails.
        float32_nodes: Names of nodes of the model file, or beginnings of names, that must stay in float32 when the
            rest is compiled in float16.
    """

    name: str
    version: str
    input: InputSpec
    heads: tuple[HeadSpec, ...]
    sha256: str
    occlusion: str = "none"
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    license: str = ""
    limits: tuple[str, ...] = ()
    float32_nodes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("name", "version"):
            require_text(name, getattr(self, name))
        if self.name != Path(self.name).name or self.name in {".", ".."} or not self.name.isprintable():
            raise CardError(f"name: expected a plain folder name, found {shown(self.name)}")
        require_choice("occlusion", self.occlusion, OCCLUSIONS[:3])
        if (
            not isinstance(self.sha256, str)
            or len(self.sha256) != 64
            or set(self.sha256) - set("0123456789abcdef")
        ):
            raise CardError(f"sha256: expected 64 lower-case hex digits, found {shown(self.sha256)}")
        self._check_heads()
        for name in ("data", "metrics", "recipe"):
            require_object(name, getattr(self, name))
        if not isinstance(self.license, str):
            raise CardError(f"license: expected a text, found {shown(self.license)}")
        for name in ("limits", "float32_nodes"):
            texts = getattr(self, name)
            if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
                raise CardError(f"{name}: expected a list of texts, found {shown(texts)}")

    def _check_heads(self) -> None:
        tasks = [head.task for head in self.heads]
        if not tasks or len(set(tasks)) != len(tasks):
            raise CardError(f"heads: expected at least one head and each task once, found {tasks}")
        outputs = [head.output for head in self.heads]
        if len(set(outputs)) != len(outputs):
            raise CardError(f"heads: expected an output of its own for each head, found {outputs}")

    def head(self, task: str) -> HeadSpec | None:
        """Return the head of a task, or None when the model lacks it."""
        return next((head for head in self.heads if head.task == task), None)

    def save(self, path: Path) -> None:
        """Write the card as JSON, replacing an older one in one step.

        Raises:
            CardError: `data`, `metrics` or `recipe` hold something JSON has no form for, or the file can't be
                written.
        """
        content = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        try:
            text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
            encoded = (text + "\n").encode("utf-8")
        except (TypeError, ValueError) as error:
            raise CardError(
                f"data, metrics, recipe: expected text, finite numbers, lists and objects ({error}); drop it"
            ) from error
        try:
            write_whole(path, encoded)
        except OSError as error:
            raise CardError(
                f"{path}: the card can't be written ({error}); choose a folder you may write to"
            ) from error


def load_card(path: Path) -> ModelCard:
    """Read and validate a card.

    Args:
        path: The JSON file, or the folder that holds `card.json`.

    Raises:
        CardError: Missing, no JSON, another schema version, or a field that is wrong; the text names file and
            field.
    """
    path = path / CARD_FILE if path.is_dir() else path
    try:
        content = read_json(path)
    except OSError as error:
        raise CardError(
            f"{path}: expected a model card, found none ({error.strerror}); see `python -m engines list`"
        ) from error
    except ValueError as error:
        raise CardError(f"{path}: expected JSON, found something else ({error}); restore the file") from error
    try:
        return _card_from_json(content)
    except CardError as error:
        raise CardError(f"{path}: {error}; restore the card or export the model again") from error


def _card_from_json(content: object) -> ModelCard:
    if not isinstance(content, dict):
        raise CardError(f"expected an object, found {type(content).__name__}")
    fields = dict(content)
    version = fields.pop("schema_version", None)
    if version == 1:
        raise CardError(
            "schema_version: expected 2, found 1, whose model takes float32 crops and gives logits; convert it: "
            "python -m training export --model FOLDER"
        )
    if version != SCHEMA_VERSION:
        raise CardError(f"schema_version: expected {SCHEMA_VERSION}, found {shown(version)}")
    try:
        fields["input"] = InputSpec(**require_object("input", fields["input"]))
        fields["heads"] = tuple(_head_from_json(head) for head in require_list("heads", fields["heads"]))
        for name in ("limits", "float32_nodes"):
            fields[name] = tuple(require_list(name, fields.get(name, [])))
        return ModelCard(**fields)
    except KeyError as error:
        raise CardError(f"expected the field {error}, found none") from error
    except TypeError as error:
        raise CardError(f"unexpected or missing field ({' '.join(str(error).split())})") from error


def _head_from_json(content: object) -> HeadSpec:
    fields = dict(require_object("heads", content))
    return HeadSpec(**{**fields, "labels": tuple(require_list("heads.labels", fields["labels"]))})
