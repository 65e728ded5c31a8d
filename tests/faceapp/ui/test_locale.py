from __future__ import annotations

import locale
import os
import subprocess
import sys

import pytest

LOCALE = "de_DE.UTF-8"
_PROGRAM = """
import cv2, locale, sys
from faceapp.ui.application import make_application
application = make_application()
assert locale.localeconv()["decimal_point"] == ".", locale.localeconv()
from skimage.data import astronaut
from faceapp.tracking.mediapipe_mesh import MediaPipeTracker
from faceapp.types import Frame
tracker = MediaPipeTracker()
faces = ()
for index in range(3):
    faces = tracker.update(Frame(index, index / 30, astronaut(), "portrait", 0.0))
print(len(faces))
"""


def _has_locale() -> bool:
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, LOCALE)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
    return True


@pytest.mark.skipif(
    not _has_locale(), reason=f"this machine has no locale {LOCALE} (Debian: apt-get install locales)"
)
def test_faces_are_found_where_numbers_have_a_decimal_comma() -> None:
    surroundings = {**os.environ, "LC_ALL": LOCALE, "QT_QPA_PLATFORM": "offscreen"}
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout.strip()) == (0, "1"), run.stderr[-800:]
