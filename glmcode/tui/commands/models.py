"""Commands about who answers: model, thinking, engine."""

from glmcode.markdown import fenced
from glmcode.tui.choices import Choice, Choices
from glmcode.tui.conversation import Conversation
from glmcode.tui.page.screen import PageScreen
from glmcode.tui.texts import text
from glmcode_engine.presets import PRESETS


async def think(talk: Conversation, state: str) -> None:
    """Whether the model thinks, from the next turn on."""
    if state not in ("on", "off", "auto"):
        talk.say(text("commands.think_usage", state=talk.opening.settings.thinking))
        return
    talk.opening.set_thinking(state)
    talk.show_status()


async def model(talk: Conversation, name: str) -> None:
    """Another model of the same endpoint by its name, or one of the known endpoints from a list."""
    changes: dict[str, object] = {"model": name} if name else await _chosen(talk)
    if not changes:
        return
    if talk.live is not None:
        await talk.live.switch(**changes)
    else:
        await talk.opening.reload(**changes)
    talk.show_status()
    talk.say(text("commands.model_now", model=talk.opening.settings.model, url=talk.opening.settings.base_url))


async def _chosen(talk: Conversation) -> dict[str, object]:
    settings = talk.opening.settings
    choices = [Choice(each.name, f"{each.name}: {each.model}", each.base_url) for each in PRESETS]
    now = next((each.name for each in PRESETS if each.base_url == settings.base_url), None)
    if now is None:
        choices.insert(0, Choice("", settings.model, settings.base_url))
    chosen = await talk.app.push_screen_wait(Choices(text("commands.models"), choices, chosen=now))
    preset = next((each for each in PRESETS if each.name == chosen), None)
    if preset is None:
        return {}
    return {
        "engine": "remote",
        "preset": preset.name,
        "base_url": preset.base_url,
        "model": preset.model,
        "dialect": preset.dialect,
    }


async def engine(talk: Conversation, _: str) -> None:
    """Who answers, where, and how the server on this machine is doing."""
    live, settings = talk.live, talk.opening.settings
    lines = [f"# {text('commands.engine_title')}", ""]
    info = live.engine.info if live else None
    facts = {
        "kind": info.kind if info else settings.engine.partition(":")[0],
        "model": info.model if info else settings.model,
        "url": (info.base_url if info else settings.base_url) or "",
        "sandbox": live.sandbox_line if live else settings.sandbox,
    }
    lines += [f"- {text(f'commands.engine_{name}')}: `{value}`" for name, value in facts.items() if value]
    if settings.engine == "sglang":
        lines += ["", *await _server()]
    await talk.app.push_screen(PageScreen(text("commands.engine_title"), "\n".join(lines[2:])))


async def _server() -> list[str]:
    """How the server on this machine is."""
    from glmcode import paths
    from glmcode.model.engine_status import render
    from glmcode_engine.sglang.record import DEFAULT_NAME, Place
    from glmcode_engine.sglang.status import status_of

    return [fenced(render(await status_of(Place(paths.engine_dir(), DEFAULT_NAME))))]
