from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF, QSizeF

from faceapp.ui.label_places import LabelPlaces

BOUNDS = QRectF(0, 0, 640, 480)
LABEL = QSizeF(150, 24)


@st.composite
def faces(draw: st.DrawFn) -> list[QRectF]:
    number = draw(st.integers(1, 6))
    coordinate = st.floats(-100, 640)
    side = st.floats(10, 500)
    return [QRectF(draw(coordinate), draw(coordinate), draw(side), draw(side)) for _ in range(number)]


@given(faces())
def test_labels_never_cover_a_face_or_each_other_and_stay_inside(boxes: list[QRectF]) -> None:
    ids = list(range(len(boxes)))
    places = [
        place for place in LabelPlaces().place(ids, boxes, [LABEL] * len(boxes), BOUNDS) if place is not None
    ]
    for index, place in enumerate(places):
        assert BOUNDS.contains(place)
        assert not any(place.intersects(box) for box in boxes)
        assert not any(place.intersects(other) for other in places[:index])


def test_a_label_stands_above_its_face_where_there_is_room() -> None:
    face = QRectF(200, 200, 100, 120)
    (place,) = LabelPlaces().place([1], [face], [LABEL], BOUNDS)
    assert place is not None
    assert place.bottom() < face.top()
    assert place.left() == face.left()


def test_a_label_goes_below_at_the_upper_edge() -> None:
    face = QRectF(200, 2, 100, 120)
    (place,) = LabelPlaces().place([1], [face], [LABEL], BOUNDS)
    assert place is not None
    assert place.top() > face.bottom()


def test_a_label_stays_on_its_side_when_the_face_moves_a_little() -> None:
    places = LabelPlaces()
    (below,) = places.place([1], [QRectF(200, 2, 100, 120)], [LABEL], BOUNDS)
    (still,) = places.place([1], [QRectF(200, 40, 100, 120)], [LABEL], BOUNDS)
    assert below is not None and still is not None
    assert still.top() > 160


def test_a_face_that_fills_the_view_gets_no_label() -> None:
    assert LabelPlaces().place([1], [QRectF(-5, -5, 700, 500)], [LABEL], BOUNDS) == [None]
