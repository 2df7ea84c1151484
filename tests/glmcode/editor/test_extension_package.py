import json
from pathlib import Path

from glmcode.editor.tasks import matcher_of, tasks

PACKAGE = json.loads((Path(__file__).resolve().parents[3] / "vscode/package.json").read_text())


def test_the_matchers_of_the_extension_are_those_of_the_tasks() -> None:
    for matcher, panel in zip(PACKAGE["contributes"]["problemMatchers"], ("run", "engine"), strict=True):
        wanted = matcher_of("run" if panel == "run" else "engine")
        assert {key: value for key, value in matcher.items() if key not in ("name", "label")} == wanted


def test_the_extension_names_every_task() -> None:
    (definition,) = PACKAGE["contributes"]["taskDefinitions"]
    assert all(task.id in definition["properties"]["task"]["description"] for task in tasks())


def test_no_setting_of_a_folder_names_the_program_that_is_started() -> None:
    assert PACKAGE["contributes"]["configuration"]["properties"]["glmcode.path"]["scope"] == "machine"
    assert PACKAGE["capabilities"]["untrustedWorkspaces"] == {"supported": False}


def test_the_lock_file_names_no_registry() -> None:
    assert "resolved" not in (Path(__file__).resolve().parents[3] / "vscode/package-lock.json").read_text()
