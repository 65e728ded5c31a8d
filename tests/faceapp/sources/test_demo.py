"""The demo: deterministic, paced when live, every frame when recorded, and a face a tracker finds where it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import SourceError
from faceapp.sources import Clip, demo_layers
from faceapp.sources import demo as demo_module
from faceapp.sources.demo import LiveDemo, RecordedDemo
from faceapp.sources.demo_scene import HEIGHT_PX, VARIANTS, WIDTH_PX, DemoScene

EYE_CORNERS = (33, 263)


@pytest.fixture(scope="module")
def scenes() -> dict[str, DemoScene]:
    return {variant: DemoScene(variant) for variant in VARIANTS}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_time_gives_the_same_picture(scenes, variant):
    scene = scenes[variant]
    first = scene.render(3.3)
    kept = first.copy()
    second = scene.render(4.1)
    assert first.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, kept)  # a later picture has its own memory
    assert not np.array_equal(first, second)
    assert np.array_equal(DemoScene(variant).render(3.3), kept)


def test_the_disguise_is_the_only_difference(scenes):
    plain, headset, mask = (scenes[variant].render(2.0) for variant in ("plain", "headset", "mask"))
    points = scenes["plain"].landmarks(2.0)[0]
    rows = [np.flatnonzero((plain != other).any(axis=(1, 2))) for other in (headset, mask)]
    nose, chin, forehead = (points[index, 1] for index in (4, 152, 10))
    assert forehead - 60 < rows[0].min()
    assert rows[0].max() < nose + 25
    assert points[33, 1] < rows[1].max()
    assert rows[1].max() < chin + 40
    assert rows[1].min() > forehead


def test_everything_moves_and_stays_in_the_picture(scenes):
    times_s = np.arange(0, 40, 0.5)
    for variant in ("plain", "two"):
        meshes = np.array([scenes[variant].landmarks(t) for t in times_s])[..., :2]
        assert meshes.min() > 20
        assert (meshes.max(axis=(0, 1, 2)) < (WIDTH_PX - 20, HEIGHT_PX - 60)).all()
        widths = np.linalg.norm(meshes[:, :, 33] - meshes[:, :, 263], axis=2)
        assert (widths.max(axis=0) / widths.min(axis=0) > 1.1).all()  # scaling
        assert (np.ptp(meshes.mean(axis=2), axis=0)[:, 0] > 100).all()  # moving
        poses = np.array([scenes[variant].head_poses_deg(t) for t in times_s])
        assert (np.ptp(poses, axis=0)[:, 0] > 25).all()  # turning
    brightness = [scenes["plain"].render(t)[::8, ::8].mean() for t in times_s[::8]]
    assert np.ptp(brightness) > 3  # lighting


def test_two_people_never_overlap(scenes):
    for time_s in np.arange(0, 60, 0.5):
        left, right = scenes["two"].landmarks(time_s)
        assert left[:, 0].max() + 20 < right[:, 0].min()


def test_the_mesh_turns_as_the_pose_says(scenes):
    """Positive yaw turns the nose towards the right edge, positive pitch up, positive roll clockwise."""
    times_s = np.arange(0, 30, 0.2)
    meshes = np.array([scenes["plain"].landmarks(t)[0] for t in times_s])
    yaw, pitch, roll = np.array([scenes["plain"].head_poses_deg(t)[0] for t in times_s]).T
    across = meshes[:, 263] - meshes[:, 33]
    nose = meshes[:, 1] - meshes[:, EYE_CORNERS].mean(axis=1)
    unit = (across[:, :2] ** 2).sum(axis=1)
    sideways = (nose[:, 0] * across[:, 0] + nose[:, 1] * across[:, 1]) / unit  # along the line of the eyes
    downwards = (nose[:, 1] * across[:, 0] - nose[:, 0] * across[:, 1]) / unit
    assert np.corrcoef(yaw, sideways)[0, 1] > 0.98
    assert np.corrcoef(pitch, downwards)[0, 1] < -0.9
    assert np.corrcoef(roll, np.degrees(np.arctan2(across[:, 1], across[:, 0])))[0, 1] > 0.95


def test_recorded_gives_every_frame_and_ends():
    source = RecordedDemo("plain", 0.5)
    source.open()
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    assert source.ended
    assert not source.live
    assert (source.frame_count, source.duration_s, source.name) == (15, 0.5, "demo")
    assert [frame.index for frame in frames] == list(range(15))
    assert [frame.time_s for frame in frames] == pytest.approx([n / 30 for n in range(15)])
    assert not frames[0].image.flags.writeable
    source.seek(0.3)
    again = source.read()
    assert again.index == 9
    assert np.array_equal(again.image, frames[9].image)
    source.close()


def test_recorded_clip():
    source = RecordedDemo("plain", 2.0, Clip(start_s=0.5, end_s=1.5, every=10))
    source.open()
    assert [source.read().index for _ in range(3)] == [15, 25, 35]
    assert source.frame_count == 3
    assert source.read() is None
    source.close()


def test_live_waits_for_the_clock_and_leaves_out_what_nobody_took(monkeypatch):
    now_s = 100.0
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now_s
        slept.append(seconds)
        now_s += seconds

    monkeypatch.setattr(demo_module.time, "perf_counter", lambda: now_s)
    monkeypatch.setattr(demo_module.time, "sleep", sleep)
    source = LiveDemo("two")
    source.open()
    assert source.live
    assert not hasattr(source, "seek")
    first, second = source.read(), source.read()
    assert (first.index, second.index) == (0, 1)
    assert slept == pytest.approx([0.0, 1 / 30])
    assert second.captured_s == pytest.approx(100 + 1 / 30)
    now_s += 1.01
    late = source.read()
    assert late.index == 31
    assert late.time_s == pytest.approx(31 / 30)
    assert np.array_equal(late.image, DemoScene("two").render(31 / 30))
    assert not source.ended
    source.close()
    source.close()
    monkeypatch.undo()
    with pytest.raises(SourceError, match="demo:two: expected an open source"):
        source.read()


def test_live_reads_go_on_in_time():
    source = LiveDemo()
    source.open()
    frames = [source.read() for _ in range(3)]
    assert frames[0].time_s < frames[1].time_s < frames[2].time_s
    source.close()


def test_a_length_that_is_none():
    with pytest.raises(SourceError, match="expected a length above 0 s"):
        RecordedDemo("plain", 0.0)


def test_missing_files_are_one_clear_line(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(demo_layers, "FOLDER", tmp_path)
    with pytest.raises(
        SourceError, match=r"expected a picture of the demo, found none; install the program again"
    ):
        LiveDemo().open()


def test_the_assets_are_small_and_credited():
    files = [file for file in demo_layers.FOLDER.iterdir() if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 150 * 1024
    assert "public domain" in (demo_layers.FOLDER / "CREDIT.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "variant, faces, largest_error",
    [("plain", 1, 0.06), ("headset", 1, 0.2), ("mask", 1, 0.15), ("two", 2, 0.06)],
)
def test_a_tracker_finds_the_faces_where_they_are(scenes, variant, faces, largest_error):
    """MediaPipe alone, without the program's tracker; errors in units of the distance between outer eye corners."""
    from mediapipe.python.solutions.face_mesh import FaceMesh

    found_in, frames = 0, 40
    with FaceMesh(max_num_faces=4, refine_landmarks=True) as mesh:
        for number in range(frames):
            time_s = number / 6  # every fifth frame of seven seconds: harder to follow than the demo itself
            seen = mesh.process(scenes[variant].render(time_s)).multi_face_landmarks or []
            points = [np.array([(p.x * WIDTH_PX, p.y * HEIGHT_PX) for p in face.landmark]) for face in seen]
            found_in += all(
                _is_found(mesh_points[:, :2], points, largest_error)
                for mesh_points in scenes[variant].landmarks(time_s)
            )
            assert len(scenes[variant].landmarks(time_s)) == faces
    assert found_in >= 0.95 * frames


def _is_found(true: np.ndarray, candidates: list[np.ndarray], largest_error: float) -> bool:
    unit = np.linalg.norm(true[33] - true[263])
    return any(np.linalg.norm(points - true, axis=1).mean() / unit < largest_error for points in candidates)
