"""What the window says about each face: steady words and numbers, the same in cards and on the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engines.card import EMOTIONS
from engines.second_opinion import Opinion
from faceapp.analysis.analyzer import AUTO_MODELS
from faceapp.types import FaceTrack, Floats, FrameResult, Occlusion, Prediction
from faceapp.ui.label_rows import LabelTrace, update_traces
from faceapp.ui.steady import SteadyLabel, SteadyNumber

FORGET_S = 1.0
"""A face that is gone keeps its card for this long, so that a lost frame doesn't make the cards jump."""
OPINION_S = 1.0
"""A second opinion stays for this long, so that it doesn't flicker with every close call."""
NOT_ENOUGH_FACE = "not enough of the face visible"
NO_EMOTION_HEAD = "this model reads no emotion"
BADGES: dict[Occlusion, str] = {
    "none": "full face",
    "headset": "headset",
    "mask": "mask",
    "hidden": "not enough visible",
}
"""The word of each badge; its icon is `seen-<occlusion>` in `assets/icons`."""
BY_HAND = "set by hand"
_MODEL_WORDS: dict[Occlusion, str] = {"none": "full-face", "headset": "headset", "mask": "mask"}
_FADE_FROM, _FADE_TO = 0.60, 0.25
_AHEAD_DEG = 12.0
_NO_EMOTION = np.full(len(EMOTIONS), np.nan, dtype=np.float32)
_NO_EMOTION.setflags(write=False)


class Readout:
    """The shown state of one face.

    Attributes:
        track_id: The face's id.
        label: Index of the shown emotion in `EMOTIONS`, or None when the program abstains.
        emotion: (8,), the newest probabilities, which the bars ease to.
        numbers: The eight probabilities as shown, steady; NaN when there are none.
        confidence: 1 for a sure label, falling to 0 as the strongest probability falls: shown as fading.
        age_years, age_std_years, female, smile: Steady numbers, NaN when the model lacks the head.
        occlusion: Which half of the face is hidden.
        forced: A person has said which half is hidden, so that nobody looks.
        gaze: Where the head points, in words.
        model: Name of the model that read the face.
        seen_s: Time of the newest frame with this face.
        opinion: What its movements say where the network's call was close within the last second; None else.
        labels: The person's own labels by name.
    """

    def __init__(self, track_id: int) -> None:
        self.track_id = track_id
        self.label: int | None = None
        self.emotion: Floats = _NO_EMOTION
        self.numbers = [math.nan] * len(EMOTIONS)
        self.confidence = 0.0
        self.age_years = self.age_std_years = self.female = self.smile = math.nan
        self.occlusion: Occlusion = "none"
        self.forced = False
        self.gaze = ""
        self.model = ""
        self.seen_s = 0.0
        self.opinion: Opinion | None = None
        self.labels: dict[str, LabelTrace] = {}
        self._opinion_s = -math.inf
        self._label = SteadyLabel()
        self._numbers = [SteadyNumber(0.01) for _ in EMOTIONS]
        self._age, self._age_std = SteadyNumber(1.0), SteadyNumber(1.0)
        self._female, self._smile = SteadyNumber(0.01), SteadyNumber(0.01)

    def update(self, face: FaceTrack, prediction: Prediction, time_s: float, *, forced: bool = False) -> None:
        """Take over one frame's numbers.

        Args:
            face: The face.
            prediction: What was read from it.
            time_s: The frame's time.
            forced: Whether the occlusion is a person's choice.
        """
        self.forced, self.occlusion = forced, face.occlusion
        self.gaze = "" if face.occlusion == "hidden" else gaze_words(face.head_pose_deg)
        self.take(prediction, time_s)

    def take(self, prediction: Prediction, time_s: float) -> None:
        """Take over what a model says, and leave what the tracker says of the face.

        Args:
            prediction: What was read.
            time_s: The frame's time.
        """
        self.seen_s, self.model, self.emotion = time_s, prediction.model, prediction.emotion
        self.label = self._label.update(prediction.emotion, time_s)
        if prediction.second_opinion is not None:
            self.opinion, self._opinion_s = prediction.second_opinion, time_s
        elif time_s - self._opinion_s > OPINION_S:
            self.opinion = None
        steady = zip(self._numbers, prediction.emotion.tolist(), strict=True)
        self.numbers = [number.update(value, time_s) for number, value in steady]
        top = 0.0 if self.label is None else self.numbers[self.label]
        self.confidence = min(max((top - _FADE_TO) / (_FADE_FROM - _FADE_TO), 0.0), 1.0)
        self.age_years = self._age.update(prediction.age_years, time_s)
        self.age_std_years = self._age_std.update(prediction.age_std_years, time_s)
        self.female = self._female.update(prediction.female, time_s)
        self.smile = self._smile.update(prediction.smile, time_s)

    @property
    def abstains(self) -> bool:
        """Whether nothing at all is said about the face."""
        return self.label is None and all(map(math.isnan, (self.age_years, self.female, self.smile)))

    @property
    def emotion_word(self) -> str:
        """The shown emotion, or why there is none."""
        if self.label is not None:
            return EMOTIONS[self.label]
        return NOT_ENOUGH_FACE if self.abstains else NO_EMOTION_HEAD

    @property
    def badge(self) -> str:
        """What of the face is visible, in words."""
        return BADGES[self.occlusion] + (f", {BY_HAND}" if self.forced else "")

    @property
    def unsuited(self) -> bool:
        """Whether the model that read the face is not the one made for what hides it."""
        suited = AUTO_MODELS.get(self.occlusion, self.model)
        return bool(self.model) and self.model != suited

    @property
    def model_text(self) -> str:
        """Which model read the face; empty when none did."""
        if not self.model:
            return ""
        made_for = next((kind for kind, name in AUTO_MODELS.items() if name == self.model), None)
        model = self.model if made_for is None else f"the {_MODEL_WORDS[made_for]} model"
        return f"read by {model}"

    @property
    def age_text(self) -> str:
        """For example "34 ± 6"; empty when there is no age."""
        if math.isnan(self.age_years):
            return ""
        if math.isnan(self.age_std_years):
            return f"{self.age_years:.0f}"
        return f"{self.age_years:.0f} ± {max(self.age_std_years, 1):.0f}"

    @property
    def gender_text(self) -> str:
        """For example "woman 0.93"; empty when there is no gender."""
        if math.isnan(self.female):
            return ""
        return f"woman {self.female:.2f}" if self.female >= 0.5 else f"man {1 - self.female:.2f}"

    @property
    def smile_text(self) -> str:
        """For example "0.90"; empty when the model does not read smiles."""
        return "" if math.isnan(self.smile) else f"{self.smile:.2f}"

    @property
    def opinion_text(self) -> str:
        """For example "rather fear" or "agrees"; empty when the movements were not asked."""
        if self.opinion is None:
            return ""
        shown = None if self.label is None else EMOTIONS[self.label]
        return "agrees" if self.opinion.emotion == shown else f"rather {self.opinion.emotion}"

    @property
    def opinion_tip(self) -> str:
        """What the movements say and which, for example "movements: rather fear (AU1, AU5)"; empty as above."""
        if self.opinion is None:
            return ""
        units = ", ".join(f"AU{code}" if code > 0 else f"no AU{-code}" for code in self.opinion.units)
        agrees = self.opinion_text == "agrees"
        said = f"movements: {'also' if agrees else 'rather'} {self.opinion.emotion}"
        return f"{said} ({units})" if units else said

    def values_text(self) -> str:
        """Return what was read, in words."""
        number = "" if self.label is None else f" {self.numbers[self.label]:.2f}"
        parts = [self.emotion_word + number]
        parts += [
            f"{name} {text}" for name, text in (("age", self.age_text), ("smile", self.smile_text)) if text
        ]
        return ", ".join([*parts, *([self.gender_text] if self.gender_text else [])])

    def spoken(self) -> str:
        """Return the whole state in one sentence, for screen readers."""
        parts = (
            *(f"Face {self.track_id}", self.values_text(), self.opinion_tip),
            *(self.gaze, self.badge, self.model_text),
            *(
                f"{name} {trace.number:.2f}"
                for name, trace in self.labels.items()
                if math.isfinite(trace.number)
            ),
        )
        return ", ".join(part for part in parts if part)


