"""A CSV that grows while recording: only whole rows reach it, also on a full disk."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from faceapp.session.metadata import folder_error
from faceapp.session.own_files import open_own


class RowFile:
    """Collects rows and appends them in whole; used by one thread.

    Args:
        path: New file; an existing one is an error.
        columns: Its header.

    Raises:
        SessionError: The file exists or can't be made.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._pending = io.StringIO()
        self._rows = csv.writer(self._pending, lineterminator="\n")
        try:
            self._stream = open_own(path, "xb", buffering=0)
            self._stream.write((",".join(columns) + "\n").encode())
        except OSError as error:
            raise folder_error(path.parent, error) from error

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Collect rows for the next flush."""
        self._rows.writerows(rows)

    def flush(self) -> None:
        """Append what was collected and wait until the disk has it: a power cut then loses no more than a kill.

        Raises:
            SessionError: The disk refused it; the rows written before stay whole.
        """
        rows = self._pending.getvalue().encode()
        if not rows:
            return
        written = 0
        try:
            while written < len(rows):
                written += self._stream.write(memoryview(rows)[written:])
            os.fsync(self._stream.fileno())
        except OSError as error:
            half_row = written - (rows.rfind(b"\n", 0, written) + 1)
            self._stream.truncate(self._stream.tell() - half_row)
            raise folder_error(self._path.parent, error) from error
        self._pending.seek(0)
        self._pending.truncate()

    def close(self) -> None:
        """Close the file; what was not flushed is lost. May be called twice.

        Raises:
            SessionError: The disk refuses.
        """
        try:
            self._stream.close()
        except OSError as error:
            raise folder_error(self._path.parent, error) from error
