import os
import tomllib
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from glmcode import paths
from glmcode.config import ConfigError, Settings
from glmcode.trust import is_trusted, remember
from glmcode.tui.firstrun.endpoint import EndpointScreen
from glmcode.tui.firstrun.sandbox import SandboxScreen
from glmcode.tui.firstrun.trust import GRACE_S, TrustScreen
from glmcode_engine.presets import PRESETS
from tests.glmcode.live.working import make_repo
from tests.simulated import SimulatedEndpoint
from tests.tui.app.opened import Opened, opened

NOWHERE = "unix:///nonexistent/docker.sock"


async def at_endpoint(it: Opened) -> EndpointScreen:
    await it.until(lambda: isinstance(it.app.screen, EndpointScreen))
    assert isinstance(it.app.screen, EndpointScreen)
    return it.app.screen


def problem(screen: EndpointScreen) -> str:
    return str(screen.query_one(".problem").render())


async def test_without_a_key_the_endpoint_is_asked_for_tested_and_kept(tmp_path: Path) -> None:
    async with SimulatedEndpoint([{"content": "hello there"}]) as server:
        async with opened(tmp_path, engine="remote") as it:
            screen = await at_endpoint(it)
            await it.pilot.press("enter", "enter")
            await it.until(lambda: "key" in problem(screen))
            screen.query_one("#url", Input).value = "http://127.0.0.1:9/v1"
            await it.pilot.press("enter")
            await it.until(lambda: "No answer" in problem(screen))
            screen.query_one("#url", Input).value = server.base_url
            await it.pilot.press("enter")
            await it.until(lambda: it.app.screen is it.app.chat and it.app.opening.session is not None)
            await it.turn("hi")
            assert "hello there" in it.said
        kept = tomllib.loads(paths.config_file().read_text())
        assert kept == {"base_url": server.base_url, "model": PRESETS[0].model}


async def test_without_an_engine_here_another_endpoint_is_offered_and_kept(tmp_path: Path) -> None:
    async with SimulatedEndpoint([{"content": "hello there"}]) as server:
        async with opened(tmp_path, engine="sglang") as it:
            screen = await at_endpoint(it)
            assert "--model-path" in str(screen.query("Static")[1].render())
            await it.pilot.press("escape")
            await it.until(lambda: "--model-path" in it.notes and not it.talk.busy)
            await it.type("hi")
            screen = await at_endpoint(it)
            screen.query_one("#key", Input).focus()
            screen.query_one("#url", Input).value = server.base_url
            await it.pilot.press("enter")
            await it.until(lambda: "hello there" in it.said)
        kept = tomllib.loads(paths.config_file().read_text())
        assert kept["engine"] == "remote" and kept["base_url"] == server.base_url


async def test_a_key_without_a_keyring_holds_for_this_run_and_is_in_no_file(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLMCODE_API_KEY", "")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    async with (
        SimulatedEndpoint([{"content": "hello there"}], key="sk-secret") as server,
        opened(tmp_path, engine="remote") as it,
    ):
        screen = await at_endpoint(it)
        screen.query_one("#key", Input).focus()
        await it.pilot.press(*"sk-secret")
        screen.query_one("#url", Input).value = server.base_url
        await it.pilot.press("enter")
        await it.until(lambda: it.app.screen is it.app.chat and it.app.opening.session is not None)
        assert os.environ["GLMCODE_API_KEY"] == "sk-secret"
        await it.turn("hi")
        assert "hello there" in it.said
    files = [path for path in (*own_home.rglob("*"), *tmp_path.rglob("*")) if path.is_file()]
    assert files and not [path for path in files if b"sk-secret" in path.read_bytes()]


async def test_the_endpoint_can_wait_and_is_asked_for_again_with_the_first_message(tmp_path: Path) -> None:
    async with opened(tmp_path, engine="remote") as it:
        await at_endpoint(it)
        await it.pilot.press("escape")
        await it.until(lambda: "No endpoint yet" in it.notes)
        await it.type("hi")
        await at_endpoint(it)
        await it.pilot.press("escape")
        await it.idle()
        assert it.draft == "hi"


async def test_the_arrows_choose_a_known_endpoint(tmp_path: Path) -> None:
    async with opened(tmp_path, engine="remote") as it:
        screen = await at_endpoint(it)
        await it.pilot.press("down")
        await it.pilot.pause()
        assert screen.query_one("#url", Input).value == PRESETS[1].base_url


