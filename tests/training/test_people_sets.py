"""What the readers of sets with ages, genders and identities make of their labels."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.training import native_people
from tests.training.native_people import draw_face, write_wiki
from training.data.sets import adience, celeba, fgnet, gallagher, imdbwiki, lfw, morph
from training.errors import DatasetError, RecipeError


def matlab_day(year: int, month: int, day: int) -> float:
    return float(date(year, month, day).toordinal() + 366)


def test_adience_gives_groups_folds_and_albums(tmp_path: Path) -> None:
    found = adience.samples(native_people.write_adience(tmp_path))

    assert [sample.fold for sample in found] == [0, 1, 2, 3, 4]
    assert [sample.split for sample in found] == ["train", "train", "train", "validation", "test"]
    assert [sample.age_range_years for sample in found] == [(25, 32), (35, 35), (60, 100), None, (0, 2)]
    assert [sample.age_years for sample in found] == [None, 35, None, None, None]
    assert [sample.female for sample in found] == [1, 0, 1, 0, 1]
    assert found[0].subject == "30601258@N03"


def test_adience_prefers_aligned_pictures(tmp_path: Path) -> None:
    root = native_people.write_adience(tmp_path)
    for path in sorted(root.glob("faces/*/*")):
        name = path.name.replace("coarse_tilt_aligned_face", "landmark_aligned_face")
        draw_face(root / "aligned" / path.parent.name / name, 100)

    assert {sample.path.parent.parent.name for sample in adience.samples(root)} == {"aligned"}


def test_imdbwiki_counts_age_from_the_first_of_july(tmp_path: Path) -> None:
    births = [matlab_day(1960, 6, 30), matlab_day(1960, 7, 1), matlab_day(1960, 7, 2)]
    for number in range(3):
        draw_face(tmp_path / "wiki_crop" / "00" / f"{number}.jpg", 60)
    write_wiki(tmp_path / "wiki_crop" / "wiki.mat", births, [1.0, 0.0, np.nan])

    found = imdbwiki.samples(tmp_path)

    assert [sample.age_years for sample in found] == [40, 40, 39]
    assert [sample.female for sample in found] == [0, 1, None]
    assert found[0].subject == "wiki Person 0" and found[0].face_share == pytest.approx(1 / 1.8)


def test_imdbwiki_leaves_out_doubtful_faces_and_senseless_dates(tmp_path: Path) -> None:
    births = [matlab_day(1960, 1, 1)] * 4 + [matlab_day(1860, 1, 1), matlab_day(2005, 1, 1), np.nan]
    for number in range(7):
        draw_face(tmp_path / "wiki" / "00" / f"{number}.jpg", 120)
    write_wiki(
        tmp_path / "wiki" / "wiki.mat",
        births,
        genders=[1, 1, 1, 1, 0, 0, np.nan],
        scores=[3.0, -np.inf, 0.5, 3.0, 3.0, 3.0, 3.0],
        seconds=[np.nan, np.nan, np.nan, 2.0, np.nan, np.nan, np.nan],
    )

    found = imdbwiki.samples(tmp_path)

    assert [sample.path.name for sample in found] == ["0.jpg", "4.jpg", "5.jpg"]
    assert [sample.age_years for sample in found] == [40, None, None]
    assert found[0].box_px == (10, 20, 90, 100), "Matlab counts pixels from 1"


@pytest.mark.parametrize("change", ["truncated", "text", "other variable", "short field", "gender", "path"])
def test_imdbwiki_refuses_files_of_another_kind(tmp_path: Path, change: str) -> None:
    from scipy.io import loadmat, savemat

    table = native_people.write_imdbwiki(tmp_path) / "wiki_crop" / "wiki.mat"
    record = {name: loadmat(table)["wiki"][0, 0][name] for name in loadmat(table)["wiki"].dtype.names}
    if change == "truncated":
        table.write_bytes(table.read_bytes()[:700])
    elif change == "text":
        table.write_text("wiki\n" * 200)
    elif change == "other variable":
        savemat(str(table), {"wiki": np.ones(3)})
    else:
        if change == "gender":
            record["gender"][0, 1] = 7
        elif change == "path":
            record["full_path"][0, 1] = "../../etc/1.jpg"
        else:
            record["dob"] = record["dob"][:, :2]
        savemat(str(table), {"wiki": record})

    with pytest.raises(DatasetError, match=r"wiki\.mat"):
        imdbwiki.samples(tmp_path)


def test_imdbwiki_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = native_people.write_imdbwiki(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "scipy", None)

    with pytest.raises(RecipeError, match="pip install scipy"):
        imdbwiki.samples(root)


def test_celeba_reads_gender_smile_person_and_the_official_split(tmp_path: Path) -> None:
    found = celeba.samples(native_people.write_celeba(tmp_path))

    assert [(sample.female, sample.smile) for sample in found] == [(0, 1), (1, 1), (1, 0), (0, 0)]
    assert [sample.split for sample in found] == ["train", "train", "validation", "test"]
    assert [sample.subject for sample in found] == ["2880", "2937", "8692", "2880"]


def test_celeba_without_identities_takes_the_pictures_for_people(tmp_path: Path) -> None:
    root = native_people.write_celeba(tmp_path)
    (root / "Anno" / "identity_CelebA.txt").unlink()

    assert celeba.samples(root)[0].subject == "000001.jpg"


@pytest.mark.parametrize(("table", "line"), [("celeba", 2), ("lfw", 2)])
def test_attribute_names_must_be_there(tmp_path: Path, table: str, line: int) -> None:
    reader = {"celeba": celeba, "lfw": lfw}[table]
    root = native_people.PEOPLE_WRITERS[table](tmp_path)
    path = next(root.rglob("*attr*.txt"))
    path.write_text(path.read_text().replace("Smiling", "Grinning"))

    with pytest.raises(DatasetError, match=rf"{path.name}:{line}: expected .*names"):
        reader.samples(root)


def test_lfw_lists_come_before_attribute_scores(tmp_path: Path) -> None:
    found = {sample.path.name: sample for sample in lfw.samples(native_people.write_lfw(tmp_path))}

    assert found["Ana_Paula_0001.jpg"].female == 1, "the list says so, the score does not"
    assert found["Zoe_Ball_0001.jpg"].female == 1, "from the score alone"
    assert [sample.smile for sample in found.values()] == [0, 1, 0, 1]
    assert found["Aaron_Eckhart_0001.jpg"].subject == "Aaron_Eckhart"


def test_lfw_alone_gives_identities(tmp_path: Path) -> None:
    root = native_people.write_lfw(tmp_path)
    for table in root.glob("*.txt"):
        table.unlink()

    found = lfw.samples(root)

    assert len({sample.subject for sample in found}) == 3
    assert all(sample.female is None and sample.smile is None for sample in found)


def test_morph_reads_the_table_and_without_it_the_names(tmp_path: Path) -> None:
    root = native_people.write_morph(tmp_path)

    listed = {sample.subject: sample for sample in morph.samples(root)}
    (root / "morph_2008_nonCommercial.csv").unlink()
    named = {sample.subject: sample for sample in morph.samples(root)}

    for found in (listed, named):
        assert (found["9055"].age_years, found["9055"].female) == (54, 0)
        assert (found["12"].age_years, found["12"].female) == (24, 1)
    assert listed["9055"].split == named["9055"].split
    assert listed["12"].race == 1 and named["12"].race is None
    draw_face(root / "Album2" / "portrait.jpg", 60)
    with pytest.raises(DatasetError, match="portrait"):
        morph.samples(root)


def test_fgnet_reads_person_and_age_from_the_name(tmp_path: Path) -> None:
    found = fgnet.samples(native_people.write_fgnet(tmp_path))

    assert [(sample.subject, sample.age_years) for sample in found] == [("001", 2), ("001", 43), ("082", 16)]


def test_gallagher_puts_a_box_around_the_eyes(tmp_path: Path) -> None:
    found = gallagher.samples(native_people.write_gallagher(tmp_path))

    assert [sample.age_range_years for sample in found] == [(20, 36), (3, 7), (66, 100)]
    assert [sample.female for sample in found] == [1, 0, 0]
    assert found[0].age_years is None
    x0, y0, x1, y1 = found[0].box_px
    assert (x0 + x1) / 2 == pytest.approx(80) and x1 - x0 == pytest.approx(y1 - y0)
    assert x1 - x0 == pytest.approx(40 / 0.3483) and (64 - y0) / (y1 - y0) == pytest.approx(0.3931)
    assert found[0].subject == found[1].subject == "9284053@N07"


def test_gallagher_names_faces_without_a_picture(tmp_path: Path) -> None:
    root = native_people.write_gallagher(tmp_path)
    table = root / "Fam2a" / "PersonData.txt"
    table.write_text("\n".join(table.read_text().splitlines()[1:]) + "\n")

    with pytest.raises(DatasetError, match=r"PersonData\.txt:1: expected a picture's name"):
        gallagher.samples(root)
