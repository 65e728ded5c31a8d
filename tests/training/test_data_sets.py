from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.card import EMOTIONS
from tests.training.native_sets import WRITERS, draw_face
from training.data import ckplus, ferplus, genki4k, utkface
from training.data.sample import SPLITS, find_root, hashed_split
from training.errors import DatasetError


def test_ferplus_keeps_vote_shares_and_drops_unknown(tmp_path: Path) -> None:
    found = ferplus.samples(WRITERS["ferplus"](tmp_path), "train")

    assert [sample.path.name for sample in found] == ["fer0000000.png", "fer0000001.png", "fer0000003.png"]
    first = dict(zip(EMOTIONS, found[0].emotion, strict=True))
    assert first["neutral"] == pytest.approx(4 / 9)
    assert first["sadness"] == 0, "a single vote counts as noise"
    assert found[2].emotion[EMOTIONS.index("surprise")] == 1


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("fer0000000.png,box,1,2", "label.csv:2"),
        ('fer0000000.png,"(0, 0, 48, 48)",a,0,0,1,3,2,0,0,0,0', "label.csv:2"),
        ('gone.png,"b",4,0,0,1,3,2,0,0,0,0', "gone.png"),
    ],
)
def test_ferplus_names_the_bad_line(tmp_path: Path, line: str, where: str) -> None:
    root = WRITERS["ferplus"](tmp_path)
    table = root / "FER2013Train" / "label.csv"
    table.write_text(table.read_text().splitlines()[0] + "\n" + line + "\n")

    with pytest.raises(DatasetError, match=where):
        ferplus.samples(root, "train")


def test_ferplus_picture_names_never_leave_the_folder(tmp_path: Path) -> None:
    root = WRITERS["ferplus"](tmp_path / "set")
    draw_face(tmp_path / "outside.png", 48)
    (root / "FER2013Train" / "label.csv").write_text(
        '../../outside.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0\n'
    )

    with pytest.raises(DatasetError, match=r"outside\.png"):
        ferplus.samples(root, "train")


def test_utkface_reads_names_and_leaves_missing_labels_out(tmp_path: Path) -> None:
    found = {
        sample.path.name.split(".")[0]: sample for sample in utkface.samples(WRITERS["utkface"](tmp_path))
    }

    assert found["26_1_0_20170116171048641"].age_years == 26
    assert found["26_1_0_20170116171048641"].female == 1
    assert found["61_1_20170109150557335"].race is None
    assert found["101_0_4_20170112213500903"].race == 4


def test_utkface_refuses_a_name_without_age(tmp_path: Path) -> None:
    root = WRITERS["utkface"](tmp_path)
    draw_face(root / "UTKFace" / "portrait.jpg", 200)

    with pytest.raises(DatasetError, match=r"portrait\.jpg"):
        utkface.samples(root)


def test_genki4k_takes_line_n_for_file_n(tmp_path: Path) -> None:
    found = {sample.path.name: sample.smile for sample in genki4k.samples(WRITERS["genki4k"](tmp_path))}

    assert found == {"file0001.jpg": 1, "file0002.jpg": 0, "file0004.jpg": 1}


@pytest.mark.parametrize("line", ["2 0 0 0", "1 0 0", "smile"])
def test_genki4k_names_the_bad_line(tmp_path: Path, line: str) -> None:
    root = WRITERS["genki4k"](tmp_path)
    (root / "labels.txt").write_text(f"1 0 0 0\n{line}\n")

    with pytest.raises(DatasetError, match=r"labels\.txt:2"):
        genki4k.samples(root)


def test_ckplus_maps_classes_and_keeps_subjects_together(tmp_path: Path) -> None:
    found = ckplus.samples(WRITERS["ckplus"](tmp_path))

    by_name = {sample.path.name: EMOTIONS[int(np.argmax(sample.emotion))] for sample in found}
    assert by_name["S010_006_00000013.png"] == "happiness"
    assert by_name["S138_008_00000007.png"] == "contempt"
    assert len({sample.split for sample in found if sample.subject == "S011"}) == 1


def test_ckplus_refuses_an_unknown_class(tmp_path: Path) -> None:
    root = WRITERS["ckplus"](tmp_path)
    draw_face(root / "CK+48" / "joy" / "S010_006_00000013.png", 48)

    with pytest.raises(DatasetError, match="joy"):
        ckplus.samples(root)


def test_hashed_split_is_stable_and_near_its_shares() -> None:
    splits = [hashed_split(f"picture{number}", 10, 20) for number in range(4000)]

    assert hashed_split("S010", 15, 15) == hashed_split("S010", 15, 15)
    shares = {split: splits.count(split) / len(splits) for split in SPLITS}
    assert shares["validation"] == pytest.approx(0.1, abs=0.02)
    assert shares["test"] == pytest.approx(0.2, abs=0.02)


def test_sets_are_found_two_levels_down_and_missed_with_advice(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "CK+48").mkdir(parents=True)

    assert find_root(tmp_path, "CK+48", "CK+") == tmp_path / "a" / "b"
    with pytest.raises(DatasetError, match="unpack"):
        find_root(tmp_path, "UTKFace", "UTKFace")
