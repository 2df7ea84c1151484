"""What a Python repository says about its packaging and its tests, without running any of it."""

import configparser
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TEST_NAMES = frozenset(("test", "tests", "testing", "dev", "develop", "development", "unittest"))
_REQUIREMENTS = re.compile(
    r"(requirements([-_.](dev|test|tests|testing))?|(dev|test|tests)[-_]requirements)\.(txt|in)"
    r"|requirements/(base|main|requirements|dev|test|tests|testing)\.(txt|in)"
)
_INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MAX_BYTES = 2 * 1024 * 1024
_MAX_FILES = 50


@dataclass(frozen=True, slots=True)
class PythonProject:
    """The packaging of a Python repository. All strings are untrusted."""

    files: tuple[str, ...]
    """Relative paths of the files this was read from, included requirement files too; empty: no Python project."""
    installable: bool
    """Whether `pip install -e .` makes sense."""
    locked: bool
    """Whether versions come from uv.lock."""
    extras: tuple[str, ...]
    """Optional dependencies that tests ask for by name."""
    requirement_files: tuple[str, ...]
    requirements: tuple[str, ...]
    """Single requirements from dependency groups."""
    pytest: bool
    """Whether the tests run under pytest."""
    notes: tuple[str, ...]


def read_python_project(repo: Path) -> PythonProject:
    """Read the project files at the top of `repo`. What cannot be read is passed over, with a note."""
    notes: list[str] = []
    pyproject = _toml(repo, "pyproject.toml", notes)
    config = _ini(repo, "setup.cfg", notes)
    required = _requirement_files(repo)
    names = ("uv.lock", "pyproject.toml", "setup.py", "setup.cfg")
    files = [name for name in names if _text(repo, name) is not None and (name != "uv.lock" or pyproject)]
    files += required + [name for name in _included(repo, required) if name not in required]
    return PythonProject(
        files=tuple(files[:_MAX_FILES]),
        installable=_installable(repo, pyproject, config),
        locked="uv.lock" in files,
        extras=tuple(sorted(_extras(pyproject, config))),
        requirement_files=tuple(name for name in required if not _is_compiled(name, required)),
        requirements=tuple(dict.fromkeys(_group_requirements(pyproject))),
        pytest=_runs_pytest(repo, pyproject, config, files),
        notes=tuple(notes),
    )


def _text(repo: Path, name: str) -> str | None:
    """The text of a regular file in the repository, no link followed out of it."""
    path = repo / name
    try:
        inside = path.resolve().is_relative_to(repo.resolve())
        if inside and path.is_file() and path.stat().st_size <= _MAX_BYTES:
            return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        pass
    return None


def _toml(repo: Path, name: str, notes: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(repo, name) or "")
    except tomllib.TOMLDecodeError as error:
        notes.append(f"{name} cannot be read: {error}")
        return {}


def _ini(repo: Path, name: str, notes: list[str]) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(_text(repo, name) or "")
    except configparser.Error as error:
        notes.append(f"{name} cannot be read: {error.__class__.__name__}")
    return parser


def _table(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _installable(repo: Path, pyproject: dict[str, Any], config: configparser.RawConfigParser) -> bool:
    if _table(pyproject, "tool", "poetry").get("package-mode") is False:
        return False
    if _table(pyproject, "tool", "uv").get("package") is False:
        return False
    described = "project" in pyproject or "build-system" in pyproject
    return described or _text(repo, "setup.py") is not None or config.has_section("metadata")


def _extras(pyproject: dict[str, Any], config: configparser.RawConfigParser) -> set[str]:
    named = set(_table(pyproject, "project", "optional-dependencies"))
    named |= set(_table(pyproject, "tool", "poetry", "extras"))
    if config.has_section("options.extras_require"):
        named |= set(config.options("options.extras_require"))
    return {name for name in named if name.lower() in _TEST_NAMES and _NAME.fullmatch(name)}


def _group_requirements(pyproject: dict[str, Any]) -> Iterator[str]:
    groups = _table(pyproject, "dependency-groups")
    for name in groups:
        if name.lower() in _TEST_NAMES:
            yield from _group(groups, name, frozenset())
    for name, group in _table(pyproject, "tool", "poetry", "group").items():
        if name.lower() in _TEST_NAMES:
            # Poetry's own version syntax is not pip's; the names alone are.
            yield from (package for package in _table(group, "dependencies") if _NAME.fullmatch(package))


def _group(groups: dict[str, Any], name: str, seen: frozenset[str]) -> Iterator[str]:
    if name in seen:
        return
    members = groups.get(name)
    for item in members if isinstance(members, list) else []:
        if isinstance(item, str):
            # A requirement starts with a name; anything else would be an option of pip.
            if _NAME.match(item):
                yield item
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            yield from _group(groups, item["include-group"], seen | {name})


def _requirement_files(repo: Path) -> list[str]:
    try:
        names = [path.name for path in repo.iterdir()]
        if (repo / "requirements").is_dir():
            names += [f"requirements/{path.name}" for path in (repo / "requirements").iterdir()]
    except OSError:
        return []
    return sorted(name for name in names if _REQUIREMENTS.fullmatch(name) and _text(repo, name) is not None)


def _is_compiled(name: str, names: list[str]) -> bool:
    """Whether a .in file has a .txt beside it with the versions chosen."""
    return name.endswith(".in") and f"{name[:-3]}.txt" in names


def _included(repo: Path, names: list[str]) -> list[str]:
    found: list[str] = []
    waiting = list(names)
    while waiting and len(found) < _MAX_FILES:
        name = waiting.pop()
        for target in _INCLUDE.findall(_text(repo, name) or ""):
            path = (Path(name).parent / target).as_posix()
            if path not in found and _text(repo, path) is not None:
                found.append(path)
                waiting.append(path)
    return sorted(found)


def _runs_pytest(repo: Path, pyproject: dict[str, Any], config: configparser.RawConfigParser, files: list[str]) -> bool:
    if "pytest" in _table(pyproject, "tool") or config.has_section("tool:pytest"):
        return True
    if any((repo / name).is_file() for name in ("pytest.ini", "conftest.py", "tests/conftest.py", "test/conftest.py")):
        return True
    return any(re.search(r"\bpytest\b", _text(repo, name) or "") for name in (*files, "tox.ini") if name != "uv.lock")
