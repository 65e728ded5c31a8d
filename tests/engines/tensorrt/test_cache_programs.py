"""What two programs that build engines do to each other, and where a user's engines lie."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engines import user_cache
from engines.file_lock import file_lock
from engines.tensorrt import cache as cache_module
from engines.tensorrt.build_control import BuildCancelledError, BuildControl
from engines.tensorrt.cache import PlanCache
from tests.engines.tensorrt.test_cache import KEY, Builder


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(tmp_path / "engines")


_PROGRAM = """
import sys, time
from pathlib import Path
from engines.tensorrt.build import Built
from engines.tensorrt.cache import PlanCache
from tests.engines.tensorrt.test_cache import KEY

folder, mark = Path(sys.argv[1]), Path(sys.argv[2])

def build(timing_cache):
    with mark.open("a") as stream:
        stream.write("built\\n")
    time.sleep(0.5)
    return Built(b"P" * 1_000_000)

found = PlanCache(folder).get_or_build(KEY, build)
print(len(found.plan), found.from_cache, found.problem)
"""


def test_of_two_programs_one_builds_and_the_other_loads(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path / "engines"), str(tmp_path / "mark")]
    root = Path(cache_module.__file__).parents[2]
    programs = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = sorted(program.communicate(timeout=60)[0].strip() for program in programs)
    assert said == ["1000000 False", "1000000 True", "1000000 True"]
    assert (tmp_path / "mark").read_text(encoding="utf-8") == "built\n"


def test_a_program_that_dies_while_building_frees_the_lock(tmp_path: Path) -> None:
    program = _PROGRAM.replace("time.sleep(0.5)", "import os; os._exit(9)")
    command = [sys.executable, "-c", program, str(tmp_path / "engines"), str(tmp_path / "mark")]
    root = Path(cache_module.__file__).parents[2]
    assert subprocess.run(command, cwd=root, timeout=60, check=False).returncode == 9
    assert not PlanCache(tmp_path / "engines").get_or_build(KEY, Builder()).from_cache


def test_waiting_for_another_program_is_shown_and_can_be_cancelled(cache: PlanCache) -> None:
    cache.folder.mkdir(mode=0o700)
    steps: list[str] = []
    control = BuildControl()

    def progress(share: float, step: str) -> None:
        steps.append(step)
        if len(steps) == 3:
            control.cancelled.set()

    control.progress = progress
    build = Builder()
    with (
        file_lock(cache.folder / "build.lock", lambda: pytest.fail("nobody else holds it")),
        pytest.raises(BuildCancelledError),
    ):
        cache.get_or_build(KEY, build, control)
    assert steps == ["another program builds an engine; waiting for it"] * 3
    assert build.builds == 0
    assert not cache.get_or_build(KEY, build).from_cache


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("/var/cache/me", "/var/cache/me/faceapp"), ("relative", "~/.cache/faceapp"), ("", "~/.cache/faceapp")],
)
@pytest.mark.skipif(sys.platform != "linux", reason="XDG's folders")
def test_the_user_s_folder_follows_xdg(variable: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", variable)
    assert user_cache.user_cache_folder() == Path(expected).expanduser()
