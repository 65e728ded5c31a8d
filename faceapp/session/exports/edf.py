"""EDF+: every face's values as signals at a regular rate, marks as annotations; opens in EEG viewers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceapp.session.clock import moment_of
from faceapp.session.face_rows import face_names
from faceapp.session.reader import Session
from faceapp.session.regular import RegularColumns, regular_columns, usual_rate_hz
from faceapp.session.table import PREDICTION_COLUMNS

if TYPE_CHECKING:
    import edfio

ABOUT = "EDF+: signals at a regular rate and annotations"
_COLUMNS = (*PREDICTION_COLUMNS, "yaw_deg", "pitch_deg", "roll_deg")
_RANGES = {"years": (-1.0, 120.0), "deg": (-200.0, 200.0), "": (-1.0, 1.0)}
"""Physical range of each unit. EDF has no missing value: the lower end, which no measured value reaches, stands for it."""


def available() -> str:
    """Return why EDF+ can't be written; empty when it can."""
    if importlib.util.find_spec("edfio") is None:
        return "install it with `pip install 'faceapp[exports]'`"
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `session.edf`; a signal is called "f1 p_neutral", its lower physical limit means missing."""
    import edfio

    started = moment_of(session.metadata["started_utc"])
    # Files begin at whole seconds: readers disagree about shares of one. The first rows are empty up to the session's start.
    early_s = started.microsecond / 1e6
    started = started.replace(microsecond=0)
    made = regular_columns(session, _COLUMNS, max(1.0, round(usual_rate_hz(session))), -early_s)
    signals = [signal for face in made.faces for signal in _signals(made, face)]
    annotations = [
        edfio.EdfAnnotation(max(0.0, event.start + early_s), _duration(event), _mark(event))
        for event in session.events
    ]
    names = ", ".join(
        f"f{face} {name}" for face, name in face_names(session).items() if name != f"face {face}"
    )
    file = edfio.Edf(
        signals or [edfio.EdfSignal(np.zeros(1), 1, label="no face", physical_range=(-1, 1))],
        patient=edfio.Patient(code=_ascii(session.metadata.get("participant") or "X")),
        recording=edfio.Recording(
            startdate=started.date(),
            equipment_code="faceapp",
            additional=tuple(_ascii(names or "X")[:40].split()),
        ),
        starttime=started.time(),
        annotations=annotations,
        data_record_duration=1,
    )
    path = folder / "session.edf"
    file.write(path)
    return [path]


def _signals(made: RegularColumns, face: int) -> list[edfio.EdfSignal]:
    import edfio

    rate = round(made.rate_hz)
    signals = []
    for position, column in enumerate(made.columns):
        unit = next((unit for unit in ("years", "deg") if column.endswith(unit)), "")
        low, high = _RANGES[unit]
        values = made.faces[face][:, position]
        values = np.where(np.isfinite(values), values.clip(low + (high - low) / 1000, high), low)
        values = np.concatenate([values, np.full(-len(values) % rate, low)])
        signals.append(
            edfio.EdfSignal(
                values,
                rate,
                label=f"f{face} {column}"[:16],
                physical_dimension=unit,
                physical_range=(low, high),
                prefiltering=f"resampled {rate} Hz linear",
            )
        )
    return signals


def _duration(event: Any) -> float | None:
    return float(event.end - event.start) if event.end > event.start else None


def _mark(event: Any) -> str:
    parts = (
        event.label or event.kind,
        "" if event.face is None else f"face {event.face}",
        event.author,
        event.note,
    )
    return "".join(letter for letter in " | ".join(part for part in parts if part) if letter.isprintable())


def _ascii(text: Any) -> str:
    """Return a text for EDF's head: visible ASCII without spaces."""
    return "".join(letter if "!" <= letter <= "~" else "_" for letter in str(text))[:60] or "X"