class Readouts:
    """The readouts of all faces, ordered by id."""

    def __init__(self) -> None:
        self._by_id: dict[int, Readout] = {}
        self._time_s = -math.inf

    def __iter__(self) -> Iterator[Readout]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, track_id: int) -> Readout | None:
        """Return one face's readout, or None when it is not known."""
        return self._by_id.get(track_id)

    def update(self, result: FrameResult, *, raw: bool = False, forced: bool = False) -> None:
        """Take over one result and forget faces that have been gone for a second.

        Args:
            result: The newest result; a time that is not later than the last one's starts afresh.
            raw: Show the numbers before smoothing over time.
            forced: Whether a person has said which half of the faces is hidden.
        """
        time_s = result.frame.time_s
        if time_s <= self._time_s:
            self.clear()
        self._time_s = time_s
        predictions = result.raw_predictions if raw else result.predictions
        for face, prediction, smoothed in zip(result.faces, predictions, result.predictions, strict=True):
            readout = self._by_id.get(face.id)
            if readout is None:
                readout = self._by_id[face.id] = Readout(face.id)
            readout.update(face, prediction, time_s, forced=forced)
            update_traces(readout.labels, smoothed.labels, time_s)
        gone = [each.track_id for each in self if time_s - each.seen_s > FORGET_S]
        for track_id in gone:
            del self._by_id[track_id]
        if result.faces:
            self._by_id = dict(sorted(self._by_id.items()))

    def clear(self) -> None:
        """Forget all faces."""
        self._by_id.clear()
        self._time_s = -math.inf


def gaze_words(head_pose_deg: tuple[float, float, float]) -> str:
    """Return where a head points, as the viewer of the picture sees it.

    Args:
        head_pose_deg: Yaw, pitch and roll as `FaceTrack` defines them; NaN gives an empty text.
    """
    yaw, pitch, _ = head_pose_deg
    if math.isnan(yaw) or math.isnan(pitch):
        return ""
    if max(abs(yaw), abs(pitch)) < _AHEAD_DEG:
        return "looking ahead"
    if abs(yaw) >= abs(pitch):
        return "looking right" if yaw > 0 else "looking left"
    return "looking up" if pitch > 0 else "looking down"
