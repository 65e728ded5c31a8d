"""From marks to a label and back, on real pictures through tracker, crop and network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceapp.commands.session_teach import describe_label
from faceapp.errors import SessionError
from faceapp.labels.label_file import load_label, save_label
from faceapp.labels.label_reader import LabelReader
from faceapp.labels.teaching import teach_label
from faceapp.session.annotations import Event, append_event
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import result

STEP_S, COUNT = 2.5, 36


def session(folder: Path, astronaut: np.ndarray, landmarks: np.ndarray, model: str = "multitask") -> Path:
    """The portrait every 2.5 s, mirrored in a third of the pictures, which are marked."""
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    mesh = landmarks[:, :2] * (256 / astronaut.shape[0])
    box = np.concatenate([mesh.min(axis=0), mesh.max(axis=0)]).astype(np.float32)
    mirrored_box = np.array([255 - box[2], box[1], 255 - box[0], box[3]], np.float32)
    writer = SessionWriter(
        folder, source="test", cards=[], settings={}, wait=True, video=True, time_origin_s=0.0
    )
    for index in range(COUNT):
        mirrored = index // 2 % 3 == 0
        image = np.ascontiguousarray(small[:, ::-1]) if mirrored else small
        made = result(index, time_s=index * STEP_S, image=image)
        face = replace(made.faces[0], box=mirrored_box if mirrored else box)
        read = tuple(replace(each, model=model) for each in made.predictions)
        writer.put(replace(made, faces=(face,), predictions=read))
    writer.close()
    for index in range(COUNT):
        if index // 2 % 3 == 0:
            append_event(folder, Event(index * STEP_S, index * STEP_S, label="mirrored"))
    return folder


@pytest.fixture(scope="module")
def marked(
    tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> Path:
    return session(tmp_path_factory.mktemp("teach") / "session", astronaut, astronaut_landmarks)


def test_a_label_is_taught_judged_kept_and_read(
    marked: Path, tmp_path: Path, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    told: list[tuple[int, int]] = []
    taught = teach_label([marked], "mirrored", progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, COUNT)
    assert len(told) == COUNT
    judgement = taught.label.judgements[0]
    assert (judgement.shown, judgement.other) == (12, 24)
    assert judgement.accuracy > 0.95
    assert judgement.beats_chance
    assert taught.examples.left_out == ()
    assert "12 moments against 24, on multitask" in describe_label(taught.label)[0]
    save_label(taught.label, tmp_path / "mirrored.label.json")
    again = load_label(tmp_path / "mirrored.label.json")
    probabilities = again.probabilities(taught.examples.features)
    assert (probabilities[taught.examples.labels] > 0.5).all()
    assert (probabilities[~taught.examples.labels] < 0.5).all()
    assert LabelReader([again]).on


def test_faces_that_are_not_in_the_video_are_refused(
    tmp_path: Path, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    blank = np.full_like(astronaut, 90)
    folder = session(tmp_path / "blank", blank, astronaut_landmarks)
    with pytest.raises(SessionError, match="expected the stored faces in the video, found 0 of 36"):
        teach_label([folder], "mirrored")


def test_covered_faces_are_refused(marked: Path, tmp_path: Path) -> None:
    import json
    import shutil

    folder = Path(shutil.copytree(marked, tmp_path / "covered"))
    about = json.loads((folder / "session.json").read_text())
    about["video"]["faces"] = "blurred"
    (folder / "session.json").write_text(json.dumps(about))
    with pytest.raises(SessionError, match="expected clear faces in the video, found them blurred"):
        teach_label([folder], "mirrored")
