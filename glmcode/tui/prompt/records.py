"""History and draft of one open prompt: in memory at once, on disk in threads, one write after the other."""

import asyncio
from pathlib import Path

from glmcode.tui.prompt.draft import Draft, DraftFile
from glmcode.tui.prompt.history import History, HistoryFile


class PromptRecords:
    """What a prompt remembers. Without a folder nothing outlives it."""

    def __init__(self, folder: Path | None) -> None:
        self.history = History()
        self._file = HistoryFile(folder) if folder else None
        self._draft = DraftFile(folder) if folder else None
        self._kept = Draft()
        self._writing = asyncio.Lock()

    async def load(self) -> Draft:
        """Read the history, and take the draft that an earlier prompt left, if one did."""
        if self._file is None or self._draft is None:
            return Draft()
        async with self._writing:
            self.history.load(await asyncio.to_thread(self._file.read))
            self._kept = await asyncio.to_thread(self._draft.open)
        return self._kept

    async def keep(self, draft: Draft) -> None:
        """Let the draft on disk be this one."""
        async with self._writing:
            if self._draft is not None and draft != self._kept:
                await asyncio.to_thread(self._draft.save, draft)
                self._kept = draft

    async def remember(self, sent: Draft) -> None:
        """Add what was sent to the history."""
        if self.history.add(sent) and self._file is not None:
            async with self._writing:
                await asyncio.to_thread(self._file.append, sent)

    async def close(self, draft: Draft) -> None:
        """Keep the draft for the next prompt, and let go of its file."""
        await self.keep(draft)
        if self._draft is not None:
            await asyncio.to_thread(self._draft.close)
