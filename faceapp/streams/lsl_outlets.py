"""Two Lab Streaming Layer outlets: the values of all faces, and the marks that a person sets.

A frame with two faces is two samples with the same time, told apart by the channel `face_id`, so that the streams stay
the same while people come and go, as a recorder wants that subscribes once. Times are those of the capture.
"""

from __future__ import annotations

import platform
from types import ModuleType
from typing import Any

from faceapp.streams.feed import Mark, StreamState
from faceapp.streams.lsl_library import load_lsl, lsl_time_s
from faceapp.streams.values import channels, value_rows
from faceapp.surroundings import program_version
from faceapp.types import FrameResult

VALUES_NAME, MARKS_NAME = "faceapp", "faceapp markers"
VALUES_TYPE, MARKS_TYPE = "Expression", "Markers"
_IRREGULAR_HZ = 0.0


class LslOutput:
    """Sends results to the values outlet and marks to the markers outlet.

    Args:
        network: Whether other computers may find the streams.
    """

    name = "LSL"

    def __init__(self, network: bool) -> None:
        self._network = network
        self._lsl: ModuleType | None = None
        self._values: Any = None
        self._marks: Any = None

    def open(self) -> None:
        """Announce both streams.

        Raises:
            StreamError: LSL is not installed, or in use with the other scope.
        """
        lsl = load_lsl(self._network)
        self._values, self._marks = lsl.StreamOutlet(_values_info(lsl)), lsl.StreamOutlet(_marks_info(lsl))
        self._lsl = lsl

    def send(self, item: FrameResult | Mark) -> None:
        """Push one result, or one mark; liblsl copies it and sends it on a thread of its own."""
        assert self._lsl is not None
        if isinstance(item, Mark):
            self._marks.push_sample([item.text], lsl_time_s(self._lsl, item.captured_s))
            return
        time_s = lsl_time_s(self._lsl, item.frame.captured_s)
        for row in value_rows(item):
            self._values.push_sample(row.tolist(), time_s)

    def state(self) -> StreamState:
        """Return whether anyone reads."""
        where = "on the network" if self._network else "on this computer"
        if self._lsl is None:
            return StreamState("LSL starts", f"Streams will be offered {where}", self._network)
        read = [name for name, outlet in self._outlets() if outlet.have_consumers()]
        text = f"LSL on, {len(read)} of 2 read" if read else "LSL on, no reader"
        detail = f"Streams offered {where}: {VALUES_NAME} (values), {MARKS_NAME}; read: {', '.join(read) or 'none'}"
        return StreamState(text, detail, self._network)

    def close(self) -> None:
        """Take both streams away."""
        self._lsl = self._values = self._marks = None

    def _outlets(self) -> tuple[tuple[str, Any], ...]:
        return (VALUES_NAME, self._values), (MARKS_NAME, self._marks)


def source_id(kind: str) -> str:
    """Return the id by which a recorder finds a stream again after the program was started anew."""
    return f"faceapp-{kind}-{platform.node()}"


def _values_info(lsl: ModuleType) -> Any:
    known = channels()
    info = lsl.StreamInfo(
        VALUES_NAME, VALUES_TYPE, len(known), _IRREGULAR_HZ, lsl.cf_float32, source_id("values")
    )
    description = _describe(info)
    entries = description.append_child("channels")
    for channel in known:
        entry = entries.append_child("channel")
        entry.append_child_value("label", channel.label)
        entry.append_child_value("unit", channel.unit or "none")
        entry.append_child_value("type", VALUES_TYPE)
        entry.append_child_value("meaning", channel.meaning)
    return info


def _marks_info(lsl: ModuleType) -> Any:
    info = lsl.StreamInfo(MARKS_NAME, MARKS_TYPE, 1, _IRREGULAR_HZ, lsl.cf_string, source_id("markers"))
    _describe(info)
    return info


def _describe(info: Any) -> Any:
    description = info.desc()
    description.append_child_value("manufacturer", "faceapp")
    acquisition = description.append_child("acquisition")
    acquisition.append_child_value("model", "faceapp")
    acquisition.append_child_value("software_version", program_version())
    synchronization = description.append_child("synchronization")
    synchronization.append_child_value("time_source", "capture of the picture")
    synchronization.append_child_value("can_drop_samples", "true")
    return description
