"""Data sets of a few pictures in their published layouts, made of drawn faces: those with emotions or smiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.training.native_people import PEOPLE_WRITERS, draw_face

FERPLUS_LINES = (
    'fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0',
    'fer0000001.png,"(0, 0, 48, 48)",0,10,0,0,0,0,0,0,0,0',
    'fer0000002.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,0,10,0',
    'fer0000003.png,"(0, 0, 48, 48)",1,1,8,0,0,0,0,0,0,0',
)
FERPLUS_TABLE = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF",
    "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
    "Training,,0,0,0,0,0,0,0,0,0,10",
    "PublicTest,fer0000002.png,0,10,0,0,0,0,0,0,0,0",
    "PrivateTest,fer0000003.png,1,1,8,0,0,0,0,0,0,0",
)


def write_ferplus(root: Path) -> Path:
    for folder in ("FER2013Train", "FER2013Valid"):
        for number, line in enumerate(FERPLUS_LINES):
            draw_face(root / folder / line.split(",")[0], 48, 120 + 30 * number)
        (root / folder / "label.csv").write_text("\n".join(FERPLUS_LINES) + "\n")
    return root


def write_ferplus_tables(root: Path) -> Path:
    write_fer2013(root)
    (root / "fer2013new.csv").write_text("\n".join(FERPLUS_TABLE) + "\n")
    return root


def write_fer2013(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    lines = ["emotion,pixels,Usage"]
    for number, usage in enumerate(("Training", "Training", "PublicTest", "PrivateTest")):
        pixels = " ".join(str((place + 60 * number) % 256) for place in range(48 * 48))
        lines.append(f"{2 * number},{pixels},{usage}")
    (root / "fer2013.csv").write_text("\n".join(lines) + "\n")
    return root


def write_fer2013_folders(root: Path) -> Path:
    names = (
        "train/angry/Training_1.jpg",
        "train/happy/Training_2.jpg",
        "test/sad/PublicTest_3.jpg",
        "test/neutral/PrivateTest_4.jpg",
    )
    for number, name in enumerate(names):
        draw_face(root / name, 48, 120 + 30 * number)
    return root


def write_utkface(root: Path) -> Path:
    names = (
        "1_0_2_20161219140530307",
        "26_1_0_20170116171048641",
        "61_1_20170109150557335",
        "101_0_4_20170112213500903",
    )
    for number, name in enumerate(names):
        draw_face(root / "UTKFace" / f"{name}.jpg.chip.jpg", 200, 120 + 30 * number)
    return root


def write_genki4k(root: Path) -> Path:
    for number in (1, 2, 4):
        draw_face(root / "files" / f"file{number:04d}.jpg", 64, 120 + 30 * number)
    (root / "labels.txt").write_text("1 -0.02 0.05 -0.03\n0 0.1 0.0 0.0\n\n1 0.0 0.2 0.1\n")
    return root


def write_smilesmiled(root: Path) -> Path:
    for number, (name, file) in enumerate((("positives", 7), ("positives", 107), ("negatives", 7))):
        draw_face(root / "SMILEs" / name / f"{name}7" / f"{file}.jpg", 64, 120 + 30 * number)
    return root


def write_ckplus(root: Path) -> Path:
    for number, name in enumerate(
        (
            "happy/S010_006_00000013",
            "anger/S011_004_00000021",
            "contempt/S138_008_00000007",
            "fear/S011_003_00000014",
        )
    ):
        draw_face(root / "CK+48" / f"{name}.png", 48, 120 + 30 * number)
    return root


def write_ckplus_sequences(root: Path) -> Path:
    for subject, sequence, emotion in (("S005", "001", 3), ("S010", "002", 7), ("S010", "003", None)):
        stem = f"{subject}/{sequence}/{subject}_{sequence}"
        for frame in range(1, 7):
            draw_face(root / "cohn-kanade-images" / f"{stem}_{frame:08d}.png", 60, 100 + 20 * frame)
        label = root / "Emotion" / f"{stem}_00000006_emotion.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        if emotion is not None:
            label.write_text(f"   {emotion:.7e}\n")
    return root


def write_affectnet(root: Path) -> Path:
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    training = ("1/a.jpg,20,30,90,100,1.5;2.5,1,0.8,0.2", "2/b.jpg,10,10,80,80,1;2,7,-0.5,0.1")
    validation = ("1/c.jpg,20,30,90,100,1;2,2,-0.6,0.1", "1/d.jpg,20,30,90,100,1;2,10,-2,-2")
    for number, line in enumerate(training + validation):
        draw_face(root / "Manually_Annotated_Images" / line.split(",")[0], 160, 120 + 30 * number)
    lists = root / "Manually_Annotated_file_lists"
    lists.mkdir(parents=True)
    (lists / "training.csv").write_text("\n".join((header, *training)) + "\n")
    (lists / "validation.csv").write_text("\n".join(validation) + "\n")
    return root


def write_affectnet_folders(root: Path) -> Path:
    for folder, number, expression in (("train_set", 0, "1"), ("train_set", 5, "9"), ("val_set", 7, "6")):
        draw_face(root / folder / "images" / f"{number}.jpg", 96, 120 + 10 * number)
        (root / folder / "annotations").mkdir(exist_ok=True)
        np.save(root / folder / "annotations" / f"{number}_exp.npy", np.array(expression))
    return root


def write_oulucasia(root: Path) -> Path:
    for subject, emotion in (("P001", "Anger"), ("P002", "Happiness")):
        for frame in range(5):
            place = f"OriginalImg/VL/Strong/{subject}/{emotion}/{frame:03d}.jpeg"
            draw_face(root / place, 120, 100 + 20 * frame)
    return root


def write_lsemsw(root: Path) -> Path:
    for number, name in enumerate(
        ("train/Happy/a.jpg", "train/Sleepy/b.jpg", "validation/Sad/c.jpg", "test/Angry/d.jpg")
    ):
        draw_face(root / "LSEMSW" / name, 64, 120 + 30 * number)
    return root


def write_lsemsw_lists(root: Path) -> Path:
    for number, name in enumerate("ab"):
        draw_face(root / "LSEMSW" / "images" / f"{name}.jpg", 64, 120 + 30 * number)
    (root / "LSEMSW" / "train.csv").write_text(
        "image,emotion,level\nimages/a.jpg,Happy,2\nimages/b.jpg,Puzzled,1\n"
    )
    return root


WRITERS = {
    "ferplus": write_ferplus,
    "utkface": write_utkface,
    "genki4k": write_genki4k,
    "smilesmiled": write_smilesmiled,
    "ckplus": write_ckplus,
    "fer2013": write_fer2013,
    "affectnet": write_affectnet,
    "oulucasia": write_oulucasia,
    "lsemsw": write_lsemsw,
    **PEOPLE_WRITERS,
}
