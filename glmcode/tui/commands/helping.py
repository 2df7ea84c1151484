"""`/help`: all commands and keys."""

from glmcode.tui.commands.table import COMMANDS
from glmcode.tui.conversation import Conversation
from glmcode.tui.page.screen import PageScreen
from glmcode.tui.texts import text

_KEYS = (
    "enter", "newline", "steer", "interrupt", "leave", "mode", "thinking", "history", "search", "find", "pages",
    "focus", "mouse", "paste", "editor", "mention", "shell",
)  # fmt: skip


async def help_page(talk: Conversation, _: str) -> None:
    """Show them."""
    lines = [f"## {text('help.commands')}", "", *(f"- `{each.usage}`  {each.help}" for each in COMMANDS)]
    lines += ["", f"## {text('help.keys')}", "", *(f"- {text(f'help.{key}')}" for key in _KEYS)]
    await talk.app.push_screen(PageScreen(text("help.title"), "\n".join(lines)))