async def test_without_docker_the_ways_to_go_on_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    async with opened(tmp_path, [{"content": "hello"}], sandbox="docker") as it:
        await it.until(lambda: isinstance(it.app.screen, SandboxScreen))
        screen = it.app.screen
        options = screen.query_one(OptionList)
        shown = [str(options.get_option_at_index(at).prompt) for at in range(options.option_count)]
        assert shown[-1].startswith("UNSAFE")
        options.highlighted = 1
        await it.pilot.press("enter")
        await it.until(lambda: str(screen.query_one(".hint").render()) not in ("", "Building…"))
        assert it.app.screen is screen
        options.highlighted = options.option_count - 1
        await it.until(lambda: options.has_focus)
        await it.pilot.press("enter")
        await it.until(lambda: it.app.screen is it.app.chat and it.app.opening.session is not None)
        await it.turn("hi")
        assert "hello" in it.said and it.app.opening.settings.sandbox == "none"


async def test_the_sandbox_can_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    async with opened(tmp_path, sandbox="docker") as it:
        await it.until(lambda: isinstance(it.app.screen, SandboxScreen))
        await it.pilot.press("escape")
        await it.until(lambda: it.app.screen is it.app.chat)
        await it.until(lambda: it.notes)


def untrusted(tmp_path: Path) -> tuple[Path, Path]:
    repo = make_repo(tmp_path)
    file = repo / ".glmcode/config.toml"
    file.parent.mkdir()
    file.write_text('test_command = "make \x1b[31mcheck"\n'.replace("\x1b", "\\u001b"))
    return repo, file


@pytest.mark.parametrize(("key", "trusted"), [("y", True), ("n", False), ("escape", False)])
async def test_a_repositorys_configuration_holds_only_after_a_yes(key: str, trusted: bool, tmp_path: Path) -> None:
    repo, file = untrusted(tmp_path)
    reloads: list[bool] = []

    def reload() -> Settings:
        reloads.append(is_trusted(repo, paths.state_dir()))
        return Settings(engine=f"scripted:{tmp_path}/script.json", sandbox="none", test_command="make check")

    async with opened(tmp_path, repo=repo, start={"untrusted": file, "reload": reload}) as it:
        await it.until(lambda: isinstance(it.app.screen, TrustScreen))
        assert "test_command" in str(it.app.screen.query_one(".shown Static").render())
        await it.pilot.pause(GRACE_S + 0.2)
        await it.pilot.press(key)
        await it.until(lambda: it.app.screen is it.app.chat and it.app.opening.session is not None)
        assert it.app.opening.settings.test_command == ("make check" if trusted else None)
        assert reloads == ([True] if trusted else []) and is_trusted(repo, paths.state_dir()) is trusted


async def test_a_trusted_configuration_that_cannot_be_obeyed_is_said(tmp_path: Path) -> None:
    repo, file = untrusted(tmp_path)

    def reload() -> Settings:
        raise ConfigError(f"{file}: engine cannot be set by a project")

    async with opened(tmp_path, repo=repo, start={"untrusted": file, "reload": reload}) as it:
        await it.until(lambda: isinstance(it.app.screen, TrustScreen))
        await it.pilot.pause(GRACE_S + 0.2)
        await it.pilot.press("y")
        await it.until(lambda: it.app.opening.session is not None)
        assert "engine cannot be set by a project" in it.notes
        await it.turn("hello")
        assert "ok" in it.said


async def test_keys_that_were_typed_ahead_trust_nothing(tmp_path: Path) -> None:
    repo, file = untrusted(tmp_path)
    answers: list[bool | None] = []
    async with opened(tmp_path, repo=repo) as it:
        await it.app.push_screen(TrustScreen(file, grace_s=3600), answers.append)
        await it.pilot.press("y", "n", "escape")
        assert answers == [] and isinstance(it.app.screen, TrustScreen)


def test_a_changed_configuration_is_asked_about_again(tmp_path: Path) -> None:
    repo, file = untrusted(tmp_path)
    remember(repo, paths.state_dir())
    file.write_text("max_steps = 1\n")
    assert not is_trusted(repo, paths.state_dir())
