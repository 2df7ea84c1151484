"""Which runner is chosen for what."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_tools.testing.detect import choose, read_probe
from glmcode_tools.testing.report import NoTests

PYTHON = "python True True python3\n"
BARE = "python True False python3\n"


def package(script: str) -> str:
    return "\npackage\n" + json.dumps({"scripts": {"test": script}})


@pytest.mark.parametrize(
    ("probe", "name", "command"),
    [
        ("config pytest\n" + PYTHON, "pytest", "python3 -m pytest"),
        ("file setup.py\ntests python\npython True True .venv/bin/python\n", "pytest", ".venv/bin/python -m pytest"),
        ("tests python\npython True False .venv/bin/python\n" + PYTHON, "pytest", "python3 -m pytest"),
        ("tests python\n" + BARE, "unittest", "python3 -m unittest"),
        ("file manage.py\ntests python\n" + BARE, "django", "python3 manage.py test -v 2 --noinput"),
        ("file go.mod\nhave go\nmodule example.com/m\ntests python\n" + PYTHON, "go", "go test ./..."),
        ("file Cargo.toml\nhave cargo\n", "cargo", "cargo test --no-fail-fast"),
        ("file pom.xml\nhave mvn\n", "maven", "mvn -B -fae test"),
        ("file build.gradle\nfile gradlew\n", "gradle", "sh ./gradlew --continue cleanTest test"),
        ("have node\nhave vitest" + package("vitest --run"), "vitest", "node_modules/.bin/vitest run"),
        ("have node\nhave jest" + package("NODE_ENV=test jest"), "jest", "node_modules/.bin/jest"),
        ("have node\nhave npm\nnode v20.1.0" + package("node --test test/"), "node", "node --test test/"),
        ("have node\nhave npm\nnode v18.1.0" + package("node --test"), "command", "npm test --silent"),
        (
            "have node\nhave npm\nfile setup.py\n" + PYTHON + "tests python" + package("jest"),
            "pytest",
            "python3 -m pytest",
        ),
    ],
)
def test_runner(probe: str, name: str, command: str) -> None:
    runner = choose(read_probe(probe))
    assert not isinstance(runner, NoTests), runner
    assert (runner.name, runner.command) == (name, command)


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("", "No tests of a kind that is known"),
        ("file go.mod\n", "no go in the sandbox"),
        ("config pytest\n" + BARE, "want pytest"),
        ("tests python\npython False False python3\n", "no Python 3.7 or newer"),
        ("have node" + package("jest"), "jest, which is not installed"),
        ("have node" + package('echo "Error: no test specified" && exit 1'), "No tests of a kind"),
    ],
)
def test_what_is_missing_is_named(probe: str, said: str) -> None:
    found = choose(read_probe(probe))
    assert isinstance(found, NoTests)
    assert said in found.reason


WORDS = st.sampled_from(
    ["file", "have", "python", "True", "setup.py", "go.mod", "package", "\n", " ", "{", '"', "node", "v1."]
)


@given(st.text() | st.lists(WORDS).map("".join))
def test_any_probe_leads_somewhere(text: str) -> None:
    found = choose(read_probe(text))
    assert found.reason if isinstance(found, NoTests) else found.command
