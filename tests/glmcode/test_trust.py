from pathlib import Path

from glmcode.trust import is_trusted, project_config, remember


def repository(tmp_path: Path, text: str = "max_steps = 5\n") -> Path:
    repo = tmp_path / "repo"
    (repo / ".glmcode").mkdir(parents=True)
    (repo / ".glmcode/config.toml").write_text(text)
    return repo


def test_trust_holds_for_one_content_of_one_repository(tmp_path: Path) -> None:
    repo, state = repository(tmp_path), tmp_path / "state"
    other = repository(tmp_path / "other")
    assert not is_trusted(repo, state)
    remember(repo, state)
    assert is_trusted(repo, state) and not is_trusted(other, state)
    (repo / ".glmcode/config.toml").write_text("max_steps = 6\n")
    assert not is_trusted(repo, state)


def test_what_is_known_of_others_survives_and_a_damaged_list_trusts_nobody(tmp_path: Path) -> None:
    repo, other, state = repository(tmp_path), repository(tmp_path / "other"), tmp_path / "state"
    remember(repo, state)
    remember(other, state)
    assert is_trusted(repo, state) and is_trusted(other, state)
    (state / "trust.json").write_text("[1")
    assert not is_trusted(repo, state)


def test_a_link_is_no_configuration(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "config.toml").write_text("")
    linked_file, linked_folder = tmp_path / "a", tmp_path / "b"
    (linked_file / ".glmcode").mkdir(parents=True)
    (linked_file / ".glmcode/config.toml").symlink_to(outside / "config.toml")
    linked_folder.mkdir()
    (linked_folder / ".glmcode").symlink_to(outside)
    assert project_config(linked_file) is None and project_config(linked_folder) is None
    assert project_config(repository(tmp_path / "c")) is not None
