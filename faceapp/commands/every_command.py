"""What every command has, down to the actions of `session`: --verbose and --quiet, a description, an example."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

EXAMPLES = {
    "": "faceapp --source demo --simulate headset",
    "open": "faceapp open interview.mp4",
    "analyze": "faceapp analyze interview.mp4 rtsp://camera.local/stream --for 60 --out sessions",
    "predict": "faceapp predict --images pictures --out faces.csv",
    "bench": "faceapp bench interview.mp4 --json",
    "doctor": "faceapp doctor",
    "completion": 'eval "$(faceapp completion bash)"',
    "session": "faceapp session export sessions/interview --format csv",
    "session open": "faceapp session open sessions/interview",
    "session check": "faceapp session check sessions/interview --look-only",
    "session export": "faceapp session export sessions/interview --format csv --out tables",
    "session report": "faceapp session report sessions/interview --out interview.html",
    "session summary": "faceapp session summary sessions/interview --baseline 0 10",
    "session agreement": "faceapp session agreement sessions/interview --network",
    "session study": "faceapp session study sessions",
    "session teach": "faceapp session teach sessions/one sessions/two --label bored",
    "session labels": "faceapp session labels --remove bored",
}
"""Command -> a line that works as it stands, but for the names in it."""


def complete(parser: argparse.ArgumentParser) -> None:
    """Give a parser and all below it the common options and the example, and actions their help as description.

    Args:
        parser: With all its commands.
    """
    parser.set_defaults(verbose=False, quiet=False)
    for name, each in commands_below(parser):
        saying = each.add_mutually_exclusive_group()
        saying.add_argument(
            "--verbose", action="store_true", default=argparse.SUPPRESS, help="log what the program does"
        )
        saying.add_argument(
            "--quiet", action="store_true", default=argparse.SUPPRESS, help="say nothing but what is wrong"
        )
        if example := EXAMPLES.get(name):
            each.formatter_class = argparse.RawDescriptionHelpFormatter
            each.epilog = f"example:\n  {example}" + (f"\n\n{each.epilog}" if each.epilog else "")


def commands_below(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a parser's name and itself, then those of all its commands: ("session check", parser)."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            said = {choice.dest: choice.help for choice in action._choices_actions}
            for command, below in action.choices.items():
                if not below.description and (text := said.get(command)):
                    below.description = f"{text[0].upper()}{text[1:]}."
                yield from commands_below(below, f"{name} {command}".strip())
