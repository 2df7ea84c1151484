"""Finds out, with one look into the sandbox, which runner a repository's tests want."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from glmcode_sandbox.base import Sandbox
from glmcode_tools.testing.report import NoTests
from glmcode_tools.testing.runners import Runner

_PROBE_BYTES = 1024 * 1024
_ANOTHER_IMAGE = "The user can give an image that has it (--image NAME, or `glmcode sandbox build --from-rootfs TAR`)."
_SKIPPED = r"\( -name node_modules -o -name venv -o -name site-packages -o -name target -o -name '.?*' \)"
_PROBE = rf"""
for f in pytest.ini .pytest.ini pyproject.toml setup.py setup.cfg tox.ini conftest.py tests/conftest.py \
  test/conftest.py manage.py go.mod Cargo.toml pom.xml mvnw build.gradle build.gradle.kts gradlew package.json; do
  [ -f "$f" ] && echo "file $f"
done
grep -qE '^\[tool\.pytest' pyproject.toml 2>/dev/null && echo config pytest
grep -qE '^\[(tool:)?pytest\]' setup.cfg tox.ini 2>/dev/null && echo config pytest
find . -maxdepth 5 {_SKIPPED} -prune -o -type f \( -name 'test*.py' -o -name '*_test.py' \) -print 2>/dev/null |
  head -n 1 | grep -q . && echo tests python
for c in go cargo mvn gradle node npm; do command -v $c >/dev/null 2>&1 && echo "have $c"; done
for c in vitest jest mocha; do [ -x node_modules/.bin/$c ] && echo "have $c"; done
for p in .venv/bin/python venv/bin/python python3 python; do
  v=$("$p" -c 'import importlib.util as u, sys
print("python", sys.version_info >= (3, 7), bool(u.find_spec("pytest")))' 2>/dev/null </dev/null) || continue
  case "$v" in python*) echo "$v $p" ;; esac
  case "$v" in *True) break ;; esac
done
[ -f go.mod ] && sed -n 's/^module[[:space:]]*//p' go.mod | head -n 1 | sed 's/^/module /'
[ -f package.json ] && command -v node >/dev/null 2>&1 && node --version | sed 's/^/node /'
[ -f package.json ] && {{ echo package; head -c 500000 package.json; }}
exit 0
"""


@dataclass(slots=True)
class Place:
    """What the look found."""

    files: set[str] = field(default_factory=set)
    have: set[str] = field(default_factory=set)
    pytest_config: bool = False
    python_tests: bool = False
    pythons: list[str] = field(default_factory=list)
    """Interpreters that run, the preferred first."""
    pytest_python: str | None = None
    go_module: str = ""
    node_major: int = 0
    package: dict[str, Any] = field(default_factory=dict)
    """package.json."""


async def detect(sandbox: Sandbox) -> Runner | NoTests:
    """The runner for the workspace's tests, or why there is none."""
    result = await sandbox.exec(_PROBE, timeout_s=60.0, keep_bytes=_PROBE_BYTES)
    return choose(read_probe(result.output.decode("utf-8", "replace")))


def read_probe(text: str) -> Place:
    """What the probe's lines say; unknown lines are skipped."""
    place = Place()
    head, _, package = text.partition("\npackage\n")
    for line in head.split("\n"):
        match line.split(" ", 1):
            case ["file", name]:
                place.files.add(name)
            case ["have", name]:
                place.have.add(name)
            case ["config", "pytest"]:
                place.pytest_config = True
            case ["tests", "python"]:
                place.python_tests = True
            case ["module", name]:
                place.go_module = name.strip().strip('"')
            case ["node", version]:
                place.node_major = int(found[1]) if (found := re.match(r"v(\d{1,4})\.", version)) else 0
            case ["python", rest]:
                _read_python(place, rest)
            case _:
                pass
    try:
        loaded = json.loads(package) if package else {}
    except (ValueError, RecursionError):
        loaded = {}
    place.package = loaded if isinstance(loaded, dict) else {}
    return place


def _read_python(place: Place, rest: str) -> None:
    match rest.split(" ", 2):
        case ["True", has_pytest, python]:
            place.pythons.append(python)
            if has_pytest == "True" and place.pytest_python is None:
                place.pytest_python = python
        case _:
            pass


