"""Make the demo's files from scikit-image's astronaut picture: python assets/demo/make_portrait.py.

Needs the test extra (scikit-image) and MediaPipe; the program itself only reads the files: body.jpg and head.jpg
(colours, continued past the outline), body_alpha.png and head_alpha.png, head_depth.png, landmarks.npy and
landmarks_mirrored.npy (the face mesh on the picture and on its mirror image). All are in pixels of the picture;
the head's begin at `HEAD_PX`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data

HEAD_PX = (130, 0, 325, 210)  # x0 y0 x1 y1 of the head's own layer
FOLDER = Path(__file__).parent
DEPTH_RANGE_PX = (-40.0, 60.0)  # depth values of 0 and 255
AXIS_DEPTH_PX = (
    50.0  # the plane of the ears and of the hair's outline, through which the head's turning axis runs
)

# Read off the enlarged picture. The head ends inside the dark collar, so that it can turn over the body.
NECK_FADE_PX = (176, 193)
HEAD_OUTLINE_PX = [(140, 0), (315, 0), (315, 120), (292, 142), (274, 144), (266, 148), (261, 158), (256, 170)]
HEAD_OUTLINE_PX += [(254, 194), (187, 194), (184, 172), (184, 152), (181, 140), (160, 134), (140, 118)]
HELMET_RING_PX = [(176, 151), (190, 149), (206, 149), (222, 152), (238, 160), (250, 169), (262, 179)]
RING_COLOUR = (92, 84, 104)
COLLAR_COLOUR = (9, 6, 6)
GAP_RIGHT_PX = [
    (256, 171),
    (265, 178),
    (275, 186),
    (285, 196),
    (297, 214),
    (330, 214),
    (330, 130),
    (256, 130),
]
FLAG_PX = [(0, 380), (14, 380), (24, 440), (24, 512), (0, 512)]

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def main() -> None:
    """Write the files."""
    picture = skimage.data.astronaut()
    landmarks = find_landmarks(picture)
    alpha = find_person(picture)
    cv2.fillPoly(alpha, [np.array(FLAG_PX, np.int32)], 0, cv2.LINE_AA)
    head = find_head(alpha)
    body_colours, body = find_body(picture, alpha, head)
    depth = find_depth(landmarks, head)
    x0, y0, x1, y1 = HEAD_PX
    write("body", continue_colours(body_colours, body), body)
    write("head", continue_colours(picture, alpha)[y0:y1, x0:x1], head[y0:y1, x0:x1])
    cv2.imwrite(str(FOLDER / "head_depth.png"), depth[y0:y1, x0:x1])
    mirrored = find_landmarks(np.ascontiguousarray(picture[:, ::-1]))
    for name, points in (("landmarks", landmarks), ("landmarks_mirrored", mirrored)):
        np.save(FOLDER / f"{name}.npy", points.astype(np.float32), allow_pickle=False)


def write(name: str, colours: Bytes, alpha: Bytes) -> None:
    """Write one layer: colours as JPEG, alpha as PNG."""
    cv2.imwrite(str(FOLDER / f"{name}.jpg"), colours[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])
    cv2.imwrite(str(FOLDER / f"{name}_alpha.png"), alpha)


def find_landmarks(picture: Bytes) -> Floats:
    """Return the (478, 3) mesh in pixels, pixel centres at whole numbers."""
    from mediapipe.python.solutions.face_mesh import FaceMesh

    size = picture.shape[0]
    with FaceMesh(static_image_mode=True, refine_landmarks=True) as mesh:
        points = mesh.process(picture).multi_face_landmarks[0].landmark
    return np.array([(point.x, point.y, point.z) for point in points], dtype=np.float32) * size - (
        0.5,
        0.5,
        0.0,
    )


def find_person(picture: Bytes) -> Bytes:
    """Return the alpha of the person with her helmet."""
    from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

    with SelfieSegmentation(model_selection=0) as segmenter:
        rough = segmenter.process(picture).segmentation_mask
    labels = np.full(rough.shape, cv2.GC_PR_BGD, np.uint8)
    labels[rough > 0.5] = cv2.GC_PR_FGD
    labels[cv2.erode(rough, np.ones((9, 9))) > 0.9] = cv2.GC_FGD
    labels[cv2.dilate(rough, np.ones((9, 9))) < 0.1] = cv2.GC_BGD
    cv2.grabCut(picture, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 8, cv2.GC_INIT_WITH_MASK)
    person = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    person = cv2.morphologyEx(person, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    count, parts, sizes, _ = cv2.connectedComponentsWithStats(person)
    person = (parts == 1 + np.argmax(sizes[1:count, cv2.CC_STAT_AREA])).astype(np.float32)
    soft = cv2.ximgproc.guidedFilter(picture, cv2.GaussianBlur(person, None, 0.8), 3, 60.0)
    # The outermost pixels are mixed with the picture's own background: keep the inner part of the ramp.
    return (np.clip((soft - 0.45) / 0.45, 0, 1) * 255).round().astype(np.uint8)


def find_head(alpha: Bytes) -> Bytes:
    """Return the alpha of hair, face and neck, faded out within the collar."""
    outline = np.zeros_like(alpha)
    cv2.fillPoly(outline, [np.array(HEAD_OUTLINE_PX, np.int32)], 255, cv2.LINE_AA)
    outline = cv2.GaussianBlur(outline, None, 0.8)
    rows = np.arange(alpha.shape[0], dtype=np.float32)[:, None]
    fade = np.clip((NECK_FADE_PX[1] - rows) / (NECK_FADE_PX[1] - NECK_FADE_PX[0]), 0, 1)
    return (cv2.multiply(alpha, outline, scale=1 / 255) * fade).astype(np.uint8)


def find_body(picture: Bytes, alpha: Bytes, head: Bytes) -> tuple[Bytes, Bytes]:
    """Return colours and alpha of suit and helmet, with ring and collar drawn on where the head hid them."""
    colours, body = picture.copy(), alpha.copy()
    ring = np.array(HELMET_RING_PX, np.int32)
    opening = np.vstack([ring, [(262, 200), (176, 200)]]).astype(np.int32)
    covered = cv2.dilate(head, np.ones((7, 7)))
    covered[opening[:, 1].max() :] = 0
    drawn, shape = np.zeros_like(picture), np.zeros_like(alpha)
    cv2.fillPoly(drawn, [opening], COLLAR_COLOUR, cv2.LINE_AA)
    cv2.polylines(drawn, [ring], False, RING_COLOUR, 5, cv2.LINE_AA)
    cv2.fillPoly(shape, [opening], 255, cv2.LINE_AA)
    cv2.polylines(shape, [ring], False, 255, 5, cv2.LINE_AA)
    colours[covered > 0] = drawn[covered > 0]
    body[covered > 0] = shape[covered > 0]
    cv2.fillPoly(body, [np.array(GAP_RIGHT_PX, np.int32)], 0, cv2.LINE_AA)
    return colours, body


def find_depth(landmarks: Floats, head: Bytes) -> Bytes:
    """Return the head's depth: the mesh on the face, continued smoothly to the plane of the ears."""
    height, width = head.shape
    known = np.zeros((height, width), np.float32)
    total = np.zeros((height, width), np.float32)
    for x, y, z in landmarks[:468]:
        known[round(float(y)), round(float(x))] += 1
        total[round(float(y)), round(float(x))] += z
    fixed = known > 0
    depth = np.where(fixed, total / np.maximum(known, 1), AXIS_DEPTH_PX).astype(np.float32)
    outside = head < 128
    start = depth.copy()
    for sigma in (
        24,
        12,
        6,
        3,
        2,
        1.5,
        1.5,
    ):  # diffusion from coarse to fine, known points put back every time
        for _ in range(40):
            depth = cv2.GaussianBlur(depth, None, sigma)
            depth[fixed] = start[fixed]
            depth[outside] = AXIS_DEPTH_PX
    depth = cv2.GaussianBlur(depth, None, 4.0)
    low, high = DEPTH_RANGE_PX
    return (np.clip((depth - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)


def continue_colours(picture: Bytes, alpha: Bytes) -> Bytes:
    """Return the picture with the person's colours continued outwards, so that no background bleeds in."""
    inside = (alpha > 250).astype(np.float32)
    inside = cv2.erode(inside, np.ones((3, 3)))
    result = picture.astype(np.float32)
    filled = inside.copy()
    for sigma in (1.0, 2.0, 4.0, 8.0, 24.0):
        weight = cv2.GaussianBlur(inside, None, sigma)
        mean = (
            cv2.GaussianBlur(picture * inside[..., None], None, sigma) / np.maximum(weight, 1e-6)[..., None]
        )
        new = (filled == 0) & (weight > 0.05)
        result[new] = mean[new]
        filled[new] = 1
    result[filled == 0] = (90, 90, 96)
    return result.round().astype(np.uint8)


if __name__ == "__main__":
    main()
