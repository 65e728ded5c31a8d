from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engines.errors import CardError
from faceapp.__main__ import COMMANDS, main
from faceapp.commands import doctor
from faceapp.commands.options import seconds
from faceapp.settings.region import Region
from tests.tiny_models import VISIBILITY_TASKS, write_tiny_model

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("av", "cv2", "mediapipe", "onnxruntime", "openvino", "pyarrow", "PySide6", "pyqtgraph")


def run_program(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "faceapp", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize(
    "command", [(), *((name,) for name in COMMANDS), *(("session", a) for a in ("check", "export"))]
)
def test_every_command_explains_itself(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert text.startswith(f"usage: faceapp{''.join(' ' + name for name in command)}")
    assert len(text.splitlines()[0]) <= 100 and "show this help message" in text


def test_help_lists_the_commands_and_needs_no_heavy_library():
    code = f"""
import sys
from faceapp.__main__ import main
try:
    main(["--help"])
finally:
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"\n    {name} " in done.stdout


def test_an_output_that_nobody_reads_any_more_ends_the_program_quietly():
    code = """
import sys
from faceapp.__main__ import main
from faceapp.commands import doctor
def run(options):
    print("read")
    sys.stdin.readline()
    for _ in range(100_000):
        print("unread")
doctor.run = run
sys.exit(main(["doctor"]))
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-u", "-c", code], cwd=ROOT, text=True, **pipes) as program:
        assert program.stdout.readline() == "read\n"
        program.stdout.close()
        program.stdin.write("\n")
        program.stdin.flush()
        assert (program.wait(120), program.stderr.read()) == (0, "")


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.match(r"faceapp \S", capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("analyze", "x.mp4"),
        ("analyze", "x.mp4", "--out", "o", "--every", "0"),
        ("analyze", "x.mp4", "--out", "o", "--smoothing", "1.5"),
        ("analyze", "x.mp4", "--out", "o", "--start", "-3"),
        ("--occlusion", "hat"),
        ("predict", "--out", "o.csv"),
        ("session", "check"),
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("2.5", 2.5), ("1:30", 90), ("1:00:01.5", 3601.5)])
def test_times_may_have_minutes_and_hours(text: str, expected: float):
    assert seconds(text) == pytest.approx(expected)


def test_an_error_of_the_project_is_one_line_and_no_traceback(tmp_path: Path):
    done = run_program("session", "check", str(tmp_path))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("faceapp: ") and "expected a session folder" in line


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def interrupt(_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("faceapp.commands.doctor.run", interrupt)
    assert main(["doctor"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_the_log_shows_warnings_of_the_program_and_each_error_once():
    code = """
import logging
from engines.errors import CardError
from faceapp.__main__ import main
import faceapp.commands.doctor as doctor
def run(_):
    try:
        raise CardError("inner")
    except CardError:
        logging.getLogger("faceapp.pipeline").exception("a thread ended")
    logging.getLogger("faceapp.x").warning("a warning")
    logging.getLogger("matplotlib").warning("building the font cache")
    logging.getLogger("matplotlib").error("a real error")
    raise CardError("outer")
doctor.run = run
raise SystemExit(main(["doctor"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["faceapp: a warning", "faceapp: a real error", "faceapp: outer"]
    assert issubclass(CardError, ValueError)


def test_doctor_names_what_is_there_and_why_the_rest_is_not(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import shutil

    folder = tiny_model.parent / "doctor"
    shutil.copytree(tiny_model, folder / "whole", dirs_exist_ok=True)
    shutil.copytree(tiny_model, folder / "broken", dirs_exist_ok=True)
    (folder / "broken" / "model.onnx").write_bytes(b"no model")
    write_tiny_model(folder / "visibility", name="visibility", tasks=VISIBILITY_TASKS)
    monkeypatch.setattr("engines.models.MODELS_DIR", folder)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    for title in ("program", "cameras", "window", "back ends", "models", "disk", "versions"):
        assert f"\n{title}\n" in f"\n{text}"
    assert "no window: no display here" in text
    assert re.search(r"onnxruntime +ready", text)
    assert re.search(r"whole +1\.0, full faces, SHA-256 [0-9a-f]{64}", text)
    assert re.search(r"broken +damaged: .*expected", text)
    assert re.search(r"visibility +1\.0, sees what hides a face, SHA-256", text)
    assert re.search(r"multitask-headset +not here: faces under a headset are read by multitask", text)
    assert "GB free" in text and re.search(r"numpy +1\.", text)


def test_doctor_tells_what_a_back_end_remembers_of_this_machine(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("engines.models.MODELS_DIR", tiny_model.parent)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    told = {"onnxruntime": "models of one picture run on one stream", "openvino": ""}
    monkeypatch.setattr(
        "engines.backends.settled_text", lambda name, card: told[name] if card.name == "tiny" else ""
    )
    assert main(["doctor"]) == 0
    after = capsys.readouterr().out.partition("onnxruntime      ready")[2].splitlines()
    assert after[1] == f"  {'':<16} models of one picture run on one stream"


def test_doctor_fails_when_no_model_reads_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engines.models.MODELS_DIR", tmp_path)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert main(["doctor"]) == 1
    write_tiny_model(tmp_path / "visibility", name="visibility", tasks=VISIBILITY_TASKS)
    assert main(["doctor"]) == 1


def test_doctor_explains_a_window_system_that_fails(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "nosuchplatform")
    monkeypatch.setenv("WAYLAND_DISPLAY", "none-such")
    assert doctor._window().startswith("no window: qt.qpa.plugin: Could not find")


@pytest.mark.skipif(sys.platform != "linux", reason="Qt brings its libraries elsewhere")
def test_a_missing_library_of_the_window_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setattr(doctor, "_XCB_LIBRARY", "libnosuch.so.0")
    assert main([]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "expected libnosuch.so.0" in line and "sudo apt install" in line


def test_with_a_display_the_window_opens_with_what_the_command_line_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from faceapp.settings import Settings

    opened: list[tuple[Settings, str, object, Settings]] = []
    Settings(smoothing=0.25, model="remembered").save(tmp_path / "settings.json")
    monkeypatch.setattr("faceapp.settings.default_path", lambda: tmp_path / "settings.json")
    monkeypatch.setattr("faceapp.ui.application.has_display", lambda: True)
    monkeypatch.setattr(doctor, "window_problem", lambda: "")
    monkeypatch.setattr("faceapp.ui.main_window.run_window", lambda *given: opened.append(given) or 7)
    shown = ["--simulate", "headset", "--region", "0.1,0.2,0.5,0.6"]
    assert main(["--source", "demo:mask", "--occlusion", "mask", *shown]) == 7
    ((settings, source, _problems, stored),) = opened
    assert (source, settings.occlusion, settings.smoothing) == ("demo:mask", "mask", 0.25)
    assert settings.model == "remembered"
    assert stored == Settings(smoothing=0.25, model="remembered"), "what counts for once is not kept"
    assert (settings.simulate, settings.region) == ("headset", Region(0.1, 0.2, 0.5, 0.6))


@pytest.mark.parametrize(
    ("arguments", "cameras", "expected"),
    [([], (), "demo"), ([], ("a camera",), "0"), (["--source", "1"], (), "1")],
)
def test_without_a_camera_the_window_opens_on_the_demo_unless_one_is_asked_for(
    arguments: list[str],
    cameras: tuple[str, ...],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    opened: list[tuple[object, ...]] = []
    monkeypatch.setattr("faceapp.settings.default_path", lambda: tmp_path / "settings.json")
    monkeypatch.setattr("faceapp.ui.application.has_display", lambda: True)
    monkeypatch.setattr(doctor, "window_problem", lambda: "")
    monkeypatch.setattr("faceapp.sources.list_cameras", lambda: cameras)
    monkeypatch.setattr("faceapp.ui.main_window.run_window", lambda *given: opened.append(given) or 0)

    assert main(arguments) == 0

    assert opened[0][1] == expected
    assert bool(opened[0][2]) == (expected == "demo"), "the change of source is told"


def test_bench_hands_its_options_on_and_prints_the_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import json

    asked: list[tuple[object, object, dict[str, object]]] = []

    def run_bench(inputs: object, settings: object, **options: object) -> dict[str, object]:
        asked.append((inputs, settings, options))
        return {"inputs": []}

    monkeypatch.setattr("faceapp.bench.run_bench", run_bench)
    arguments = [
        "bench",
        "a.mp4",
        "b.jpg",
        "--json",
        "--frames",
        "50",
        "--live-rate",
        "0",
        "--backend",
        "onnxruntime",
    ]
    assert main(arguments) == 0
    ((inputs, settings, options),) = asked
    assert (inputs, settings.backend) == (["a.mp4", "b.jpg"], "onnxruntime")
    assert options == {"frames": 50, "live_rate_hz": None, "memory_frames": None, "rounds": 4}
    assert json.loads(capsys.readouterr().out) == {"inputs": []}


def test_a_missing_system_library_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def import_without_library(arguments: object) -> int:
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("faceapp.commands.doctor.run", import_without_library)

    assert main(["doctor"]) == 2
    said = capsys.readouterr().err
    assert "libGL.so.1" in said and "apt install libgl1" in said and len(said.splitlines()) == 1
