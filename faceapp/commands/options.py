"""Options that several commands share, and the settings they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

from faceapp.errors import StreamError
from faceapp.settings import MOST_FACES, Hidden, Mesh, OcclusionMode, Settings, check_setting
from faceapp.settings.region import Region, region_from_text
from faceapp.settings.stream_target import DEFAULT_TARGET, check_stream_name, parse_osc_target

BACKENDS = ("tensorrt", "onnxruntime_cuda", "openvino_gpu", "openvino", "onnxruntime")
"""Names of `engines.backends.backend_names`, written down so that --help and --version load nothing."""
_SETTINGS = (
    *("source", "model", "backend", "occlusion", "simulate", "region"),
    *(
        "smoothing",
        "landmark_smoothing",
        "max_faces",
        "mesh",
        "movements",
        "second_opinion",
        "labels",
        "sessions_dir",
        "shared_recordings",
    ),
    *("lsl", "lsl_network", "lsl_markers", "osc_target", "osc_avatar"),
)


def add_model_option(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add --model."""
    suffix = f" (default {default})" if default else " (default auto: the one that suits each face)"
    parser.add_argument(
        "--model",
        metavar="NAME",
        default=default or argparse.SUPPRESS,
        help=f"name of a model, see `faceapp doctor`, or the folder of one{suffix}",
    )


def add_backend_option(parser: argparse.ArgumentParser) -> None:
    """Add --backend."""
    parser.add_argument(
        "--backend",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help=f"what runs the model: auto (default, the fastest here), {', '.join(BACKENDS)}",
    )


def add_occlusion_option(parser: argparse.ArgumentParser) -> None:
    """Add --occlusion."""
    parser.add_argument(
        "--occlusion",
        choices=get_args(OcclusionMode),
        default=argparse.SUPPRESS,
        help="which half of the faces is hidden: auto (default) looks at each face",
    )


def add_simulate_option(parser: argparse.ArgumentParser) -> None:
    """Add --simulate."""
    parser.add_argument(
        "--simulate",
        choices=get_args(Hidden),
        default=argparse.SUPPRESS,
        help="draw a headset or a mask on every face before it is tracked, for demonstrations",
    )


def add_region_option(parser: argparse.ArgumentParser) -> None:
    """Add --region."""
    parser.add_argument(
        "--region",
        type=_region,
        metavar="X,Y,WIDTH,HEIGHT",
        default=argparse.SUPPRESS,
        help="fixed place of the one face, in shares of the picture, for cameras that move with the head: "
        "faces are not looked for",
    )


def add_smoothing_option(parser: argparse.ArgumentParser) -> None:
    """Add --smoothing, --landmark-smoothing and --mesh, what steadies and places the faces."""
    parser.add_argument(
        "--smoothing",
        type=_setting("smoothing"),
        metavar="0..1",
        default=argparse.SUPPRESS,
        help="strength of smoothing of predictions over time, 0 is off; values before it are always kept too",
    )
    parser.add_argument(
        "--mesh",
        choices=get_args(Mesh),
        default=argparse.SUPPRESS,
        help="what sees the faces' points: mediapipe (default), or its plain network in openvino, faster and less exact",
    )
    parser.add_argument(
        "--landmark-smoothing",
        type=_setting("landmark_smoothing"),
        metavar="0..1",
        default=argparse.SUPPRESS,
        help="strength of smoothing of landmarks over time, 0 is off",
    )


def add_movement_options(parser: argparse.ArgumentParser) -> None:
    """Add --movements and --second-opinion."""
    parser.add_argument(
        "--movements",
        action="store_true",
        default=argparse.SUPPRESS,
        help="measure the action units of each face, columns au01 and so on",
    )
    parser.add_argument(
        "--second-opinion",
        action="store_true",
        default=argparse.SUPPRESS,
        help="ask the movements where the network's highest probabilities are close",
    )


def add_labels_option(parser: argparse.ArgumentParser) -> None:
    """Add --labels."""
    parser.add_argument(
        "--labels",
        metavar="NAME,...",
        default=argparse.SUPPRESS,
        help="read labels of your own, see `faceapp session labels`",
    )


def add_stream_options(parser: argparse.ArgumentParser) -> None:
    """Add --lsl, --lsl-network, --osc and --osc-avatar."""
    parser.add_argument(
        "--lsl",
        action="store_true",
        default=argparse.SUPPRESS,
        help="offer the values to programs on this computer through Lab Streaming Layer (extra lsl)",
    )
    parser.add_argument(
        "--lsl-network",
        action="store_true",
        default=argparse.SUPPRESS,
        help="as --lsl, and let other computers find them too",
    )
    parser.add_argument(
        "--osc",
        dest="osc_target",
        type=_osc_target,
        metavar="HOST:PORT",
        default=argparse.SUPPRESS,
        help=f"send the values as OSC messages (extra osc), for example to {DEFAULT_TARGET}",
    )
    _add_avatar_option(parser)


def _add_avatar_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--osc-avatar",
        action="store_true",
        default=argparse.SUPPRESS,
        help="with --osc: send the first face also as avatar parameters, as VRChat takes them",
    )


def add_lsl_markers_option(parser: argparse.ArgumentParser) -> None:
    """Add --lsl-markers."""
    parser.add_argument(
        "--lsl-markers",
        type=_stream_name,
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="take markers in from LSL streams of this name or type, for example Markers",
    )


def with_options(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """Return the settings with what the command line says in their place.

    Raises:
        StreamError: Avatar parameters are wanted and nothing sends them.
    """
    given: dict[str, Any] = {name: getattr(arguments, name) for name in _SETTINGS if hasattr(arguments, name)}
    if "lsl_network" in given:
        given["lsl"] = True
    if "osc_target" in given:
        given["osc"] = True
    chosen = replace(settings, **given)
    if given.get("osc_avatar") and not chosen.osc:
        raise StreamError(
            f"--osc-avatar: expected --osc with it, found no address to send to; add --osc {DEFAULT_TARGET}"
        )
    return chosen


def seconds(text: str) -> float:
    """Return a time given in seconds, or as minutes:seconds, or hours:minutes:seconds."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or any(not 0 <= part < float("inf") for part in parts):
        raise argparse.ArgumentTypeError(f"expected seconds or minutes:seconds, found {text!r}")
    total = 0.0
    for part in parts:
        total = total * 60 + part
    return total


def count(text: str) -> int:
    """Return a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)


def face_count(text: str) -> int:
    """Return how many faces to look for."""
    number = count(text)
    if number > MOST_FACES:
        raise argparse.ArgumentTypeError(f"expected at most {MOST_FACES} faces, found {text!r}")
    return number


def _osc_target(text: str) -> str:
    try:
        return str(parse_osc_target(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _stream_name(text: str) -> str:
    try:
        check_stream_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _region(text: str) -> Region:
    try:
        return region_from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _setting(name: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
            check_setting(name, value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!r}") from error
        return value

    return parse
