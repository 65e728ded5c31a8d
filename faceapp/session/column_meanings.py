"""What every column of a session means, and its unit: the data dictionary of exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engines.card import EMOTIONS
from faceapp.session.frame_log import STAGES
from faceapp.tracking.action_units import MEASURED_UNITS

_FACES = (
    ("frame", "", "number of the frame in its source"),
    ("face_id", "", "id of the face, stable over time"),
    ("time_s", "s", "from the start of the session; the video's timestamps have the same clock"),
    ("utc", "ISO 8601", "wall clock"),
    ("score", "0..1", "confidence that the mesh lies on a face"),
    (
        "occlusion",
        "",
        "what hides the face: none, headset, mask; hidden: too little is visible, no value is given",
    ),
    ("model", "", "network that answered; empty where the program abstained"),
    ("x0_px", "px", "left edge of the face's box"),
    ("y0_px", "px", "upper edge of the face's box"),
    ("x1_px", "px", "right edge of the face's box"),
    ("y1_px", "px", "lower edge of the face's box"),
    ("yaw_deg", "deg", "head pose: positive turns towards the picture's right edge"),
    ("pitch_deg", "deg", "head pose: positive looks up"),
    ("roll_deg", "deg", "head pose: positive turns clockwise in the picture"),
    ("capture_to_result_ms", "ms", "from the capture of the frame to its result"),
)
_PREDICTIONS = (
    *(
        (f"p_{name}", "0..1", f"probability that the face shows {name}; the eight sum to 1")
        for name in EMOTIONS
    ),
    ("age_years", "years", "expected apparent age"),
    ("age_std_years", "years", "standard deviation of the age distribution"),
    ("p_female", "0..1", "probability of a woman's face"),
    ("p_smile", "0..1", "probability of a smile"),
)
_MOVEMENTS = (
    *(
        (
            unit.column,
            "deviations",
            f"{unit.title}, {unit.name}: against the person's own calm face where it is known, in standard deviations "
            "between calm faces of many people; negative is the opposite movement; not FACS' A to E",
        )
        for unit in MEASURED_UNITS
    ),
    ("second_opinion", "", "emotion the movements rather show; empty where the network's call was clear"),
)
_FRAMES = (
    ("frame", "", "number of the frame in its source"),
    ("time_s", "s", "from the start of the session"),
    ("utc", "ISO 8601", "wall clock"),
    ("captured_s", "s", "the computer's monotonic clock right after the capture"),
    ("in_video", "true, false", "whether the picture is in the video"),
    ("not_in_video", "", "why it is not"),
    ("analysed", "true, false", "whether the frame has a result"),
    ("not_analysed", "", "why it has none"),
    ("faces", "", "faces found in it"),
)


def column_meanings(labels: Iterable[str] = ()) -> Iterator[tuple[str, str, str, str]]:
    """Yield table, column, unit and meaning of every column of `faces.csv` and `frames.csv`.

    Args:
        labels: Columns of people's own labels, see `faceapp.session.table.label_columns`.
    """
    for name, unit, meaning in (*_FACES, *_PREDICTIONS):
        yield "faces", name, unit, meaning
    for name, unit, meaning in _MOVEMENTS:
        yield "faces", name, unit, meaning
    for name, unit, meaning in _PREDICTIONS:
        yield "faces", f"{name}_raw", unit, f"{meaning}; before smoothing over time"
    for name in labels:
        yield "faces", name, "0..1", "probability of a label that a person taught"
    for name, unit, meaning in _FRAMES:
        yield "frames", name, unit, meaning
    for stage in STAGES:
        yield "frames", f"{stage}_ms", "ms", f"time of the stage: {stage.replace('_', ' ')}"
