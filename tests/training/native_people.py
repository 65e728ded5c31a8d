"""Data sets of a few pictures in their published layouts, made of drawn faces: those with ages, genders, identities."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

ADIENCE_HEADER = "user_id\toriginal_image\tface_id\tage\tgender\tx\ty\tdx\tdy\ttilt_ang\tfiducial_yaw_angle\tfiducial_score"
ADIENCE_ROWS = (
    ("30601258@N03", "10399646885_67c7d20df9_o.jpg", "1", "(25, 32)", "f"),
    ("30601258@N04", "10399646886_67c7d20df9_o.jpg", "2", "35", "m"),
    ("30601258@N05", "10399646887_67c7d20df9_o.jpg", "3", "(60, 100)", "f"),
    ("30601258@N06", "10399646888_67c7d20df9_o.jpg", "4", "None", "m"),
    ("30601258@N07", "10399646889_67c7d20df9_o.jpg", "5", "(0, 2)", "f"),
)
ATTRIBUTES = ("5_o_Clock_Shadow", "Male", "Smiling", "Young")


def draw_face(path: Path, side: int, shade: int = 200, height: int | None = None) -> None:
    """Write a drawn face that is different for every shade."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((height or side, side, 3), 60, np.uint8)
    centre = side // 2
    cv2.ellipse(
        picture, (centre, centre), (side // 3, side * 2 // 5), 0, 0, 360, (shade, shade - 20, shade - 40), -1
    )
    for x in (side * 3 // 8, side * 5 // 8):
        cv2.circle(picture, (x, side * 2 // 5), max(1, side // 16), (20, 20, 20), -1)
    cv2.ellipse(picture, (centre, side * 2 // 3), (side // 8, side // 16), 0, 0, 180, (40, 40, 120), 2)
    cv2.imwrite(str(path), picture)


def write_adience(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for fold, row in enumerate(ADIENCE_ROWS):
        user, original, face = row[:3]
        draw_face(root / "faces" / user / f"coarse_tilt_aligned_face.{face}.{original}", 120, 100 + 30 * fold)
        line = "\t".join((*row, "301", "105", "640", "641", "-115", "30", "17"))
        (root / f"fold_{fold}_data.txt").write_text(f"{ADIENCE_HEADER}\n{line}\n")
    return root


def write_wiki(
    table: Path,
    births: list[float],
    genders: list[float],
    scores: list[float] | None = None,
    seconds: list[float] | None = None,
) -> None:
    """Write a `wiki.mat` with one entry a birth day; photographs of 2000, `00/N.jpg` of person N."""
    from scipy.io import savemat

    count = len(births)
    names = np.empty((2, count), dtype=object)
    places = np.empty((1, count), dtype=object)
    for number in range(count):
        names[0, number], names[1, number] = f"00/{number}.jpg", f"Person {number}"
        places[0, number] = np.array([[11.0, 21.0, 90.0, 100.0]])
    fields = {
        "dob": np.array([births]),
        "photo_taken": np.full((1, count), 2000, np.uint16),
        "full_path": names[:1],
        "gender": np.array([genders]),
        "name": names[1:],
        "face_location": places,
        "face_score": np.array([scores or [3.0] * count]),
        "second_face_score": np.array([seconds or [np.nan] * count]),
    }
    table.parent.mkdir(parents=True, exist_ok=True)
    savemat(str(table), {table.stem: fields})


def write_imdbwiki(root: Path) -> Path:
    for number in range(3):
        draw_face(root / "wiki_crop" / "00" / f"{number}.jpg", 100, 120 + 30 * number)
    write_wiki(root / "wiki_crop" / "wiki.mat", [718_000.0, 719_000.0, 725_000.0], [1.0, 0.0, np.nan])
    return root


def write_celeba(root: Path) -> Path:
    names = [f"{number:06d}.jpg" for number in range(1, 5)]
    for number, name in enumerate(names):
        draw_face(root / "Img" / "img_align_celeba" / name, 178, 120 + 30 * number, height=218)
    lists = {
        "Anno/list_attr_celeba.txt": [str(len(names)), " ".join(ATTRIBUTES)]
        + [
            f"{name} -1 {male:2d} {smiling:2d}  1"
            for name, male, smiling in zip(names, (1, -1, -1, 1), (1, 1, -1, -1), strict=True)
        ],
        "Eval/list_eval_partition.txt": [
            f"{name} {part}" for name, part in zip(names, (0, 0, 1, 2), strict=True)
        ],
        "Anno/identity_CelebA.txt": [
            f"{name} {person}" for name, person in zip(names, (2880, 2937, 8692, 2880), strict=True)
        ],
    }
    for path, lines in lists.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("\n".join(lines) + "\n")
    return root


def write_lfw(root: Path) -> Path:
    people = (("Aaron_Eckhart", 1), ("Ana_Paula", 1), ("Ana_Paula", 2), ("Zoe_Ball", 1))
    for number, (person, picture) in enumerate(people):
        draw_face(root / "lfw" / person / f"{person}_{picture:04d}.jpg", 250, 120 + 30 * number)
    scores = (
        ("Aaron Eckhart", 1, 1.57, -0.5),
        ("Ana Paula", 1, 0.2, 1.1),
        ("Ana Paula", 2, -1.2, -0.3),
        ("Zoe Ball", 1, -2, 2),
    )
    lines = ["# lfw_attributes.txt", "#\tperson\timagenum\tMale\tSmiling"]
    lines += ["\t".join(str(cell) for cell in row) for row in scores]
    (root / "lfw_attributes.txt").write_text("\n".join(lines) + "\n")
    (root / "female_names.txt").write_text("Ana_Paula_0001.jpg\nAna_Paula_0002.jpg\n")
    (root / "male_names.txt").write_text("Aaron_Eckhart_0001.jpg\n")
    return root


def write_morph(root: Path) -> Path:
    rows = (
        "9055,1,1/1/1950,1/1/2004,W,M,n,54,0,N,Album2/009055_1M54.JPG",
        "12,0,1/1/1980,1/1/2004,B,F,n,24,0,N,Album2/000012_0F24.JPG",
    )
    for number, row in enumerate(rows):
        draw_face(root / row.rpartition(",")[2], 100, 120 + 30 * number)
    header = "id_num,picture_num,dob,doa,race,gender,facial_hair,age,age_diff,glasses,photo"
    (root / "morph_2008_nonCommercial.csv").write_text("\n".join((header, *rows)) + "\n")
    return root


def write_fgnet(root: Path) -> Path:
    for number, name in enumerate(("001A02.JPG", "001A43a.JPG", "082A16.JPG")):
        draw_face(root / "FGNET" / "images" / name, 90, 120 + 30 * number)
    return root


def write_gallagher(root: Path) -> Path:
    pictures = ("1006149518_250f8036fc_1438_9284053@N07.jpg", "2006149518_350f8036fc_1438_1111111@N07.jpg")
    for number, name in enumerate(pictures):
        draw_face(root / "Fam2a" / name, 160, 120 + 30 * number)
    lines = (
        pictures[0],
        "60\t64\t100\t64\t28\t1",
        "20\t30\t40\t34\t5\t2",
        pictures[1],
        "60\t64\t100\t64\t75\t2",
    )
    (root / "Fam2a" / "PersonData.txt").write_text("\n".join(lines) + "\n")
    return root


PEOPLE_WRITERS = {
    "adience": write_adience,
    "imdbwiki": write_imdbwiki,
    "celeba": write_celeba,
    "lfw": write_lfw,
    "morph": write_morph,
    "fgnet": write_fgnet,
    "gallagher": write_gallagher,
}
