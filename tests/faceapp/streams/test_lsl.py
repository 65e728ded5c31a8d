"""Real outlets and inlets on this machine; nothing is announced beyond it."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from faceapp.errors import StreamError
from faceapp.streams import lsl_library
from faceapp.streams.feed import Mark
from faceapp.streams.lsl_library import counter_time_s, load_lsl, lsl_time_s
from faceapp.streams.lsl_markers import LONGEST_TEXT, MarkerInlet, ReceivedMark, marker_predicate, one_line
from faceapp.streams.lsl_outlets import LslOutput
from faceapp.streams.values import NAMES, channels, value_rows
from tests.faceapp.session.results import hidden, result
from tests.waiting import PATIENCE_S, wait_until

APART_S = 0.2
"""As far apart as both clocks may be read on a busy machine."""


@pytest.fixture(scope="module")
def lsl() -> ModuleType:
    pytest.importorskip("pylsl", reason="pylsl is not installed (extra lsl)")
    return load_lsl(network=False)


@pytest.fixture
def output(lsl: ModuleType) -> Iterator[LslOutput]:
    opened = LslOutput(network=False)
    opened.open()
    yield opened
    opened.close()


def inlet_of(lsl: ModuleType, outlet: Any) -> Any:
    """Find an outlet as any other program would, and no other one of the same name."""
    (found,) = lsl.resolve_bypred(f"uid='{outlet.get_info().uid()}'", 1, PATIENCE_S)
    inlet = lsl.StreamInlet(found, recover=False)
    inlet.open_stream(PATIENCE_S)
    return inlet


def test_values_arrive_with_the_time_of_the_capture(lsl: ModuleType, output: LslOutput) -> None:
    inlet = inlet_of(lsl, output._values)
    earliest_s = lsl.local_clock() - 0.5
    captured_s = time.perf_counter() - 0.5  # a picture that took half a second to be read
    latest_s = lsl.local_clock() - 0.5
    each = result(4, faces=2)
    each = replace(each, frame=replace(each.frame, captured_s=captured_s))
    output.send(each)
    samples = [inlet.pull_sample(PATIENCE_S) for _ in range(2)]
    for (values, time_s), wanted in zip(samples, value_rows(each), strict=True):
        np.testing.assert_array_equal(np.array(values, np.float32), wanted)
        assert earliest_s - APART_S < time_s < latest_s + APART_S, "half a second ago on LSL's clock"
    assert samples[0][1] == pytest.approx(samples[1][1], abs=1e-9), "both faces have the frame's time"


def test_an_abstention_arrives_as_nan(lsl: ModuleType, output: LslOutput) -> None:
    inlet = inlet_of(lsl, output._values)
    output.send(hidden(result(0)))
    values, _ = inlet.pull_sample(PATIENCE_S)
    named = dict(zip(NAMES, values, strict=True))
    assert named["occlusion"] == 3
    assert np.isnan([named["p_happiness"], named["age_years"], named["p_smile"]]).all()


def test_the_description_names_channels_units_and_types(lsl: ModuleType, output: LslOutput) -> None:
    info = inlet_of(lsl, output._values).info(PATIENCE_S)
    assert (info.name(), info.type(), info.nominal_srate()) == ("faceapp", "Expression", 0.0)
    assert info.source_id().startswith("faceapp-values-")
    entry = info.desc().child("channels").child("channel")
    for channel in channels():
        assert entry.child_value("label") == channel.label
        assert entry.child_value("unit") == (channel.unit or "none")
        assert entry.child_value("type") == "Expression"
        entry = entry.next_sibling("channel")
    assert entry.empty()
    assert info.desc().child("acquisition").child_value("model") == "faceapp"
    assert info.desc().child("synchronization").child_value("can_drop_samples") == "true"


def test_marks_arrive_as_text_with_their_time(lsl: ModuleType, output: LslOutput) -> None:
    inlet = inlet_of(lsl, output._marks)
    assert inlet.info(PATIENCE_S).type() == "Markers"
    earliest_s = lsl.local_clock() - 2.0
    moment_s = time.perf_counter() - 2.0
    latest_s = lsl.local_clock() - 2.0
    output.send(Mark("Lächeln_start", moment_s))
    values, time_s = inlet.pull_sample(PATIENCE_S)
    assert values == ["Lächeln_start"]
    assert earliest_s - APART_S < time_s < latest_s + APART_S


def test_the_state_tells_who_reads(lsl: ModuleType) -> None:
    output = LslOutput(network=False)
    assert output.state().text == "LSL starts"
    output.open()
    assert output.state().text == "LSL on, no reader"
    assert not output.state().leaves
    inlet = inlet_of(lsl, output._values)
    wait_until(lambda: output.state().text == "LSL on, 1 of 2 read")
    assert "read: faceapp" in output.state().detail
    inlet.close_stream()
    wait_until(lambda: output.state().text == "LSL on, no reader")
    output.close()


def test_both_clocks_are_joined(lsl: ModuleType) -> None:
    moment_s = time.perf_counter() - 3.25
    wait_until(lambda: counter_time_s(lsl, lsl_time_s(lsl, moment_s)) == pytest.approx(moment_s, abs=0.05))


def test_the_other_scope_asks_for_a_new_start(lsl: ModuleType) -> None:
    with pytest.raises(
        StreamError, match=r"expected to use the network, .* close faceapp and start it again"
    ):
        load_lsl(network=True)


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", None)
    with pytest.raises(StreamError, match=r'install it: pip install "faceapp\[lsl\]"') as refused:
        LslOutput(network=False).open()
    assert "\n" not in str(refused.value)


def test_a_library_that_cannot_be_kept_to_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class OldPylsl(ModuleType):
        @staticmethod
        def set_config_content(_content: str) -> None:
            raise NotImplementedError("requires liblsl >= 1.17.7")

    monkeypatch.setitem(sys.modules, "pylsl", OldPylsl("pylsl"))
    monkeypatch.setattr(lsl_library, "_scope", [])
    with pytest.raises(StreamError, match=r"expected liblsl 1\.17\.7 or later"):
        load_lsl(network=False)
    assert lsl_library._scope == [], "nothing is announced"


class Program:
    """Another program that sends markers."""

    def __init__(self, lsl: ModuleType, name: str, kind: str = "Markers", **options: Any) -> None:
        self._lsl = lsl
        format_ = options.pop("format", lsl.cf_string)
        info = lsl.StreamInfo(
            name, kind, options.pop("channels", 1), options.pop("rate_hz", 0.0), format_, name
        )
        self.outlet = lsl.StreamOutlet(info)

    def send(self, *values: Any, age_s: float = 0.0) -> None:
        self.outlet.push_sample(list(values), self._lsl.local_clock() - age_s)


@pytest.fixture
def name() -> str:
    """A name that no other stream on this machine has."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def reading(lsl: ModuleType) -> Iterator[Callable[[str], MarkerInlet]]:
    made: list[MarkerInlet] = []

    def make(wanted: str) -> MarkerInlet:
        made.append(MarkerInlet(wanted, network=False))
        return made[-1]

    yield make
    for inlet in made:
        inlet.close()
        assert not inlet.alive