def choose(place: Place) -> Runner | NoTests:
    """Configuration for a runner counts most, then the language's own project file, then test files alone."""
    configured = place.pytest_config or place.files & {
        "pytest.ini", ".pytest.ini", "conftest.py", "tests/conftest.py", "test/conftest.py",
    }  # fmt: skip
    packaged = place.files & {"pyproject.toml", "setup.py", "setup.cfg"}
    if configured or (place.python_tests and packaged and not place.files & {"go.mod", "Cargo.toml", "pom.xml"}):
        found = _python(place, bool(configured))
        if isinstance(found, Runner):
            return found
        missing = found
    else:
        missing = None
    for candidate in (_go(place), _cargo(place), _java(place), _javascript(place)):
        if isinstance(candidate, Runner):
            return candidate
        missing = missing or candidate
    if place.python_tests and missing is None:
        return _python(place, bool(configured))
    return missing or NoTests(
        reason="No tests of a kind that is known were found here (pytest, unittest, go, cargo, maven, gradle, vitest, "
        "jest, mocha, node). Give the command with --test-command, or run it with shell."
    )


def _python(place: Place, configured: bool) -> Runner | NoTests:
    if place.pytest_python:
        return Runner("pytest", f"{place.pytest_python} -m pytest", python=place.pytest_python)
    if not place.pythons:
        return NoTests(reason="There are Python tests, but no Python 3.7 or newer runs in the sandbox.")
    python = place.pythons[0]
    if configured and not place.python_tests:
        return NoTests(reason=f"The tests want pytest, which {python} in the sandbox does not have.")
    if "manage.py" in place.files and not configured:
        return Runner("django", f"{python} manage.py test -v 2 --noinput", python=python)
    return Runner("unittest", f"{python} -m unittest", python=python)


def _go(place: Place) -> Runner | NoTests | None:
    if "go.mod" not in place.files:
        return None
    if "go" not in place.have:
        return NoTests(reason=f"There is a go.mod, but no go in the sandbox. {_ANOTHER_IMAGE}")
    return Runner("go", "go test ./...", module=place.go_module)


def _cargo(place: Place) -> Runner | NoTests | None:
    if "Cargo.toml" not in place.files:
        return None
    if "cargo" not in place.have:
        return NoTests(reason=f"There is a Cargo.toml, but no cargo in the sandbox. {_ANOTHER_IMAGE}")
    return Runner("cargo", "cargo test --no-fail-fast")


def _java(place: Place) -> Runner | NoTests | None:
    if "pom.xml" in place.files:
        if "mvn" in place.have:
            return Runner("maven", "mvn -B -fae test")
        if "mvnw" in place.files:
            return Runner("maven", "sh ./mvnw -B -fae test")
        return NoTests(reason=f"There is a pom.xml, but no mvn in the sandbox. {_ANOTHER_IMAGE}")
    if place.files & {"build.gradle", "build.gradle.kts"}:
        if "gradlew" in place.files:
            return Runner("gradle", "sh ./gradlew --continue cleanTest test")
        if "gradle" in place.have:
            return Runner("gradle", "gradle --continue cleanTest test")
        return NoTests(reason=f"There is a build.gradle, but no gradle in the sandbox. {_ANOTHER_IMAGE}")
    return None


def _javascript(place: Place) -> Runner | NoTests | None:
    scripts = place.package.get("scripts")
    script = scripts.get("test") if isinstance(scripts, dict) else None
    if not isinstance(script, str) or "no test specified" in script:
        return None
    if "node" not in place.have:
        return NoTests(reason=f"There is a package.json with tests, but no node in the sandbox. {_ANOTHER_IMAGE}")
    for name in ("vitest", "jest", "mocha"):
        if re.search(rf"\b{name}\b", script):
            if name not in place.have:
                return NoTests(reason=f"The tests want {name}, which is not installed under node_modules.")
            return Runner(name, _bin(name))
    if re.fullmatch(r"node --test(\s+[\w./*'\"-]+)*", script.strip()) and place.node_major >= 20:
        return Runner("node", script.strip())
    return Runner("command", "npm test --silent" if "npm" in place.have else script)


def _bin(name: str) -> str:
    return "node_modules/.bin/vitest run" if name == "vitest" else f"node_modules/.bin/{name}"
