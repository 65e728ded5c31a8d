"""Nothing leaves this computer: the libraries' usage reports are off."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_layering import FILES, ROOT, imports

# Ends the process at the first attempt to reach another computer or to start a process that could.
GUARD = """
import os, sys
reaching_out = {"socket.connect", "socket.getaddrinfo"}
starting = {"os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen"}
def guard(event, arguments):
    if event in reaching_out | starting:
        print("tried", event, arguments, file=sys.stderr, flush=True)
        os._exit(3)
sys.addaudithook(guard)
"""
RUN = """
import sys
from engines.backends import backend_names, unavailable_reason
from engines.engine import load_engine
from engines.measure.verify import fixed_chips
for name in backend_names():
    if not unavailable_reason(name):
        with load_engine(sys.argv[1], name) as engine:
            engine.infer(fixed_chips(engine.card.input, 2))
            print("ran", name, flush=True)
"""


def run(code: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own whose home folder is empty."""
    switches = ("ORT_DISABLE_TELEMETRY", "CI", "TF_BUILD", "JENKINS_URL", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in switches}
    environment.update(HOME=str(home), PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_running_every_back_end_writes_no_identity_and_reaches_out_to_nobody(
    tiny_model: Path, tmp_path: Path
) -> None:
    done = run(GUARD + RUN, tmp_path, str(tiny_model))
    assert done.returncode == 0, done.stderr
    assert "ran onnxruntime" in done.stdout
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    kernels = Path(".cache/faceapp/openvino")
    assert [path for path in written if path.parent != kernels or path.suffix != ".blob"] == []


def test_the_guard_sees_a_connection_and_a_process(tmp_path: Path) -> None:
    for attempt in (
        "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
        "import subprocess; subprocess.run(['true'])",
        "import multiprocessing; multiprocessing.get_context('fork').Process(target=print).start()",
    ):
        assert run(GUARD + attempt, tmp_path).returncode == 3


def _imports_onnx_runtime_when_imported(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(name.split(".")[0] == "onnxruntime" for name in imports(tree, "", functions=False))


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if _imports_onnx_runtime_when_imported(path)],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_a_module_that_imports_onnx_runtime_switches_its_reports_off_first(
    path: Path, tmp_path: Path
) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    done = run(f"import {module}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*onnxruntime*")), f"{path}: import engines before onnxruntime"
