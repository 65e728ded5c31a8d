"""`python -m training`: says in one line when what training needs is not installed, else runs the command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

NEEDED = {"torch": "PyTorch", "engines": "the package engines", "faceapp": "faceapp"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (0 done, 2 wrong input or nothing to run it with, 130 interrupted)."""
    for name, words in NEEDED.items():
        if find_spec(name) is None:
            print(
                f"training: expected {words}, found none; in a checkout: pip install -e '.[train]'",
                file=sys.stderr,
            )
            return 2
    from training.command_line import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
