"""What of the repository a conversation begins with, and what it is told when packed files change later."""

import asyncio
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from glmcode.config import Settings
from glmcode.cost import Prices
from glmcode.live.indexing import Indexing
from glmcode.session.store import Session
from glmcode_engine.messages import Message
from glmcode_sandbox.workspace import Workspace

if TYPE_CHECKING:
    from glmcode.context.budget import Auto
    from glmcode.context.deltas import KnownFiles
    from glmcode.context.pins import Pins
    from glmcode.context.record import ContextPack

MANY_TOLD = 8
_WRITERS = frozenset({"edit", "write"})


class Packing:
    """The pack of one conversation. Pins and budget may change until the first message is sent."""

    def __init__(self, settings: Settings, repo: Path, indexing: Indexing) -> None:
        self.budget = settings.context
        self.pinned: tuple[str, ...] = tuple(settings.pin)
        self.dropped: tuple[str, ...] = tuple(settings.drop)
        self.sent: ContextPack | None = None
        """What this process packed for the conversation that is open."""
        self._repo = repo
        self._indexing = indexing
        self._known: KnownFiles = {}
        self._told: set[str] = set()
        """The packed files whose changes the model was told."""
        self._seen = 0
        """How many messages of the session have been looked at for what the agent wrote."""

    @property
    def pins(self) -> "Pins":
        """What the user wants in the pack, and what not."""
        from glmcode.context.pins import Pins

        return Pins(self.pinned, self.dropped)

    async def pack(self, task: str, window: int | None, prices: Prices | None) -> "ContextPack":
        """What would be sent for a task. Raises ContextError for a pin on nothing."""
        from glmcode.context.pack import INDEX_LIMIT_S, pack

        limit_s = INDEX_LIMIT_S if await self._indexing.complete() else 0.0
        budget = self.auto_budget(window, prices)
        return await asyncio.to_thread(pack, self._repo, task, budget, self.pins, limit_s)

    def auto_budget(self, window: int | None, prices: Prices | None) -> "int | Auto":
        """The budget as packing takes it."""
        from glmcode.context.budget import Auto

        return Auto(window, prices) if self.budget == "auto" else self.budget

    def replaced(self, packed: "ContextPack", session: Session) -> None:
        """Another pack stands in the place of the one that was sent."""
        from glmcode.context.deltas import known_files

        self.sent, self._known, self._told = packed, known_files(packed.text), set()
        self._seen = len(session.messages)

    async def changed_since(self, pack_text: str) -> tuple[str, ...]:
        """The files of a pack's text that are no longer as it shows them, whoever changed them."""
        from glmcode.context.deltas import deltas, known_files

        known = await asyncio.to_thread(known_files, pack_text)
        return (await asyncio.to_thread(deltas, known, self._repo)).paths

    async def send(
        self, task: str, window: int | None, prices: Prices | None, say: Callable[[str], None]
    ) -> "ContextPack":
        """The same, taken as sent; what was chosen and why is told. Raises ContextError."""
        from glmcode.context.budget import announcement
        from glmcode.context.deltas import known_files

        packed = self.sent = await self.pack(task, window, prices)
        if packed.note:
            say(f"context: {packed.note}")
        if packed.budget_why:
            say(f"context: {announcement(packed.tokens, packed.budget_why, prices)}")
        self._known = known_files(packed.text)
        return packed

    async def resumed(self, session: Session, workspace: Workspace) -> str:
        """Take over what the messages of a session show, once; gives what others changed since it was left."""
        from glmcode.context.deltas import after_turn, known_files
        from glmcode.session.meanwhile import changed_meanwhile

        if self._known:
            return ""
        told = await changed_meanwhile(session, workspace)
        first = next((message.content for message in session.messages if message.role == "user"), "")
        self._known = await asyncio.to_thread(known_files, first)
        if told is None:
            await self.turn_ended(session)
            return ""
        self._known = await asyncio.to_thread(after_turn, self._known, self._repo, self._known)
        self._seen = len(session.messages)
        return told

    async def turn_ended(self, session: Session) -> None:
        """Files that the agent wrote since are known to it as they are now."""
        from glmcode.context.deltas import after_turn

        messages, self._seen = session.messages[min(self._seen, len(session.messages)) :], len(session.messages)
        if self._known and (own := _written(messages, self._repo)):
            self._known = await asyncio.to_thread(after_turn, self._known, self._repo, own)

    async def changes(self, say: Callable[[str], None]) -> str:
        """What others changed in the files that the model was shown; empty where nothing did.

        Where that becomes much, it is said that packing anew would help.
        """
        if not self._known:
            return ""
        from glmcode.context.deltas import deltas

        found = await asyncio.to_thread(deltas, self._known, self._repo)
        self._known = found.known
        few, self._told = len(self._told) < MANY_TOLD, self._told.union(found.paths)
        if few and len(self._told) >= MANY_TOLD:
            say(f"context: {len(self._told)} packed files changed and are told one by one; /pack can pack them anew")
        return found.text


def _written(messages: Collection[Message], repo: Path) -> frozenset[str]:
    """The files that the calls in these messages name as theirs to write."""
    found = set()
    for call in (call for message in messages for call in message.tool_calls if call.name in _WRITERS):
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            continue
        path = arguments.get("path") if isinstance(arguments, dict) else None
        if isinstance(path, str):
            found.add(path.removeprefix(f"{repo}/").removeprefix("./"))
    return frozenset(found)