def connected(inlet: MarkerInlet, name: str) -> None:
    wait_until(lambda: inlet.state.text == f"LSL markers from {name}")


def taken(inlet: MarkerInlet, number: int) -> list[ReceivedMark]:
    marks: list[ReceivedMark] = []
    wait_until(lambda: len(marks.extend(inlet.take()) or marks) >= number)
    return marks


def test_markers_of_another_program_come_with_their_own_time(lsl: ModuleType, name: str, reading) -> None:
    inlet = reading(name)
    assert inlet.state.text == f"LSL markers: no {name} yet"
    program = Program(lsl, name)
    connected(inlet, name)
    now_s = time.perf_counter()
    program.send("stimulus 1", age_s=1.5)
    program.send("réponse")
    sent_s = time.perf_counter()
    first, second = taken(inlet, 2)
    assert (first.stream, first.text, second.text) == (name, "stimulus 1", "réponse")
    earliest_s, latest_s = now_s - APART_S, sent_s + APART_S
    assert earliest_s - 1.5 < first.captured_s < latest_s - 1.5, "set before it was sent"
    assert earliest_s < second.captured_s < latest_s


def test_streams_are_chosen_by_their_type_too_and_numbers_become_text(
    lsl: ModuleType, name: str, reading
) -> None:
    kind = f"type-{name}"
    programs = (
        Program(lsl, name, kind, format=lsl.cf_int32),
        Program(lsl, f"{name}-2", kind, format=lsl.cf_float32, channels=2),
    )
    inlet = reading(kind)
    connected(inlet, f"{name}, {name}-2")
    programs[0].send(42)
    programs[1].send(1.5, 2.0)
    assert {(mark.stream, mark.text) for mark in taken(inlet, 2)} == {(name, "42"), (f"{name}-2", "1.5 2")}


