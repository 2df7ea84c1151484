import ast
import functools
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "glmcode_engine": ROOT / "engine/glmcode_engine",
    "glmcode_sandbox": ROOT / "sandbox/glmcode_sandbox",
    "glmcode_prompts": ROOT / "prompts/glmcode_prompts",
    "glmcode_tools": ROOT / "tools/glmcode_tools",
    "glmcode": ROOT / "glmcode",
}
KNOWS = {
    "glmcode_engine": set[str](),
    "glmcode_sandbox": set[str](),
    "glmcode_prompts": set[str](),
    "glmcode_tools": {"glmcode_sandbox", "glmcode_prompts"},
    "glmcode": set(PACKAGES),
}
FACES = ("glmcode.cli", "glmcode.tui", "glmcode.plain", "glmcode.headless", "glmcode.editor", "glmcode.__main__")
HOMES = {
    "acp": "glmcode.editor.acp",
    "openai": "glmcode_engine",
    "tiktoken": "glmcode_engine",
    "tokenizers": "glmcode_engine",
    "pynvml": "glmcode_engine.sglang",
    "yaml": "glmcode_engine",
    "docker": "glmcode_sandbox",
    "requests": "glmcode_sandbox",
    "textual": "glmcode.tui",
    "rich": "glmcode.tui",
    "pygments": "glmcode.tui",
    "markdown_it": "glmcode.tui",
    "git": "glmcode.context",
    "tree_sitter": "glmcode.context",
    "tree_sitter_language_pack": "glmcode.context",
    "keyring": "glmcode.keys",
    "pydantic": "",
}
"""Third-party packages, and the one place that imports each; sglang has none, since it runs as a child process."""
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder).with_suffix("").parts
            if inside[:2] != ("demo", "sample"):
                yield ".".join((package, *(inside[:-1] if inside[-1] == "__init__" else inside))), path


MODULES = dict(modules())


@functools.cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imports(name: str) -> Iterator[str]:
    """What a module imports, anywhere in it: modules, and names of modules that may be modules themselves."""
    for node in ast.walk(tree(name)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                assert node.level == 0 and node.module, f"{name}: relative import in line {node.lineno}"
                yield node.module
                yield from (whole for alias in node.names if (whole := f"{node.module}.{alias.name}") in MODULES)


def is_below(name: str, parent: str) -> bool:
    return not parent or name == parent or name.startswith(f"{parent}.")


def test_imports_point_downward_only() -> None:
    upward = []
    for name in MODULES:
        package = name.partition(".")[0]
        is_face = any(is_below(name, face) for face in FACES)
        for imported in imports(name):
            top = imported.partition(".")[0]
            above = top in PACKAGES and top != package and top not in KNOWS[package]
            if above or (not is_face and any(is_below(imported, face) for face in FACES)):
                upward.append(f"{name} imports {imported}")
    assert upward == []


def test_each_third_party_package_is_imported_in_one_place_only() -> None:
    astray = [
        f"{name} imports {imported}"
        for name in MODULES
        for imported in imports(name)
        if (top := imported.partition(".")[0]) not in PACKAGES and top not in sys.stdlib_module_names
        if top not in HOMES or not is_below(name, HOMES[top])
    ]
    assert astray == []


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: {other for other in imports(name) if other in MODULES and other != name} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name in MODULES if not ast.get_docstring(tree(name))] == []


def test_files_and_functions_stay_short() -> None:
    long = [name for name, path in MODULES.items() if path.read_text("utf-8").count("\n") > MAX_FILE_LINES]
    for name in MODULES:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                long += [f"{name}.{node.name}"] if length > MAX_FUNCTION_LINES else []
    assert long == []


def test_tests_of_the_real_server_are_told_by_the_names_of_their_files() -> None:
    files = {path.relative_to(ROOT): path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    marked = {
        path for path, text in files.items() if re.search(r"^(@|pytestmark = )pytest\.mark\.sglang\b", text, re.M)
    }
    assert marked and {path for path in marked if "sglang" not in path.as_posix()} == set()
