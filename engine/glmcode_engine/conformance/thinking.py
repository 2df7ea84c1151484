"""Judges how an endpoint answers and thinks."""

import re

from glmcode_engine.conformance.evidence import Evidence, Verdict, fail, ok, quoted, skipped, warn
from glmcode_engine.dialects import DIALECTS
from glmcode_engine.tokens import estimate_tokens

_TAG = re.compile(r"</?think>")
_EMPTY_PAIR = re.compile(r"^\s*<think>\s*</think>")
_PARSER = "On a server of your own, start it with --reasoning-parser (glm45 or auto), and check --dialect."
_SHORT = 40
"""Characters of thinking that may well come in one piece."""


def answers(evidence: Evidence) -> Verdict:
    """Whether a plain question gets a plain answer."""
    hello = evidence.seen["hello"]
    if not hello.text.strip():
        return fail(f"the answer is empty (finish reason {hello.stop})", "Look into the server's log.")
    return ok(f"{evidence.model}: {quoted(hello.text)} after {hello.first_s or 0:.2f} s")


def thinking_off(evidence: Evidence) -> Verdict:
    """Whether thinking can be switched off."""
    hello = evidence.seen["hello"]
    if not hello.reasoning.strip() and not _TAG.search(_EMPTY_PAIR.sub("", hello.text)):
        if _TAG.search(hello.text):
            return warn("an empty think pair stands in the answer's text", _PARSER)
        return ok("no reasoning")
    if not DIALECTS[evidence.dialect].thinking_off:
        remedy = "Pass --dialect, or the endpoint's own switch with --extra-body."
        return warn(f"it thinks: the dialect {evidence.dialect} knows no switch", remedy)
    return fail(f"it thinks although it was told not to: {quoted(hello.reasoning or hello.text)}", "Check --dialect.")


def thinking_on(evidence: Evidence) -> Verdict:
    """Whether thinking arrives, in its own field and nowhere else."""
    think = evidence.seen["think"]
    if _TAG.search(think.text):
        return fail(f"the reasoning is in the answer's text: {quoted(think.text)}", _PARSER)
    if not think.reasoning.strip():
        return warn("it did not think: the model chose not to, or its thinking is in the answer's text", _PARSER)
    if not think.text.strip():
        return warn(f"only thinking came, no answer (finish reason {think.stop})", "Run the check again.")
    return ok(f"reasoning in its own field, about {estimate_tokens(think.reasoning)} tokens")


def reasoning_streamed(evidence: Evidence) -> Verdict:
    """Whether thinking arrives while it is thought."""
    think, pieces = evidence.seen["think"], evidence.seen["think"].pieces("reasoning")
    if not pieces:
        return skipped("there was no reasoning")
    if pieces == 1 and len(think.reasoning) > _SHORT:
        return warn("the reasoning came in one piece: a long thought looks like a stalled connection")
    return ok(f"{pieces} pieces")


def reasoning_accepted(evidence: Evidence) -> Verdict:
    """Whether reasoning that is sent back is taken, and put into the prompt."""
    before, after = evidence.seen["calls"].usage, evidence.seen["results"].usage
    sent = evidence.seen["results"].request.messages[2:]
    if not before or not after or not (before.prompt_tokens and after.prompt_tokens):
        return ok("accepted; without usage it cannot be told whether the model is shown it")
    thought = sum(estimate_tokens(message.reasoning_content or "") for message in sent)
    said = [text for message in sent for text in (message.content, *(call.arguments for call in message.tool_calls))]
    grown = after.prompt_tokens - before.prompt_tokens
    if grown < sum(map(estimate_tokens, said)) + thought // 2:
        remedy = "Check --dialect: it says which field the reasoning is sent back in."
        return warn(f"accepted, but the prompt grew by {grown} tokens only: the model is not shown it", remedy)
    return ok(f"accepted and shown to the model: the prompt grew by {grown} tokens, some {thought} of them reasoning")
