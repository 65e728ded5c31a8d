from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceapp.session.face_cover import HOLD_S, LOOK_AHEAD_S, FaceCover, cover
from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from faceapp.types import FaceTrack
from tests.faceapp.session.results import card, result

NOISE = np.random.default_rng(0).integers(0, 255, (120, 200, 3), dtype=np.uint8)


def face(x_px: float, face_id: int = 1) -> FaceTrack:
    box = np.array([x_px, 40, x_px + 30, 80], dtype=np.float32)
    return FaceTrack(face_id, box, np.zeros((478, 3), dtype=np.float32), 0.9)


def is_covered(image: np.ndarray, x_px: float) -> bool:
    """Whether the middle of a face there has lost its noise."""
    area = slice(45, 75), slice(int(x_px) + 5, int(x_px) + 25)
    return bool((image[area] == NOISE[area]).mean() < 0.05)


def run(style: str, frames: list[float], known: dict[float, list[FaceTrack]], ended: bool = True):
    faces = FaceCover(style)
    done = []
    for time_s in sorted({*frames, *known}):
        if time_s in frames:
            faces.hold(NOISE, time_s)
        if time_s in known:
            faces.know(time_s, known[time_s])
        done += faces.ready()
    if ended:
        done += faces.ready(ended=True)
    return faces, done


def test_clear_pictures_pass_at_once_and_unchanged():
    faces = FaceCover("clear")
    faces.hold(NOISE, 0.0)
    ((image, time_s),) = faces.ready()
    assert image is NOISE and time_s == 0.0


@pytest.mark.parametrize("style", ["blurred", "silhouette"])
def test_a_moving_face_is_covered_between_analysed_frames(style: str):
    frames = [round(step * 0.05, 2) for step in range(21)]
    known = {0.0: [face(20)], 0.4: [face(80)], 0.8: [face(140)]}
    faces, done = run(style, frames, known)
    assert [time_s for _, time_s in done] == frames
    for image, time_s in done:
        assert is_covered(image, 20 + min(time_s, 0.8) * 150), time_s
        assert (image[100:] == NOISE[100:]).all(), "the rest of the picture stays"
    assert faces.uncertain == 0


def test_a_face_is_covered_before_it_was_found_and_after_it_was_lost():
    frames = [round(step * 0.05, 2) for step in range(40)]
    known = {time_s: [face(60)] if 0.5 <= time_s <= 1.0 else [] for time_s in frames}
    _, done = run("silhouette", frames, known)
    covered = [time_s for image, time_s in done if is_covered(image, 60)]
    assert covered[0] == pytest.approx(0.5 - LOOK_AHEAD_S)
    assert covered[-1] == pytest.approx(1.0 + HOLD_S, abs=0.051)


def test_without_any_knowledge_the_whole_picture_is_covered():
    faces, done = run("blurred", [step / 30 for step in range(100)], {})
    assert len(done) == 100 == faces.uncertain
    assert all((image == NOISE).mean() < 0.05 for image, _ in done)


def test_waiting_for_results_is_bounded():
    faces = FaceCover("silhouette")
    for step in range(1000):
        faces.hold(NOISE, step / 30)
        list(faces.ready())
    assert len(faces._waiting) <= 61


def test_blurring_leaves_a_few_blocks_and_a_silhouette_one_colour(astronaut: np.ndarray):
    box = np.array([170, 60, 280, 200], dtype=np.float32)
    inside = slice(100, 170), slice(195, 255)
    flat = cover(astronaut, [box], "silhouette")[inside]
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) == 1
    blurred = cover(astronaut, [box], "blurred")[inside]
    edges = np.abs(np.diff(blurred.astype(int), axis=0)).mean()
    assert edges < np.abs(np.diff(astronaut[inside].astype(int), axis=0)).mean() / 2
    assert np.abs(blurred.mean((0, 1)) - astronaut[inside].mean((0, 1))).max() < 20


def test_a_box_outside_the_picture_covers_nothing():
    assert (cover(NOISE, [np.array([500, 500, 600, 600], dtype=np.float32)], "blurred") == NOISE).all()


def test_the_file_holds_only_covered_faces(tmp_path: Path):
    import av

    writer = SessionWriter(
        tmp_path / "s",
        source="test",
        cards=[card()],
        settings={},
        captured=True,
        faces="silhouette",
        wait=True,
    )
    for index in range(20):
        each = result(index, index / 20, image=NOISE)
        writer.put_frame(each.frame)
        if index % 4 == 0:
            writer.put(each)
    session = read_session(writer.close())
    assert session.metadata["video"]["faces"] == "silhouette"
    assert session.metadata["video"]["wholly_covered_frames"] == 0
    with av.open(str(session.video)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == 20
    for picture in pictures:
        assert picture[16:34, 14:27].std() < 6, "a flat face"
        assert picture[60:, 100:].std() > 30
