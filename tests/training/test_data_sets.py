"""What every reader shares: splits, one person alone, empty sets, every line of a label file that is spoilt."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.training import native_sets
from tests.training.native_people import draw_face
from tests.training.native_sets import WRITERS
from training.data.faults import Faults
from training.data.prepared import DATA_SETS
from training.data.sample import SPLITS, hashed_split
from training.errors import DatasetError, MissingDatasetError


def test_every_reader_is_a_data_set_and_has_a_fixture() -> None:
    assert set(DATA_SETS) == set(WRITERS)


@pytest.mark.parametrize("name", DATA_SETS)
def test_an_absent_set_is_told_from_a_malformed_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingDatasetError, match="unpack"):
        import_module(f"training.data.sets.{name}").samples(tmp_path)


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_set_finds_only_itself_among_all_others(tmp_path: Path, name: str) -> None:
    for other in DATA_SETS:
        if other != name:
            WRITERS[other](tmp_path / other)

    with pytest.raises(MissingDatasetError):
        import_module(f"training.data.sets.{name}").samples(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("ferplus", "0,10,0,0,0,0,0,0,0,0", "0,10,0,0,0,0,0,0,0"),
        ("ferplus", "fer0000001.png", "../fer0000001.png"),
        ("genki4k", "0 0.1 0.0 0.0", "2 0.1 0.0 0.0"),
        ("fer2013", "Training\n2,", "Training\n7,"),
        ("fer2013", "2,60 61 62", "2,60 61 256"),
        ("fer2013", "2,60 61 62", "2,60 61"),
        ("affectnet", ",7,-0.5,0.1", ",11,-0.5,0.1"),
        ("affectnet", "2/b.jpg", "2/absent.jpg"),
        ("affectnet", "2/b.jpg,10,10,80,80", "2/b.jpg,10,10,0,80"),
        ("adience", "\t35\tm", "\t(35\tm"),
        ("adience", "\t35\tm", "\t350\tm"),
        ("adience", "\t35\tm", "\t35\tx"),
        ("celeba", "000002.jpg -1 -1  1  1", "000002.jpg -1  0  1  1"),
        ("celeba", "000002.jpg -1 -1  1  1", "000002.jpg -1 -1"),
        ("celeba", "000003.jpg 1", "000003.jpg 3"),
        ("celeba", "000002.jpg 2937", "000002.jpg Bob"),
        ("lfw", "Ana Paula\t1\t0.2", "Ana Paula\t0\t0.2"),
        ("lfw", "Ana Paula\t1\t0.2", "Ana Paula\t1\tnan"),
        ("morph", "B,F,n,24", "B,F,n,240"),
        ("morph", "B,F,n,24", "B,X,n,24"),
        ("morph", "000012_0F24.JPG", "../../000012_0F24.JPG"),
        ("gallagher", "\t28\t1", "\t29\t1"),
        ("gallagher", "\t28\t1", "\t28\t3"),
        ("gallagher", "20\t30\t40\t34", "20\t30\t20\t30"),
    ],
)
def test_a_spoilt_line_is_named_or_skipped_and_counted(tmp_path: Path, name: str, old: str, new: str) -> None:
    reader, root = import_module(f"training.data.sets.{name}"), WRITERS[name](tmp_path)
    whole = len(reader.samples(root))
    table, line = spoil(root, old, new)

    with pytest.raises(DatasetError, match=rf"{table.name}:{line}: expected .*(restore|remove|unpack)"):
        reader.samples(root)
    faults = Faults(name, "skip")
    assert len(reader.samples(root, faults=faults)) <= whole
    assert faults.count >= 1 and f"{table.name}:{line}" in faults.summary()


def spoil(root: Path, old: str, new: str) -> tuple[Path, int]:
    """Change one text in the first label file that holds it; return the file and the line."""
    for table in sorted(root.rglob("*")):
        if table.suffix in (".csv", ".txt") and old in (text := table.read_text()):
            table.write_text(text.replace(old, new, 1))
            start = text.index(old)
            return table, text.count("\n", 0, start + old.find("\n") + 1) + 1
    raise AssertionError(f"no label file holds {old!r}")


@pytest.mark.parametrize(
    ("name", "written", "where"),
    [
        ("utkface", "UTKFace/portrait.jpg", r"portrait\.jpg"),
        ("ckplus", "CK+48/joy/S010_006_00000013.png", "joy"),
        ("ckplus", "CK+48/fear/face.png", r"face\.png"),
        ("oulucasia", "OriginalImg/VL/Strong/P003/Boredom/000.jpeg", "Boredom"),
        ("oulucasia", "OriginalImg/VL/Strong/P003/Anger/000.jpeg", "more than 3 frames"),
        ("lfw", "lfw/Ana_Paula/Zoe_Ball_0001.jpg", "Zoe_Ball_0001"),
        ("fgnet", "FGNET/images/001B02.JPG", "001B02"),
    ],
)
def test_a_picture_of_another_name_is_named_or_skipped(
    tmp_path: Path, name: str, written: str, where: str
) -> None:
    reader, root = import_module(f"training.data.sets.{name}"), WRITERS[name](tmp_path)
    whole = len(reader.samples(root))
    draw_face(root / written, 60)

    with pytest.raises(DatasetError, match=where):
        reader.samples(root)
    faults = Faults(name, "skip")
    assert len(reader.samples(root, faults=faults)) == whole
    assert faults.count == 1


@pytest.mark.parametrize(
    ("name", "label_file"),
    [
        ("ferplus", "FER2013Valid/label.csv"),
        ("affectnet", "Manually_Annotated_file_lists/validation.csv"),
        ("adience", "fold_3_data.txt"),
    ],
)
def test_a_missing_label_file_is_named_or_its_part_left_out(
    tmp_path: Path, name: str, label_file: str
) -> None:
    reader, root = import_module(f"training.data.sets.{name}"), WRITERS[name](tmp_path)
    (root / label_file).unlink()

    with pytest.raises(DatasetError, match=Path(label_file).name):
        reader.samples(root)
    faults = Faults(name, "skip")
    assert reader.samples(root, faults=faults) and faults.count == 1


@pytest.mark.parametrize(
    ("name", "label_file"),
    [
        ("genki4k", "labels.txt"),
        ("celeba", "Eval/list_eval_partition.txt"),
        ("ckplus", "Emotion"),
    ],
)
def test_a_set_without_its_only_label_file_is_malformed_not_absent(
    tmp_path: Path, name: str, label_file: str
) -> None:
    write = native_sets.write_ckplus_sequences if name == "ckplus" else WRITERS[name]
    root = write(tmp_path)
    (root / label_file).rename(root / "elsewhere")

    for faults in (None, Faults(name, "skip")):
        with pytest.raises(DatasetError, match=Path(label_file).name) as raised:
            import_module(f"training.data.sets.{name}").samples(root, faults=faults)
        assert not isinstance(raised.value, MissingDatasetError)


def test_one_person_alone_cannot_be_split(tmp_path: Path) -> None:
    for age in (2, 16, 43):
        draw_face(tmp_path / "FGNET" / "images" / f"001A{age:02d}.JPG", 60)
    reader = import_module("training.data.sets.fgnet")

    with pytest.raises(DatasetError, match=r"several people.*'001'"):
        reader.samples(tmp_path)
    faults = Faults("fgnet", "skip")
    assert len(reader.samples(tmp_path, faults=faults)) == 3
    assert "several people" in faults.summary()


def test_a_set_of_nothing_but_faults_stops_even_when_skipping(tmp_path: Path) -> None:
    draw_face(tmp_path / "UTKFace" / "portrait.jpg", 60)

    with pytest.raises(DatasetError, match=r"no usable picture.*1 of 1 skipped: portrait\.jpg"):
        import_module("training.data.sets.utkface").samples(tmp_path, faults=Faults("utkface", "skip"))


def test_hashed_split_is_stable_and_near_its_shares() -> None:
    splits = [hashed_split(f"picture{number}", 10, 20) for number in range(4000)]

    assert [hashed_split(name, 15, 15) for name in ("S010", "S011", "S005")] == [
        "train",
        "validation",
        "train",
    ]
    shares = {split: splits.count(split) / len(splits) for split in SPLITS}
    assert shares["validation"] == pytest.approx(0.1, abs=0.02)
    assert shares["test"] == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    "name", ["ckplus", "oulucasia", "lfw", "morph", "fgnet", "imdbwiki", "gallagher", "adience"]
)
def test_no_person_stands_in_two_splits(tmp_path: Path, name: str) -> None:
    found = import_module(f"training.data.sets.{name}").samples(WRITERS[name](tmp_path))

    sides = {(sample.subject, sample.split) for sample in found}
    assert len(sides) == len({subject for subject, _ in sides}) > 1
