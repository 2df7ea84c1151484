"""The user's own editor for a prompt: a private file, removed afterwards."""

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from textual.app import App, SuspendNotSupported

from glmcode.tui.prompt.pastes import cleaned
from glmcode.tui.texts import text

_USUAL = ("sensible-editor", "editor", "nano", "vim", "vi")


class EditorFailed(Exception):
    """The editor gave no text. The message is for people; the draft stays as it was."""


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """What the user asks for by VISUAL or EDITOR, else what is usual. Raises EditorFailed."""
    for name in ("VISUAL", "EDITOR"):
        if wanted := environ.get(name, "").strip():
            try:
                return shlex.split(wanted)
            except ValueError:
                raise EditorFailed(text("external.not_a_command", name=name)) from None
    for name in _USUAL:
        if found := shutil.which(name):
            return [found]
    raise EditorFailed(text("external.none"))


def edited(draft: str, command: Sequence[str]) -> str:
    """Let the user edit `draft` and give what came of it, cleaned, without the last line end. Blocks.

    Raises EditorFailed.
    """
    # A folder of its own: editors put copies beside the file.
    folder = Path(tempfile.mkdtemp(prefix="glmcode-prompt-"))
    try:
        file = folder / "prompt.md"
        file.write_text(draft, encoding="utf-8")
        try:
            code = subprocess.run([*command, os.fspath(file)], check=False).returncode
        except OSError as error:
            raise EditorFailed(text("external.not_started", editor=command[0], reason=error.strerror or "")) from None
        if code != 0:
            raise EditorFailed(text("external.failed", editor=command[0], code=code))
        try:
            return cleaned(file.read_bytes().decode("utf-8", "replace")).removesuffix("\n")
        except OSError as error:
            raise EditorFailed(text("external.unread", reason=error.strerror or "")) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def edited_in_terminal(app: App[object], draft: str) -> str:
    """The same with the terminal handed to the editor meanwhile; the application goes on unseen.

    Raises EditorFailed, also where there is no terminal to hand over.
    """
    command = editor_command(os.environ)
    try:
        # Held back, since what is drawn while the driver is stopped would block, or land in the editor.
        with app.batch_update(), app.suspend(), _interrupts_left_to_child():
            return await asyncio.to_thread(edited, draft, command)
    except SuspendNotSupported:
        raise EditorFailed(text("external.no_terminal")) from None


@contextmanager
def _interrupts_left_to_child() -> Iterator[None]:
    """Ctrl-C in the editor is the editor's; the terminal sends it to this process, too. Main thread only."""
    # Not SIG_IGN, which the editor would inherit.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
