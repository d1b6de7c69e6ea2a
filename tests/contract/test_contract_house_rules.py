"""Rules of the house that no linter knows: sizes, unsafe calls, the one way to write files."""

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "emostudio").rglob("*.py"))
FILE_LIMIT = 500
CLASS_LIMIT = 300
FUNCTION_LIMIT = 40  # lines of code, docstring not counted
UNSAFE_CALLS = {
    "torch.jit.load",
    "torch.export.load",
    "torch.hub.load",
    "pickle.load",
    "pickle.loads",
    "torch.package.PackageImporter",
    "eval",
    "exec",
}
UNSAFE_METHODS = {"extractall", "register_custom_ops_library"}
UNSAFE_ARGUMENTS = {("weights_only", False), ("allow_pickle", True)}
WRITERS = {"write_text", "write_bytes"}


def named(path):
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def trees():
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def length(node):
    """Lines of a class with, and of a function without its docstring."""
    lines = node.end_lineno - node.lineno + 1
    if isinstance(node, ast.ClassDef) or ast.get_docstring(node) is None:
        return lines
    return lines - (node.body[0].end_lineno - node.body[0].lineno + 1)


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_files_stay_small():
    long = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: count for name, count in long.items() if count > FILE_LIMIT} == {}


def test_classes_and_functions_stay_small(trees):
    long = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                limit = CLASS_LIMIT if isinstance(node, ast.ClassDef) else FUNCTION_LIMIT
                if length(node) > limit:
                    long.append(f"{named(path)}:{node.lineno} {node.name} {length(node)}")
    assert long == []


def test_no_call_can_run_code_from_a_file(trees):
    found = []
    for path, tree in trees.items():
        for call in calls(tree):
            arguments = {
                (word.arg, word.value.value)
                for word in call.keywords
                if isinstance(word.value, ast.Constant)
            }
            name = ast.unparse(call.func)
            method = name.rsplit(".", 1)[-1]
            if name in UNSAFE_CALLS or method in UNSAFE_METHODS or arguments & UNSAFE_ARGUMENTS:
                found.append(f"{named(path)}:{call.lineno} {name}")
    assert found == []


def test_every_torch_load_is_restricted(trees):
    for path, tree in trees.items():
        for call in calls(tree):
            if ast.unparse(call.func) == "torch.load":
                assert "weights_only=True" in ast.unparse(call), f"{named(path)}:{call.lineno}"


def test_opencv_never_sees_a_path(trees):
    found = [
        f"{named(path)}:{call.lineno}"
        for path, tree in trees.items()
        for call in calls(tree)
        if ast.unparse(call.func) in {"cv2.imread", "cv2.imwrite", "cv2.imshow"}
    ]
    assert found == []


def test_files_are_written_by_the_atomic_helper_only(trees):
    found = [
        f"{named(path)}:{call.lineno} {ast.unparse(call.func)}"
        for path, tree in trees.items()
        if path.name != "atomic.py"
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in WRITERS
        and ast.unparse(call.func.value) != "atomic"
    ]
    assert found == []


def test_no_machine_path_is_named():
    roots = ("/work" + "/", "/root" + "/")
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    found = [
        named(path)
        for path in files
        if any(root in path.read_text(encoding="utf-8") for root in roots)
    ]
    assert found == []


@pytest.mark.parametrize("folder", ["benchmarks", "packaging"])
def test_scripts_import_only_what_there_is(folder):
    missing = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("emo"):
                continue
            module = importlib.import_module(node.module)
            missing += [
                f"{named(path)}: {node.module}.{alias.name}"
                for alias in node.names
                if not hasattr(module, alias.name)
                and importlib.util.find_spec(f"{node.module}.{alias.name}") is None
            ]
    assert missing == []
