"""The faces of one picture, and of many pictures one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from faceapp.api.face import Face, make_face
from faceapp.types import FrameResult, Image

if TYPE_CHECKING:
    import pandas

Colour = Literal["rgb", "bgr"]


class Faces(Sequence[Face]):
    """The faces of one picture, ordered by id.

    Attributes:
        image: uint8 (H, W, 3) RGB, read-only; None in the results of whole videos, which would not fit into memory.
        source: Name of the picture, video or camera.
        frame: Number of the frame, from 0.
        time_s: Seconds since the first frame.
        timing_ms: Milliseconds of each stage.
    """

    def __init__(self, result: FrameResult, *, single: bool = False, keep: bool = True) -> None:
        """Take what is wanted from a result.

        Args:
            result: Of the frame.
            single: Number the faces from 1, as in a picture that stands alone.
            keep: Keep picture and landmarks.
        """
        pairs = zip(result.faces, result.predictions, strict=True)
        self._faces = tuple(
            make_face(face, said, number if single else None, mesh=keep)
            for number, (face, said) in enumerate(pairs, start=1)
        )
        self.image: Image | None = result.frame.image if keep else None
        self.source, self.frame, self.time_s = result.frame.source, result.frame.index, result.frame.time_s
        self.timing_ms = dict(result.timing_ms)

    def __len__(self) -> int:
        return len(self._faces)

    @overload
    def __getitem__(self, place: int) -> Face: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Face, ...]: ...
    def __getitem__(self, place: int | slice) -> Face | tuple[Face, ...]:
        return self._faces[place]

    def __repr__(self) -> str:
        return f"Faces({self.source!r}, frame={self.frame}, {list(self._faces)!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return source, frame, time and faces as plain Python, ready for JSON."""
        return {
            "source": self.source,
            "frame": self.frame,
            "time_s": self.time_s,
            "faces": [face.to_dict() for face in self],
        }

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a flat row per face."""
        place = {"source": self.source, "frame": self.frame, "time_s": self.time_s}
        return [{**place, **face.to_row()} for face in self]

    def to_pandas(self) -> pandas.DataFrame:
        """Return a table with a row per face; needs pandas."""
        return _table(self.to_rows())

    def draw(self, image: Image | None = None, *, color: Colour = "rgb") -> Image:
        """Return a copy of the picture with a box and a line per face.

        Args:
            image: uint8 (H, W, 3) to draw on; None takes the picture that was read (RGB).
            color: "bgr" where `image` has OpenCV's order.

        Raises:
            ValueError: There is no picture to draw on.
        """
        from faceapp.api.drawing import drawn

        picture = self.image if image is None else image
        if picture is None:
            raise ValueError("draw: expected a picture, found none kept; give the one to draw on")
        return drawn(picture, self, color)


class Results(Sequence[Faces]):
    """The faces of every frame of a video, in order, without the pictures."""

    def __init__(self, frames: Iterable[Faces]) -> None:
        """Take all of them.

        Args:
            frames: Of the video, in order.
        """
        self._frames = tuple(frames)

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, place: int) -> Faces: ...
    @overload
    def __getitem__(self, place: slice) -> Results: ...
    def __getitem__(self, place: int | slice) -> Faces | Results:
        return Results(self._frames[place]) if isinstance(place, slice) else self._frames[place]

    def __iter__(self) -> Iterator[Faces]:
        return iter(self._frames)

    def __repr__(self) -> str:
        return f"Results({len(self)} frames, {sum(map(len, self))} faces)"

    def to_dict(self) -> list[dict[str, Any]]:
        """Return every frame as plain Python, ready for JSON."""
        return [frame.to_dict() for frame in self]

    def to_pandas(self) -> pandas.DataFrame:
        """Return a table with a row per frame and face; needs pandas."""
        return _table([row for frame in self for row in frame.to_rows()])


def _table(rows: Sequence[dict[str, Any]]) -> pandas.DataFrame:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"to_pandas: expected pandas, found none ({error}); pip install pandas") from error
    return pandas.DataFrame.from_records(rows)
