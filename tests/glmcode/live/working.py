"""A live session on a small repository, with a script in the model's place and no sandbox."""

import json
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from glmcode.config import Settings
from glmcode.live.session import LiveSession, People
from glmcode.policy import Decision, Question

EDIT = {"name": "edit", "arguments": {"path": "calc.py", "old": "a - b", "new": "a + b"}}
TASKS = {"name": "write", "arguments": {"path": ".vscode/tasks.json", "content": "{}"}}


def make_repo(folder: Path) -> Path:
    repo = folder / "repo"
    repo.mkdir()
    (repo / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    git = ["git", "-C", str(repo), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    return repo


def shell(command: str) -> dict[str, Any]:
    return {"name": "shell", "arguments": {"command": command}}


class Person:
    """Answers what was set, and remembers what it was asked and told."""

    def __init__(self, decision: Decision | None = None) -> None:
        self.decision = decision or Decision(True)
        self.asked: list[Question] = []
        self.heard: list[str] = []

    async def ask(self, question: Question) -> Decision:
        self.asked.append(question)
        return self.decision

    @property
    def people(self) -> People:
        return People(say=self.heard.append, ask=self.ask)


@asynccontextmanager
async def living(
    repo: Path,
    answers: Sequence[dict[str, Any]],
    *,
    person: Person | None = None,
    new_id: str | None = None,
    **settings: Any,
) -> AsyncIterator[LiveSession]:
    script = repo.parent / "script.json"
    script.write_text(json.dumps(answers))
    given = {"engine": f"scripted:{script}", "sandbox": "none", "context": 0, "repo": repo} | settings
    live = LiveSession(Settings.model_validate(given), (person or Person()).people, new_id=new_id)
    try:
        yield live
    finally:
        await live.aclose()


async def played(events: AsyncGenerator[Any, None]) -> list[Any]:
    return [event async for event in events]
