"""Options that every study takes in the same words."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

DEFAULT_CACHE = Path.home() / ".cache" / "faceapp" / "prepared"


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add --data and --cache: where faces come from."""
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, help="folder for prepared faces (default: %(default)s)"
    )


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add --data, --cache and --out."""
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made and for the result")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add --set."""
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")


def add_minutes(parser: argparse.ArgumentParser) -> None:
    """Add --minutes: a study goes on from what is done, so it can be made in pieces."""
    parser.add_argument(
        "--minutes", type=float, help="begin no further training after so many (default: do all)"
    )


def use_all_processors() -> None:
    """Let PyTorch compute on every processor, or on as many as OMP_NUM_THREADS says."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
