"""`/btw`: a question beside the conversation, which the model answers and never sees again."""

from collections.abc import AsyncGenerator, Sequence

from glmcode.events import AsideAnswered, AssistantDelta, Failure, Retry
from glmcode.session.store import Session, unanswered
from glmcode_engine.assemble import Assembler
from glmcode_engine.base import Engine, EngineError, closing
from glmcode_engine.messages import Message, Request, ToolSpec, Usage
from glmcode_prompts.library import load

AsideEvent = AssistantDelta | Retry | Failure | AsideAnswered


async def aside(
    engine: Engine, session: Session, tools: Sequence[ToolSpec], question: str
) -> AsyncGenerator[AsideEvent, None]:
    """Ask, also while a turn runs. The request begins like the conversation's, so the server's cache holds for it.

    Ends with `AsideAnswered`, which the session file keeps, or with a Failure.
    """
    asked = Message(role="user", content=load("aside", question=question))
    request = Request(messages=(*settled(session.messages), asked), tools=tuple(tools), thinking=False)
    answer = Assembler("aside_")
    try:
        async with closing(engine.stream(request)) as parts:
            async for part in parts:
                answer.add(part)
                if part.kind == "text":
                    yield AssistantDelta(step=0, text=part.text)
                elif part.kind == "retry":
                    yield Retry(attempt=part.attempt, delay_s=part.delay_s, reason=part.reason)
    except EngineError as error:
        yield Failure(error=error.kind, message=str(error))
        return
    answered = AsideAnswered(question=question, answer=answer.message().content, usage=answer.usage or Usage())
    session.append_record(answered)
    yield answered


def settled(messages: list[Message]) -> list[Message]:
    """The conversation up to where every call has its result: servers refuse any other."""
    if not unanswered(messages):
        return messages
    last = max(at for at, message in enumerate(messages) if message.role == "assistant")
    return messages[:last]
