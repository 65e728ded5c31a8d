from __future__ import annotations

import csv
import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.annotations import Event, append_event
from faceapp.session.export import export_session
from faceapp.session.reader import read_session
from faceapp.session.report import write_report
from faceapp.session.segments import emotion_segments
from faceapp.session.summary import format_summary, summarise
from faceapp.session.table import COLUMNS
from faceapp.session.timeline_axes import axes, marks
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Face 1: happiness, from 1 s on neutral, away from 1.2 s to 1.8 s; face 2 in the last two frames."""
    writer = SessionWriter(
        tmp_path / "s",
        source="test <1>",
        cards=[card()],
        settings={},
        wait=True,
        about=About(notes="<script>alert(1)</script>"),
    )
    for index in range(50):
        faces = 0 if 30 <= index < 45 else 1 + (index >= 48)
        writer.put(result(index, faces=faces, happiness=0.9 if index < 25 else 0.05))
    folder = writer.close()
    append_event(folder, Event(0.5, 1.5, label="film <A>", note="loud & clear"))
    append_event(folder, Event(1.0, 1.0, label="key 1"))
    return folder


def test_segments_follow_the_most_probable_emotion_and_end_at_gaps(session: Path):
    segments = emotion_segments(read_session(session))
    found = [(part.face_id, round(part.start_s, 3), round(part.end_s, 3), part.emotion) for part in segments]
    assert found == [
        (1, 0.0, 1.0, "happiness"),
        (1, 1.0, 1.2, "neutral"),
        (1, 1.8, 2.0, "neutral"),
        (2, 1.92, 2.0, "neutral"),
    ]
    assert segments[0].probability == pytest.approx(0.9, abs=1e-5)


def test_the_summary_counts_frames_faces_and_emotions(session: Path):
    summary = summarise(read_session(session))
    assert (summary.frames, summary.frames_with_face, summary.faces, summary.dropped) == (50, 35, 2, 0)
    assert summary.duration_s == pytest.approx(1.96)
    assert list(summary.emotion_shares) == ["happiness", "neutral"]
    assert summary.emotion_shares["happiness"] == pytest.approx(25 / 37)
    assert summary.mean_age_years == pytest.approx(31.5)
    text = "\n".join(format_summary(summary))
    assert "50 frames" in text and "35 (70%)" in text and "happiness 68%" in text and "32 years" in text


def test_every_format_is_written_and_an_older_export_replaced(session: Path):
    export_session(session)
    (session / "export" / "faces.csv").write_text("old")
    assert "faces.csv" in [path.name for path in export_session(session, ["csv"])]
    assert (session / "export" / "faces.csv").read_text() != "old"
    assert export_session(session, ["webvtt"], session / "elsewhere") == [
        session / "elsewhere" / "captions.vtt"
    ]


def test_the_csv_has_the_columns_and_empty_cells(session: Path):
    path, *_ = export_session(session, ["csv"])
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 37
    assert rows[0]["roll_deg"] == ""
    assert float(rows[0]["p_happiness"]) == pytest.approx(0.9, abs=1e-5)


def test_elan_tiers_are_ordered_and_point_at_the_video(session: Path):
    (path,) = export_session(session, ["elan"])
    root = ElementTree.parse(path).getroot()
    media = root.find("HEADER/MEDIA_DESCRIPTOR").get("RELATIVE_MEDIA_URL")
    assert (path.parent / media).resolve() == (session / "video.mkv").resolve()
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.find("TIME_ORDER")}
    tiers = {tier.get("TIER_ID"): tier.findall("*/ALIGNABLE_ANNOTATION") for tier in root.findall("TIER")}
    assert set(tiers) == {"face 1", "face 2", "marker", "marker 2"}
    for nodes in tiers.values():
        spans = [(slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")]) for a in nodes]
        assert all(start < end for start, end in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert tiers["face 1"][0].findtext("ANNOTATION_VALUE") == "happiness"
    assert tiers["marker"][0].findtext("ANNOTATION_VALUE") == "film <A> · loud & clear"
    ids = [node.get("ANNOTATION_ID") for node in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(ids) == len(set(ids))


def test_webvtt_cues_are_ordered_and_escaped(session: Path):
    (path,) = export_session(session, ["webvtt"])
    text = path.read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\n")
    clock = r"(\d\d:\d\d:\d\d\.\d{3})"
    cues = re.findall(f"^{clock} --> {clock}\n(.+)\n(?:\n|$)", text, flags=re.MULTILINE)
    assert len(cues) == 6
    assert [start for start, _, _ in cues] == sorted(start for start, _, _ in cues)
    assert ("00:00:00.000", "00:00:01.000", "face 1: happiness 0.90") in cues
    assert ("00:00:00.500", "00:00:01.500", "[marker] film &lt;A&gt; loud &amp; clear") in cues


def test_an_unknown_format_is_named(session: Path):
    with pytest.raises(SessionError, match="found 'xml'"):
        export_session(session, ["xml"])


def test_an_export_folder_that_cannot_be_made_is_one_line(session: Path):
    with pytest.raises(SessionError, match="expected a folder that can be written"):
        export_session(session, ["csv"], session / "session.json" / "below")


def test_the_report_is_whole_and_loads_nothing(session: Path):
    path = write_report(session)
    html = path.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=|url\(|@import|<script""", html)
    assert "&lt;script&gt;" in html and "film &lt;A&gt;" in html
    assert html.count("<svg") == 2
    assert html.count("<polyline") == 8 * 3, "face 1 in two stretches, face 2 in one"
    assert "ab" * 32 in html and "35 (70%)" in html
    assert "<h2>Figures</h2>" in html and "<td>range film &lt;A&gt;</td>" in html
    assert (
        "<tr><td>captured</td><td>50</td></tr>" in html and "<tr><td>unexplained</td><td>0</td></tr>" in html
    )
    assert "<tr><td>capture to result</td><td>12.3</td><td>12.3</td></tr>" in html


