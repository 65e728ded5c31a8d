"""Reads every import and enforces who may import whom; also that label orders live in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.card import EMOTIONS, GENDERS, SMILES
from tests.floors import FLOORS

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("faceapp", "engines", "training")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
QT = ("PySide6", "pyqtgraph", "shiboken6")
# Loading one of these takes from 0.2 s to several seconds, so it waits until it is needed.
SLOW_LIBRARIES = ("mediapipe", "openvino", "onnxruntime", "tensorrt", "tensorrt_rtx")


def imports(tree: ast.AST, package: str, *, functions: bool = True) -> Iterator[str]:
    """Yield the full dotted name of everything a module imports.

    Args:
        tree: The module.
        package: Dotted name of the package the module lies in, for relative imports.
        functions: False: only what is imported when the module itself is.
    """
    for node in _nodes(tree, functions):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _nodes(tree: ast.AST, functions: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not functions and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _types_only(node)):
            continue
        yield node
        yield from _nodes(node, functions)


def _types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def refusals(path: str, source: str) -> list[str]:
    """Return what a file imports against the rules, one line each.

    Args:
        path: Path below the project's root, with slashes.
        source: Its text.
    """
    tree = ast.parse(source)
    package = path.rsplit("/", 1)[0].replace("/", ".")
    top = package.split(".")[0]
    refused = [
        f"{path} imports {name}"
        for name in imports(tree, package)
        if (_within(name, PACKAGES) and not _within(name, _OWN[top])) or _within(name, _forbidden(path, top))
    ]
    slow = [
        f"{path} imports {name} while it is itself imported"
        for name in imports(tree, package, functions=False)
        if top != "training" and _within(name, SLOW_LIBRARIES)
    ]
    return refused + slow


_OWN = {
    "faceapp": ("faceapp", "engines"),
    "engines": ("engines",),
    "training": ("training", "engines", "faceapp.tracking"),
}


def _forbidden(path: str, top: str) -> tuple[str, ...]:
    """Return the libraries that a file must not import."""
    if top == "engines":
        openvino = () if path == "engines/backends/openvino.py" else ("openvino",)
        cuda = () if path == "engines/tensorrt/cuda.py" else ("cuda",)
        return (*QT, "torch", "mediapipe", "tensorrt", "tensorrt_rtx", *openvino, *cuda)
    if top == "training":
        return (*QT, "openvino", "tensorrt", "tensorrt_rtx", "cuda")
    has_window = path.startswith("faceapp/ui/") or path == "faceapp/__main__.py"
    return ("torch", "openvino", "tensorrt", "tensorrt_rtx", "cuda", *(() if has_window else QT))


def upward_arrows(path: str, source: str) -> list[str]:
    """Return the imports of a file from its own floor's height or above, one line each.

    Args:
        path: Path below the project's root, with slashes.
        source: Its text.
    """
    top, _, below = path.removesuffix(".py").partition("/")
    floors = FLOORS.get(top)
    if floors is None or below == "__init__":
        return []
    own = below.partition("/")[0]
    found = []
    for name in imports(ast.parse(source), path.rsplit("/", 1)[0].replace("/", ".")):
        package, *rest = name.split(".")
        if package == top and rest and rest[0] != own and _height(top, rest[0]) >= _height(top, own):
            found.append(f"{path} imports {name}: {top}/{rest[0]} is not below {top}/{own}")
    return found


def _height(package: str, floor: str) -> int:
    """Return how high a floor is, 0 for the lowest; every folder and file at a package's top has one."""
    floors = FLOORS[package]
    assert floor in floors, f"{package}/{floor} has no floor: name it in tests/floors.py"
    return len(floors) - floors.index(floor)


def label_orders(source: str) -> list[str]:
    """Return the lists and tuples of a module that write down an order of labels."""
    orders = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Tuple | ast.List):
            texts = [item.value for item in node.elts if isinstance(item, ast.Constant)]
            emotions = {text for text in texts if text in EMOTIONS}
            if len(emotions) > 3 or set(texts) in (set(GENDERS), set(SMILES)):
                orders.append(f"line {node.lineno}: {ast.unparse(node)}")
    return orders


