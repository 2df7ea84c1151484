"""What an editor sends as a prompt: text, mentions of files and their contents; images are refused."""

import asyncio
import posixpath
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from acp.exceptions import RequestError
from acp.schema import (
    AudioContentBlock,
    EmbeddedResourceContentBlock,
    ImageContentBlock,
    ResourceContentBlock,
    TextContentBlock,
    TextResourceContents,
)

from glmcode_prompts.library import fenced, load
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_tools.filetext import decode_file, display_name

Blocks = Sequence[
    TextContentBlock | ImageContentBlock | AudioContentBlock | ResourceContentBlock | EmbeddedResourceContentBlock
]
ReadBuffer = Callable[[str], Awaitable[str | None]]
"""The text of a file as the editor has it, by its absolute path; None where the editor does not tell."""
MAX_CHARS = 200_000
"""A longer attachment is only named; the model's tools read files in parts."""
_NO_IMAGES = "GLM-4.6 reads text only: describe the picture, or paste the text that is in it"


@dataclass(slots=True)
class Composed:
    """A prompt: what was typed, and what goes to the model before it."""

    typed: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def whole(self) -> str:
        """Notes and text together."""
        return "\n\n".join([*self.notes, self.typed])


async def compose(blocks: Blocks, repo: Path, read_buffer: ReadBuffer | None) -> Composed:
    """The prompt of these blocks. Raises RequestError for what the model cannot read and where nothing is said."""
    composed = Composed()
    for block in blocks:
        match block:
            case TextContentBlock():
                composed.typed += clean_text(block.text)
            case ImageContentBlock():
                raise RequestError(-32602, f"Images cannot be sent: {_NO_IMAGES}.")
            case AudioContentBlock():
                raise RequestError(-32602, "Sound cannot be sent: GLM-4.6 reads text only.")
            case ResourceContentBlock():
                composed.typed += await _linked(block, repo, read_buffer, composed.notes)
            case EmbeddedResourceContentBlock():
                composed.typed += _embedded(block, repo, composed.notes)
    if not composed.typed.strip():
        raise RequestError(-32602, "The prompt is empty.")
    return composed


async def _linked(block: ResourceContentBlock, repo: Path, read_buffer: ReadBuffer | None, notes: list[str]) -> str:
    """What stands for a link in the text. What the editor has not saved yet, or only it can read, goes along."""
    path, line = _place(block.uri)
    if path is None:
        return f"{one_line(block.name, 200)} ({one_line(block.uri, 500)})"
    name = _name(path, repo)
    seen = await read_buffer(str(path)) if read_buffer else None
    if seen is not None and len(seen) <= MAX_CHARS:
        inside = path.is_relative_to(repo)
        if not inside:
            notes.append(load("attached", name=name, content=fenced(clean_text(seen))))
        elif seen.replace("\r\n", "\n") != await asyncio.to_thread(_on_disk, path):
            notes.append(load("unsaved", name=name, content=fenced(clean_text(seen))))
    return f"@{name}{line}"


def _embedded(block: EmbeddedResourceContentBlock, repo: Path, notes: list[str]) -> str:
    resource = block.resource
    path, line = _place(resource.uri)
    name = _name(path, repo) if path else one_line(resource.uri, 500)
    if not isinstance(resource, TextResourceContents):
        raise RequestError(-32602, f"{name} is no text and cannot be sent: {_NO_IMAGES}.")
    if len(resource.text) <= MAX_CHARS:
        shown = f"{name}{line}".replace("`", "'")
        notes.append(load("attached", name=shown, content=fenced(clean_text(resource.text))))
    elif path is None:
        raise RequestError(-32602, f"{name} is too long: {len(resource.text):,} characters, at most {MAX_CHARS:,}.")
    return f"@{name}{line}"


def _place(uri: str) -> tuple[Path | None, str]:
    """The file that an address means, and the lines as people write them: `:12`, `:12-20`. None: no file."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None, ""
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or "\0" in path or not path.startswith("/"):
        return None, ""
    numbers = "".join(char if char.isdigit() else " " for char in parts.fragment).split()[:2]
    return Path(posixpath.normpath(path)), f":{'-'.join(numbers)}" if numbers else ""


def _name(path: Path, repo: Path) -> str:
    """Relative to the repository, where it lies in it."""
    shown = path.relative_to(repo) if path.is_relative_to(repo) else path
    return display_name(str(shown)).replace("`", "'")


def _on_disk(path: Path) -> str | None:
    """The saved text; None where there is none that could be compared."""
    try:
        if not path.is_file() or path.stat().st_size > 4 * MAX_CHARS:
            return None
        file = decode_file(path.read_bytes())
    except OSError:
        return None
    return file.text.replace("\r\n", "\n") if file else None
