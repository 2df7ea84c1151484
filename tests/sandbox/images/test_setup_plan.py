"""Setup plans from lock and project files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_sandbox.images.setup_plan import detect_setup, quoted
from tests.sandbox.repositories import write


def commands(repo: Path) -> list[str]:
    return list(detect_setup(repo).commands)


VENV = "python3 -m venv /opt/glmcode/venv"
PIP = "/opt/glmcode/venv/bin/python -m pip install"


def test_no_project_files_need_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": "x", "tests/test_a.py": "x"})
    assert detect_setup(tmp_path).steps == ()


def test_extras_groups_and_requirement_files_are_installed_together(tmp_path: Path) -> None:
    pyproject = """
[project]
name = "x"
version = "1"
optional-dependencies = { test = ["a"], docs = ["sphinx"], dev = ["b"] }
[dependency-groups]
test = ["pytest>=8", { include-group = "typing" }, "--index-url=https://evil.example"]
typing = ["mypy"]
docs = ["furo"]
[tool.pytest.ini_options]
"""
    write(
        tmp_path,
        {"pyproject.toml": pyproject, "requirements-dev.txt": "-r more/extra.txt\nc\n", "more/extra.txt": "d\n"},
    )
    plan = detect_setup(tmp_path)
    assert list(plan.commands) == [
        VENV,
        f"{PIP} -e '.[dev,test]' -r 'requirements-dev.txt' 'pytest>=8' 'mypy' pytest",
    ]
    assert plan.files == ("pyproject.toml", "requirements-dev.txt", "more/extra.txt")


def test_a_setup_cfg_names_extras(tmp_path: Path) -> None:
    write(tmp_path, {"setup.py": "", "setup.cfg": "[options.extras_require]\ntesting =\n  pytest\nspeed =\n  c\n"})
    assert commands(tmp_path) == [VENV, f"{PIP} -e '.[testing]' pytest"]


def test_a_project_file_of_tools_only_is_not_installed(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": "[tool.ruff]\n", "requirements.txt": "six\n", "conftest.py": ""})
    assert commands(tmp_path) == [VENV, f"{PIP} -r 'requirements.txt' pytest"]


def test_a_lock_decides_the_versions(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": '[project]\nname = "x"\n', "uv.lock": "version = 1\n"})
    made = commands(tmp_path)
    assert made[1] == f"{PIP} uv"
    assert "--frozen" in made[2]
    assert made[-1] == f"{PIP} --no-deps -e ."


def test_compiled_requirements_win_over_their_source(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.in": "six\n", "requirements.txt": "six==1.16\n"})
    assert commands(tmp_path) == [VENV, f"{PIP} -r 'requirements.txt'"]


@pytest.mark.parametrize(
    "content", ["not [toml", "[project]\noptional-dependencies = 3\n", "[dependency-groups]\ntest = 1\n"]
)
def test_what_cannot_be_read_is_passed_over(tmp_path: Path, content: str) -> None:
    write(tmp_path, {"pyproject.toml": content})
    assert commands(tmp_path)[0] == VENV


def test_groups_that_include_each_other_end(tmp_path: Path) -> None:
    text = '[dependency-groups]\ntest = [{ include-group = "dev" }, "a"]\ndev = [{ include-group = "test" }]\n'
    write(tmp_path, {"pyproject.toml": text})
    assert commands(tmp_path) == [VENV, f"{PIP} 'a'"]


def test_files_outside_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"secret.txt": "pytest", "repo/requirements.txt": "-r ../secret.txt\nsix\n"})
    (tmp_path / "repo/setup.cfg").symlink_to(tmp_path / "secret.txt")
    assert detect_setup(tmp_path / "repo").files == ("requirements.txt",)


def test_other_languages_have_their_steps_and_notes(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": "", "Cargo.lock": "", "Cargo.toml": "", "pom.xml": "", "package-lock.json": "{}"})
    plan = detect_setup(tmp_path)
    assert [step.needs for step in plan.steps] == ["go", "cargo", "mvn"]
    assert dict(plan.environment)["GOMODCACHE"] == "/opt/glmcode/go"
    assert "npm ci" in plan.notes[0]


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=200))
def test_no_content_of_a_repository_breaks_the_plan(
    tmp_path_factory: pytest.TempPathFactory, pyproject: bytes, config: bytes, requirements: bytes
) -> None:
    repo = tmp_path_factory.mktemp("repo")
    write(repo, {"pyproject.toml": pyproject, "setup.cfg": config, "requirements.txt": requirements})
    assert commands(repo)[0] == VENV


@given(st.dictionaries(st.text(min_size=1), st.one_of(st.text(), st.lists(st.text()), st.integers())))
def test_hostile_tables_give_only_quoted_words(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, object]
) -> None:
    import json
    import shlex
    import tomllib

    repo = tmp_path_factory.mktemp("repo")
    text = "[dependency-groups]\n" + "".join(
        f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in table.items()
    )
    text += 'test = ["a; touch /x", "b$(id)", "c`id`", "d\'e"]\n'
    write(repo, {"pyproject.toml": text})
    words = shlex.split(commands(repo)[-1])
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # a key given twice, or an escape that JSON has and TOML has not
        assert "a; touch /x" not in words
    else:
        assert {"a; touch /x", "b$(id)", "c`id`", "d'e"} <= set(words)


@given(st.text(alphabet=st.characters(exclude_characters="\0")))
def test_a_quoted_word_is_one_word(word: str) -> None:
    import shlex

    assert shlex.split(quoted(word)) == [word]
