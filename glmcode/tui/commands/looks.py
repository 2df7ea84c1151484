"""Commands about the interface itself: looks, language, mouse, clipboard, search, leaving."""

import asyncio
import contextlib

from glmcode.tui.choices import Choice, Choices
from glmcode.tui.conversation import Conversation
from glmcode.tui.find.bar import FindBar
from glmcode.tui.preferences import prefer
from glmcode.tui.terminal import has_mouse, set_mouse
from glmcode.tui.texts import LANGUAGES, speak, text
from glmcode_sandbox.clean import one_line


async def find(talk: Conversation, wanted: str) -> None:
    """Search the conversation."""
    talk.app.screen.query_one(FindBar).open(wanted)


async def copy(talk: Conversation, what: str) -> None:
    """The last answer, or one of its code blocks, as it was written."""
    kind, _, number = what.partition(" ")
    view = talk.stage.view
    copied = view.copy_code(int(number) if number.isdecimal() else None) if kind == "code" else view.copy_raw()
    if copied is None:
        talk.warn(text("commands.nothing_to_copy"))
        return
    talk.app.copy_to_clipboard(copied)
    talk.stage.box.say(text("commands.copied", count=len(copied)))


async def theme(talk: Conversation, name: str) -> None:
    """Choose how it looks; kept for the next start."""
    names = sorted(talk.app.available_themes, key=lambda each: (not each.startswith("glmcode"), each))
    if not name:
        choices = [Choice(each, each) for each in names]
        chosen = await talk.app.push_screen_wait(Choices(text("commands.themes"), choices, chosen=talk.app.theme))
        name = chosen or talk.app.theme
    if name not in names:
        talk.warn(text("commands.no_theme", name=one_line(name, 40)))
        return
    talk.app.theme = name
    await _prefer(theme=name)


async def mouse(talk: Conversation, state: str) -> None:
    """Off leaves the mouse to the terminal, so that its own selection works; without a word the other of both."""
    state = state or ("off" if has_mouse(talk.app) else "on")
    if state not in ("on", "off"):
        talk.warn(text("commands.mouse_usage"))
        return
    set_mouse(talk.app, state == "on")
    await _prefer(mouse=state == "on")
    talk.stage.box.say(text(f"commands.mouse_{state}"))


async def language(talk: Conversation, code: str) -> None:
    """English or Chinese."""
    if not code:
        choices = [Choice(each, text(f"commands.language_{each}")) for each in LANGUAGES]
        picked = await talk.app.push_screen_wait(Choices(text("commands.languages"), choices))
        code = picked or ""
    chosen = next((each for each in LANGUAGES if each == code), None)
    if chosen is None:
        return
    speak(chosen)
    talk.stage.say_again()
    await _prefer(language=chosen)
    talk.stage.box.say(text("commands.language_set"))


async def quit_now(talk: Conversation, _: str) -> None:
    """End what runs, close everything, leave."""
    await talk.app.run_action("quit")


async def _prefer(**chosen: object) -> None:
    # Where nothing can be written it holds until the end.
    with contextlib.suppress(OSError):
        await asyncio.to_thread(prefer, **chosen)