def test_timelines_of_the_report_have_axes_with_units_and_show_the_marks(session: Path):
    append_event(session, Event(0.2, 0.4, kind="exclude", label="looked away"))
    append_event(session, Event(1.95, 1.95, label="of the second", face=2))
    first, second = re.findall("<svg.+?</svg>", write_report(session).read_text(encoding="utf-8"), re.DOTALL)
    for svg, number in ((first, 3), (second, 4)):
        texts = [node.text for node in ElementTree.fromstring(svg).iter("text")]
        assert {"probability", "0", "0.5", "1", "time (minutes:seconds)", "0:01.0"} <= set(texts)
        assert {"film <A>", "key 1", "exclude: looked away"} <= set(texts)
        assert ("of the second" in texts) is (number == 4), (
            "a face shows its own marks and those of the picture"
        )
        assert svg.count('class="mark"') == number
        assert svg.count('fill-opacity="0.08"') == 2, "stretches are bands, moments are lines"
    assert "<title>0:00.5 to 0:01.5 marker: film &lt;A&gt;: loud &amp; clear</title>" in first


def test_labels_of_marks_never_cover_each_other():
    events = [Event(second / 10, second / 10, label=f"key {second}") for second in range(20)]
    drawn, above = marks(events, lambda time_s: time_s * 40)
    shown = re.findall(r'<rect x="([\d.]+)" y="(-[\d.]+)" width="([\d.]+)"', drawn)
    assert 6 <= len(shown) < len(events) == drawn.count("<title>"), "what has no room is in the tooltip"
    assert above == 6 * 15
    for one, other in combinations([tuple(map(float, each)) for each in shown], 2):
        assert one[1] != other[1] or one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]


@pytest.mark.parametrize(
    ("span_s", "shown"), [(1.0, "0:00.5"), (45.0, "0:05"), (600.0, "9:00"), (4000.0, "60:00")]
)
def test_times_on_the_axis_suit_the_length(span_s: float, shown: str):
    drawn = axes(0.0, span_s, lambda time_s: time_s)
    assert f">{shown}</text>" in drawn
    assert 3 <= drawn.count(":") <= 12


def test_a_session_without_faces_exports_and_reports(tmp_path: Path):
    writer = SessionWriter(tmp_path / "s", source="test", cards=[], settings={}, wait=True, video=False)
    writer.put(result(0, faces=0))
    folder = writer.close()
    assert export_session(folder)
    assert "No face was found" in write_report(folder).read_text(encoding="utf-8")
    assert summarise(read_session(folder)).faces == 0
