"""Makes the folder of a new session; one that exists is never reused."""

from __future__ import annotations

import re
from pathlib import Path

from faceapp.errors import SessionError
from faceapp.session.metadata import folder_error


def new_session_folder(parent: Path, name: str, shared: bool = False) -> Path:
    """Create an empty folder for a session; an existing one is never reused.

    Args:
        parent: Folder of all sessions; made where missing.
        name: Wanted name; characters that some file system refuses become "-"; "-2" ... follows one in use.
        shared: Others may look into it as into any new folder; else its owner alone, since people are in it.

    Returns:
        The new folder.

    Raises:
        SessionError: The parent can't be written.
    """
    stem = re.sub(r"[^\w.+ -]+", "-", name).strip(" .-")[:100] or "session"
    for number in range(1, 100_000):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o777 if shared else 0o700)
            return folder
        except FileExistsError:
            if not parent.is_dir():
                raise SessionError(
                    f"{parent}: expected a folder, found a file; choose another folder"
                ) from None
        except OSError as error:
            raise folder_error(parent, error) from error
    raise SessionError(
        f"{parent}: expected a free name like {stem}, found 99,999 in use; choose another folder"
    )
