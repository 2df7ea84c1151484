"""Commands that show a page: what was changed, the todo list."""

from glmcode.markdown import fenced
from glmcode.tui.conversation import Conversation
from glmcode.tui.page.screen import PageScreen
from glmcode.tui.texts import text
from glmcode.tui.transcript.entries import Todo

_MARKS = {"done": "x", "in_progress": "-", "pending": " "}


async def diff(talk: Conversation, _: str) -> None:
    """What the session changed since it was opened."""
    live = await talk.opening.resumed()
    place = live.place if live else None
    if place is None:
        talk.say(text("commands.nothing_changed"))
        return
    await place.workspace.ready()
    tree = await place.workspace.tree()
    patch = await place.trees.patch(place.workspace.agreed_tree, tree)
    if not patch:
        talk.say(text("commands.nothing_changed"))
        return
    page = PageScreen(text("commands.diff_title"), fenced(patch.decode("utf-8", "replace"), "diff"))
    await talk.app.push_screen(page)


async def todo(talk: Conversation, _: str) -> None:
    """The model's list, as it stands."""
    found = next((each for each in reversed(talk.stage.view.transcript.entries) if isinstance(each, Todo)), None)
    if found is None:
        talk.say(text("commands.no_todo"))
        return
    lines = [f"- [{_MARKS[item.status]}] {item.content}" for item in found.items]
    await talk.app.push_screen(PageScreen(text("commands.todo_title"), "\n".join(lines)))