def test_a_program_that_ends_is_told_and_found_again(lsl: ModuleType, name: str, reading) -> None:
    inlet = reading(name)
    program = Program(lsl, name)
    connected(inlet, name)
    del program
    wait_until(lambda: inlet.state.text == f"LSL markers: {name} is gone")
    program = Program(lsl, name)
    connected(inlet, name)
    program.send("back")
    assert [mark.text for mark in taken(inlet, 1)] == ["back"]


def test_a_signal_is_no_stream_of_markers(lsl: ModuleType, name: str, reading) -> None:
    program = Program(lsl, name, rate_hz=250.0, format=lsl.cf_float32)
    inlet = reading(name)
    wait_until(lambda: inlet.state.problem)
    assert inlet.state.problem == (
        f"LSL stream {name}: expected markers, found a signal of 250 Hz; choose another name or type"
    )
    assert not program.outlet.have_consumers()


def test_our_own_marks_do_not_come_back(lsl: ModuleType, output: LslOutput, name: str, reading) -> None:
    assert (
        lsl.resolve_bypred(
            f"({marker_predicate('faceapp markers')}) and uid='{output._marks.get_info().uid()}'", 1, 1.0
        )
        == []
    )
    Program(lsl, name)
    assert lsl.resolve_bypred("name='faceapp markers'", 1, PATIENCE_S), "it is there for others"


def test_foreign_text_is_one_short_printable_line(lsl: ModuleType, name: str, reading) -> None:
    program = Program(lsl, name)
    inlet = reading(name)
    connected(inlet, name)
    program.send("a\nb\x1b[31m\t" + "x" * 1000)
    program.send(b"\xff\xfe")
    first, second = taken(inlet, 2)
    assert first.text.startswith("a b [31m x") and len(first.text) == LONGEST_TEXT
    assert second.text == "��"
    assert one_line("  spaces   only  ") == "spaces only"


@pytest.mark.parametrize("wanted", ["x' or name!='", 'x" or name!="', "Anna's", 'say "a"'])
def test_a_name_cannot_break_out_of_the_search(lsl: ModuleType, name: str, wanted: str) -> None:
    program = Program(lsl, name)
    assert lsl.resolve_bypred(f"name='{name}'", 1, PATIENCE_S)
    assert lsl.resolve_bypred(marker_predicate(wanted), 1, 0.3) == []
    same = Program(lsl, wanted, name)
    (found,) = lsl.resolve_bypred(f"({marker_predicate(wanted)}) and type='{name}'", 1, PATIENCE_S)
    assert found.name() == wanted
    del program, same


def test_a_flood_of_markers_is_bounded_and_counted(lsl: ModuleType, name: str, reading) -> None:
    program = Program(lsl, name)
    inlet = reading(name)
    connected(inlet, name)
    for number in range(1500):
        program.send(str(number))
    wait_until(lambda: inlet.state.text.endswith(", 500 dropped"))
    marks = inlet.take()
    assert [mark.text for mark in marks[::999]] == ["500", "1499"]


def test_without_the_package_the_inlet_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", None)
    inlet = MarkerInlet("Markers", network=False)
    wait_until(lambda: not inlet.alive)
    assert 'pip install "faceapp[lsl]"' in inlet.state.problem
