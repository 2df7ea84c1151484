"""The run as a trajectory file of mini-swe-agent 1.1, for the viewers and statistics that read those.

The form: https://mini-swe-agent.com/latest/usage/output_files/
"""

import json
from collections.abc import Sequence
from typing import Any

from glmcode.headless.result import Result
from glmcode_engine.messages import Message, ToolCall
from glmcode_engine.wire import message_body

FORMAT = "mini-swe-agent-1.1"
_STATUS = {"done": "Submitted", "limit": "LimitsExceeded", "cancelled": "UserInterruption", "error": "Error"}


def trajectory_text(result: Result, messages: Sequence[Message], patch: bytes, version: str) -> str:
    """One JSON object: OpenAI chat messages, the shell commands under `extra.actions`, and an `exit` message.

    ASCII, so it is valid whatever the model wrote.
    """
    ending = {"exit_status": _exit_status(result), "submission": patch.decode("utf-8", "replace")}
    told = [_message(message) for message in messages]
    told.append({"role": "exit", "content": result.reason, "extra": ending})
    usage, engine = result.usage, result.engine
    config = {
        "agent": {"step_limit": result.limits.max_steps, "cost_limit": result.limits.max_cost or 0.0},
        "agent_type": "glmcode",
        "model": {"model_name": engine.model},
        "environment": {"base_commit": result.base_commit},
    }
    info = {
        "model_stats": {"instance_cost": usage.cost_usd or 0.0, "api_calls": usage.requests},
        "config": config,
        "mini_version": f"glmcode {version}",
        **ending,
    }
    return json.dumps({"info": info, "messages": told, "trajectory_format": FORMAT}, indent=2)


def _exit_status(result: Result) -> str:
    return "TimeExceeded" if result.limits.reached == "time" else _STATUS[result.status]


def _message(message: Message) -> dict[str, Any]:
    body = message_body(message)
    if message.role == "assistant":
        body["extra"] = {"actions": [action for call in message.tool_calls if (action := _action(call))]}
    return body


def _action(call: ToolCall) -> dict[str, str] | None:
    """What ran as a command; other tools are no actions in the sense of this form."""
    if call.name != "shell":
        return None
    try:
        command = json.loads(call.arguments)["command"]
    except (ValueError, LookupError, TypeError):
        return None
    return {"command": command, "tool_call_id": call.id} if isinstance(command, str) else None
