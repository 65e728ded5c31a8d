"""What the readers of sets with emotions and smiles make of their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.card import EMOTIONS
from tests.training import native_sets
from tests.training.native_people import draw_face
from training.data.emotions import one_emotion
from training.data.sample import Sample
from training.data.sets import (
    affectnet,
    ckplus,
    fer2013,
    ferplus,
    genki4k,
    lsemsw,
    oulucasia,
    smilesmiled,
    utkface,
)
from training.errors import DatasetError


def emotions(found: list[Sample]) -> list[str]:
    return [EMOTIONS[int(np.argmax(sample.emotion))] for sample in found]


def test_ferplus_keeps_vote_shares_and_drops_unknown(tmp_path: Path) -> None:
    found = ferplus.samples(native_sets.write_ferplus(tmp_path), "train")

    assert [sample.path.name for sample in found] == ["fer0000000.png", "fer0000001.png", "fer0000003.png"]
    first = dict(zip(EMOTIONS, found[0].emotion, strict=True))
    assert first["neutral"] == pytest.approx(4 / 9)
    assert first["sadness"] == 0, "a single vote counts as noise"
    assert found[2].emotion[EMOTIONS.index("surprise")] == 1


def test_ferplus_picture_names_never_leave_the_folder(tmp_path: Path) -> None:
    root = native_sets.write_ferplus(tmp_path / "set")
    draw_face(tmp_path / "outside.png", 48)
    (root / "FER2013Train" / "label.csv").write_text(
        '../../outside.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0\n'
    )

    with pytest.raises(DatasetError, match=r"label\.csv:1: expected a file below .*outside\.png"):
        ferplus.samples(root, "train")


def test_ferplus_joins_its_votes_with_the_pixels_of_fer2013(tmp_path: Path) -> None:
    root = native_sets.write_ferplus_tables(tmp_path)

    found = ferplus.samples(root)

    assert [sample.subject for sample in found] == ["fer0000000", "fer0000002", "fer0000003"]
    assert [sample.split for sample in found] == ["train", "validation", "test"]
    pixels = {sample.subject: sample.pixels for sample in fer2013.samples(root)}
    assert all(np.array_equal(sample.pixels, pixels[sample.subject]) for sample in found)
    assert emotions(found)[1:] == ["happiness", "surprise"]


def test_ferplus_refuses_tables_that_do_not_belong_together(tmp_path: Path) -> None:
    root = native_sets.write_ferplus_tables(tmp_path)
    table = root / "fer2013new.csv"
    table.write_text(table.read_text().replace("PublicTest", "Training"))

    with pytest.raises(DatasetError, match=r"fer2013\.csv:4: expected the Usage"):
        ferplus.samples(root)


def test_ferplus_table_alone_has_no_pictures(tmp_path: Path) -> None:
    root = native_sets.write_ferplus_tables(tmp_path)
    (root / "fer2013.csv").unlink()

    with pytest.raises(DatasetError, match="beside"):
        ferplus.samples(root)


def test_fer2013_reads_pixels_from_its_table(tmp_path: Path) -> None:
    found = fer2013.samples(native_sets.write_fer2013(tmp_path))

    assert emotions(found) == ["anger", "fear", "sadness", "neutral"]
    assert [sample.split for sample in found] == ["train", "train", "validation", "test"]
    picture = found[1].picture()
    assert picture.shape == (48, 48, 3) and picture.dtype == np.uint8
    assert picture[0, :3, 0].tolist() == [60, 61, 62]


def test_fer2013_reads_class_folders_with_the_official_split_in_the_names(tmp_path: Path) -> None:
    root = native_sets.write_fer2013_folders(tmp_path)
    draw_face(root / "train" / "fear" / "without_usage.jpg", 48)

    found = {sample.path.name: sample for sample in fer2013.samples(root)}

    assert found["PublicTest_3.jpg"].split == "validation" and found["PrivateTest_4.jpg"].split == "test"
    assert found["Training_1.jpg"].split == "train"
    assert found["without_usage.jpg"].split in ("train", "validation")
    assert emotions([found["Training_1.jpg"], found["PublicTest_3.jpg"]]) == ["anger", "sadness"]
    draw_face(root / "train" / "contempted" / "x.jpg", 48)
    with pytest.raises(DatasetError, match="contempted"):
        fer2013.samples(root)


def test_utkface_reads_names_and_leaves_missing_labels_out(tmp_path: Path) -> None:
    read = utkface.samples(native_sets.write_utkface(tmp_path))
    found = {sample.path.name.split(".")[0]: sample for sample in read}

    assert found["26_1_0_20170116171048641"].age_years == 26
    assert found["26_1_0_20170116171048641"].female == 1
    assert found["61_1_20170109150557335"].race is None
    assert found["101_0_4_20170112213500903"].race == 4


def test_genki4k_takes_line_n_for_file_n(tmp_path: Path) -> None:
    read = genki4k.samples(native_sets.write_genki4k(tmp_path))

    assert {sample.path.name: sample.smile for sample in read} == {
        "file0001.jpg": 1,
        "file0002.jpg": 0,
        "file0004.jpg": 1,
    }


def test_genki4k_is_found_without_its_first_picture(tmp_path: Path) -> None:
    root = native_sets.write_genki4k(tmp_path / "a" / "b")
    (root / "files" / "file0001.jpg").unlink()
    (root / "labels.txt").write_text("\n0 0.1 0.0 0.0\n\n1 0.0 0.2 0.1\n")

    read = genki4k.samples(tmp_path)

    assert {sample.path.name: sample.smile for sample in read} == {"file0002.jpg": 0, "file0004.jpg": 1}


def test_smilesmiled_keeps_neighbouring_numbers_together(tmp_path: Path) -> None:
    read = smilesmiled.samples(native_sets.write_smilesmiled(tmp_path))

    found = {(sample.path.parent.name, sample.path.name): (sample.smile, sample.subject) for sample in read}
    assert found == {
        ("positives7", "7.jpg"): (1, "positives7/0"),
        ("positives7", "107.jpg"): (1, "positives7/1"),
        ("negatives7", "7.jpg"): (0, "negatives7/0"),
    }


def test_smilesmiled_names_the_picture_without_a_number(tmp_path: Path) -> None:
    root = native_sets.write_smilesmiled(tmp_path)
    draw_face(root / "SMILEs" / "positives" / "positives7" / "portrait.jpg", 64)

    with pytest.raises(DatasetError, match=r"portrait\.jpg: expected <number>\.jpg"):
        smilesmiled.samples(root)


@pytest.mark.parametrize("line", ["2 0 0 0", "1 0 0", "smile"])
def test_genki4k_names_the_bad_line(tmp_path: Path, line: str) -> None:
    root = native_sets.write_genki4k(tmp_path)
    (root / "labels.txt").write_text(f"1 0 0 0\n{line}\n")

    with pytest.raises(DatasetError, match=r"labels\.txt:2"):
        genki4k.samples(root)


def test_ckplus_maps_classes(tmp_path: Path) -> None:
    found = ckplus.samples(native_sets.write_ckplus(tmp_path))

    by_name = dict(zip((sample.path.name for sample in found), emotions(found), strict=True))
    assert by_name["S010_006_00000013.png"] == "happiness"
    assert by_name["S138_008_00000007.png"] == "contempt"


def test_ckplus_sequences_start_neutral_and_end_at_the_peak(tmp_path: Path) -> None:
    found = ckplus.samples(native_sets.write_ckplus_sequences(tmp_path))

    first = [sample for sample in found if sample.subject == "S005"]
    assert emotions(first) == ["neutral", "disgust", "disgust", "disgust"]
    assert [int(sample.path.stem[-8:]) for sample in first] == [1, 4, 5, 6]
    assert len(found) == 8, "the sequence without an emotion is left out"


def test_ckplus_sequences_name_a_bad_label(tmp_path: Path) -> None:
    root = native_sets.write_ckplus_sequences(tmp_path)
    label = next(root.glob("Emotion/S005/*/*.txt"))
    label.write_text("  9.0\n")

    with pytest.raises(DatasetError, match=rf"{label.name}:1: expected emotion from 0 to 7, found '9.0'"):
        ckplus.samples(root)


def test_affectnet_lists_give_boxes_and_drop_what_is_no_emotion(tmp_path: Path) -> None:
    found = affectnet.samples(native_sets.write_affectnet(tmp_path))

    assert emotions(found) == ["happiness", "contempt", "sadness"]
    assert [sample.split for sample in found] == ["train", "train", "validation"]
    assert found[0].box_px == (20, 30, 110, 130)


def test_affectnet_folders_read_numbers_and_never_pickles(tmp_path: Path) -> None:
    root = native_sets.write_affectnet_folders(tmp_path)
    assert emotions(affectnet.samples(root)) == ["happiness", "anger"]

    label = root / "val_set" / "annotations" / "7_exp.npy"
    for content in (np.array({"code": 6}, dtype=object), np.array("11"), np.array([1, 2])):
        np.save(label, content, allow_pickle=True)
        with pytest.raises(DatasetError, match=r"7_exp\.npy: expected"):
            affectnet.samples(root)


def test_oulucasia_takes_the_last_three_frames_of_visible_strong_light(tmp_path: Path) -> None:
    root = native_sets.write_oulucasia(tmp_path)
    draw_face(root / "OriginalImg" / "NI" / "Strong" / "P001" / "Anger" / "000.jpeg", 60)

    found = oulucasia.samples(root)

    assert [sample.path.name for sample in found[:3]] == ["002.jpeg", "003.jpeg", "004.jpeg"]
    assert emotions(found) == ["anger"] * 3 + ["happiness"] * 3
    assert {sample.subject for sample in found} == {"P001", "P002"}
    with pytest.raises(DatasetError, match="more than 3 frames"):
        oulucasia.samples(root, light="NI")
    with pytest.raises(DatasetError, match="light"):
        oulucasia.samples(root, light="UV")


@pytest.mark.parametrize(
    ("write", "wanted"),
    [
        (native_sets.write_lsemsw, ["happiness", "sadness", "anger"]),
        (native_sets.write_lsemsw_lists, ["happiness"]),
    ],
)
def test_lsemsw_keeps_emotions_and_leaves_mental_states_out(tmp_path: Path, write, wanted: list[str]) -> None:
    assert emotions(lsemsw.samples(write(tmp_path))) == wanted


def test_lsemsw_names_the_bad_line(tmp_path: Path) -> None:
    root = native_sets.write_lsemsw_lists(tmp_path)
    (root / "LSEMSW" / "train.csv").write_text("image,emotion\nimages/a.jpg,3\n")

    with pytest.raises(DatasetError, match=r"train\.csv:2: expected an emotion's name"):
        lsemsw.samples(root)


def test_emotions_are_known_by_noun_and_adjective() -> None:
    assert (
        one_emotion("Happy")
        == one_emotion(" happiness ")
        == tuple(float(name == "happiness") for name in EMOTIONS)
    )
    assert one_emotion("joy") is None
