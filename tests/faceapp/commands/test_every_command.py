"""What people expect of every command: help with an example, --verbose and --quiet anywhere, completion, a log, a quick end."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.backends import backend_names
from faceapp.__main__ import _parser, main
from faceapp.commands.every_command import EXAMPLES, commands_below
from faceapp.commands.log_file import OLDER_FILES, LogFile, log_path
from faceapp.commands.options import BACKENDS
from faceapp.session.reader import read_session
from tests.waiting import PROMPT_S, wait_until

ROOT = Path(__file__).resolve().parents[3]
PARSERS = dict(commands_below(_parser()))


@pytest.mark.parametrize("name", PARSERS)
def test_every_command_has_a_description_an_example_and_the_common_options(name: str) -> None:
    text = PARSERS[name].format_help()

    assert PARSERS[name].description and f"example:\n  {EXAMPLES[name]}" in text
    assert "--verbose" in text and "--quiet" in text


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "completion"])
def test_every_example_is_a_command_line_that_is_understood(name: str) -> None:
    program, *arguments = shlex.split(EXAMPLES[name])

    assert program == "faceapp"
    assert _parser().parse_args(arguments, argparse.Namespace()).command == (name.split(" ")[0] or None)


def test_common_options_stand_before_or_after_the_command() -> None:
    for arguments in (
        ["--verbose", "doctor"],
        ["doctor", "--verbose"],
        ["session", "check", "s", "--verbose"],
    ):
        parsed = _parser().parse_args(arguments)
        assert (parsed.verbose, parsed.quiet) == (True, False)


def test_help_names_every_back_end() -> None:
    assert backend_names() == BACKENDS
    assert all(name in " ".join(PARSERS["analyze"].format_help().split()) for name in BACKENDS)


def test_the_completion_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "faceapp.bash"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    code = (
        f'source {script}; COMP_WORDS=(faceapp ana); COMP_CWORD=1; _shtab_faceapp; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["analyze"], done.stderr


def test_the_log_goes_to_the_users_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("needs Linux, whose folders the environment moves")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert log_path() == tmp_path / "faceapp" / "faceapp.log"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    assert log_path() == Path.home() / ".local" / "state" / "faceapp" / "faceapp.log"


def test_the_log_keeps_what_is_ours_and_never_grows_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceapp.commands.log_file.LARGEST_BYTES", 2000)
    path = tmp_path / "deep" / "faceapp.log"
    log = LogFile(path)
    try:
        for number in range(400):
            for name, level in (
                ("faceapp.x", logging.INFO),
                ("other", logging.INFO),
                ("other", logging.ERROR),
            ):
                record = logging.LogRecord(name, level, "", 0, f"{name} says {number}", None, None)
                log.handle(record)
    finally:
        log.close()
    files = sorted(path.parent.iterdir())
    text = path.read_text(encoding="utf-8")
    assert len(files) == 1 + OLDER_FILES and all(file.stat().st_size <= 2000 for file in files)
    assert "INFO faceapp.x: faceapp.x says 399" in text and "ERROR other" in text and "INFO other" not in text


def test_a_log_that_can_not_be_written_is_no_concern_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "faceapp").write_text("a file where the folder should be", encoding="utf-8")
    done = run("session", "check", str(tmp_path), state=tmp_path)

    assert done.returncode == 2 and done.stderr.count("\n") == 1


def environment(state: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state), "OMP_NUM_THREADS": "2"}


def run(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "faceapp", *arguments]
    return subprocess.run(command, env=environment(state), capture_output=True, text=True, timeout=150)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """A minute of a face."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    picture = cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (512, 512))
    for shift in range(1500):
        writer.write(np.roll(picture, shift % 40, axis=1))
    writer.release()
    return path


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["while models load", "while frames come"])
def test_ctrl_c_ends_at_once_without_a_traceback(film: Path, tmp_path: Path, moment: str) -> None:
    command = [sys.executable, "-m", "faceapp", "analyze", str(film), "--out", str(tmp_path / "out")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(tmp_path / "state"), **pipes) as program:
        sign = (
            tmp_path / "state" / "faceapp" / "faceapp.log"
            if moment == "while models load"
            else tmp_path / "out" / "film" / "faces.csv"
        )
        wait_until(lambda: sign.is_file() and sign.stat().st_size, f"{sign.name} is not there")
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=PROMPT_S)

    assert program.returncode == 130 and "Traceback" not in errors
    assert not errors or errors.startswith("faceapp: ")
    if moment == "while frames come":
        assert read_session(tmp_path / "out" / "film").metadata["state"] == "closed"
    else:
        assert not (tmp_path / "out").exists(), "no empty folder is left"


@pytest.mark.slow
def test_quiet_says_nothing_and_predict_says_what_it_wrote(tmp_path: Path, astronaut: np.ndarray) -> None:
    picture = tmp_path / "one.png"
    cv2.imwrite(str(picture), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    table = tmp_path / "said.csv"
    predict = ("predict", "--images", str(picture), "--out", str(table))

    assert run(*predict, state=tmp_path).stdout == f"{table}: 1 face of 1 picture\n"
    for command in (predict, ("analyze", str(picture), "--out", str(tmp_path / "out"))):
        done = run(*command, "--quiet", state=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out" / "one" / "session.json").is_file()


def test_a_failed_run_leaves_no_empty_folder(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    mine = tmp_path / "mine"
    mine.mkdir()

    for out in (tmp_path / "new" / "out", mine):
        assert run("analyze", str(broken), "--out", str(out), state=tmp_path).returncode == 2
    assert not (tmp_path / "new").exists() and mine.is_dir(), "what was there before stays"