def _identity(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_packages_are_found() -> None:
    assert {_identity(path).split("/")[0] for path in FILES} == set(PACKAGES)


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    """Return the text of every file of the packages, by its path below the root."""
    return {_identity(path): path.read_text(encoding="utf-8") for path in FILES}


def test_imports_follow_the_packages(sources: dict[str, str]) -> None:
    assert [line for path, source in sources.items() for line in refusals(path, source)] == []


def test_imports_go_down_the_floors(sources: dict[str, str]) -> None:
    assert [line for path, source in sources.items() for line in upward_arrows(path, source)] == []


def test_label_orders_live_in_the_card_alone(sources: dict[str, str]) -> None:
    orders = {path: found for path, source in sources.items() if (found := label_orders(source))}
    assert list(orders) == ["engines/card.py"]
    assert len(orders["engines/card.py"]) == 3


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engines/engine.py", "from faceapp.types import Frame"),
        ("engines/engine.py", "import faceapp"),
        ("engines/engine.py", "def load():\n    import torch"),
        ("engines/engine.py", "from ..faceapp import types"),
        ("engines/backends/onnxruntime.py", "import onnxruntime"),
        ("engines/measure/bench.py", "def run():\n    import openvino.properties"),
        ("engines/tensorrt/plan_runner.py", "def run():\n    import tensorrt"),
        ("engines/tensorrt/plan_runner.py", "def run():\n    from cuda.bindings import runtime"),
        ("faceapp/analysis/analyzer.py", "from PySide6.QtCore import Qt"),
        ("faceapp/session/writer.py", "from training import metrics"),
        ("faceapp/ui/live.py", "import torch.nn"),
        ("faceapp/tracking/mediapipe_mesh.py", "import mediapipe"),
        ("training/fitting/loop.py", "from faceapp import settings"),
        ("training/fitting/loop.py", "import pyqtgraph"),
    ],
)
def test_a_forbidden_import_is_seen(path: str, source: str) -> None:
    assert len(refusals(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engines/engine.py", "from engines.card import load_card"),
        ("engines/backends/openvino.py", "def load():\n    import openvino"),
        ("engines/tensorrt/cuda.py", "def load():\n    from cuda.bindings import runtime"),
        (
            "engines/backends/onnxruntime.py",
            "if TYPE_CHECKING:\n    from onnxruntime import InferenceSession",
        ),
        ("faceapp/ui/live.py", "from PySide6.QtCore import Qt\nfrom engines.card import EMOTIONS"),
        ("faceapp/tracking/mediapipe_mesh.py", "def update():\n    import mediapipe"),
        ("training/data/prepared.py", "from faceapp.tracking.face_crops import CropLandmarker\nimport torch"),
        ("training/nets/bknet.py", "from . import resnet"),
    ],
)
def test_an_allowed_import_passes(path: str, source: str) -> None:
    assert refusals(path, source) == []


@pytest.mark.parametrize(
    ("path", "source", "arrows"),
    [
        ("faceapp/session/writer.py", "from faceapp.ui import window", 1),
        ("faceapp/session/writer.py", "from faceapp.labels.features import face_features", 1),
        ("faceapp/types.py", "if TYPE_CHECKING:\n    from faceapp.settings import Settings", 1),
        ("engines/parity.py", "def run():\n    from engines.backends import create_backend", 1),
        (
            "faceapp/ui/live.py",
            "from faceapp.session.writer import SessionWriter\nfrom faceapp.ui import theme",
            0,
        ),
        ("engines/engine.py", "from engines.card import load_card", 0),
    ],
)
def test_an_arrow_up_is_seen(path: str, source: str, arrows: int) -> None:
    assert len(upward_arrows(path, source)) == arrows


def test_a_second_label_order_is_seen() -> None:
    assert label_orders("NAMES = ['anger', 'disgust', 'fear', 'happiness']")
    assert label_orders("NAMES = ('female', 'male')")
    assert label_orders("COLORS = {'anger': 1, 'disgust': 2, 'fear': 3, 'happiness': 4, 'sadness': 5}") == []
