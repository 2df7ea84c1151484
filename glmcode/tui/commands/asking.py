"""`/btw`: a question beside the conversation."""

from contextlib import aclosing

from glmcode.tui.aside.panel import AsidePanel
from glmcode.tui.conversation import Conversation
from glmcode.tui.texts import text


async def aside(talk: Conversation, question: str) -> None:
    """Ask in the panel; the conversation sees nothing of it."""
    if not question:
        talk.warn(text("commands.btw_usage"))
        return
    live = await talk.opening.resumed()
    if live is None:
        talk.warn(text("commands.no_conversation"))
        return
    panel = talk.app.screen.query_one(AsidePanel)
    panel.ask(question)
    async with aclosing(live.aside(question)) as events:
        async for event in events:
            match event.kind:
                case "assistant_delta":
                    panel.grow(event.text)
                case "aside":
                    panel.settle(event.answer)
                case "error":
                    panel.settle(event.message)
                case "retry":
                    panel.settle(event.reason)
