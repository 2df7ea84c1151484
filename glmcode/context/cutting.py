"""Makes the repository pack at the front of a prompt smaller, by whole blocks, and leaves the task behind it alone."""

import re
from collections.abc import Callable

from glmcode.context.render import CORE_HEAD, FILES_HEAD, INSTRUCTIONS_HEAD, MAP_TITLE
from glmcode_prompts.library import load
from glmcode_sandbox.clean import one_line

MAX_NAMES = 20
"""Names of left out files that are listed."""
_PACK_BEGINS = (INSTRUCTIONS_HEAD, f"### {MAP_TITLE}\n", CORE_HEAD, FILES_HEAD)
_HEADS = "|".join(map(re.escape, (INSTRUCTIONS_HEAD, CORE_HEAD, FILES_HEAD)))
_OPENING = re.compile(rf"(?:{_HEADS})?### ([^\n]+)\n(`{{3,}})[^\n`]*(?=\n)")


def with_smaller_pack(prompt: str, count: Callable[[str], int], limit: int) -> str:
    """The prompt in at most `limit` tokens where leaving out blocks of its pack does it, the last first.

    A line in the place of the blocks names what was left out. A prompt without a pack stays as it is.
    """
    blocks, rest = split_pack(prompt)
    kept = list(blocks)
    left = limit - count(rest) - sum(count(text) for _, text in blocks)
    while kept and left < 0:
        left += count(kept.pop()[1])
    names = list(dict.fromkeys(one_line(title.partition(" (lines ")[0], 200) for title, _ in blocks[len(kept) :]))
    if not names:
        return prompt
    more = ", ..." if len(names) > MAX_NAMES else ""
    note = load("left_out_files", count=str(len(names)), names=", ".join(names[:MAX_NAMES]) + more)
    return "".join(text for _, text in kept) + note + "\n\n" + rest.removeprefix("\n\n")


def split_pack(prompt: str) -> tuple[list[tuple[str, str]], str]:
    """Title and text of each block of the pack that a prompt begins with, and what follows: the task.

    Blocks are fenced by marks that do not occur in them (see `render.fence`), so no file can end its own block.
    """
    blocks: list[tuple[str, str]] = []
    at = 0
    if prompt.startswith(_PACK_BEGINS):
        while opening := _OPENING.match(prompt, at):
            closing = f"\n{opening[2]}\n\n"
            end = prompt.find(closing, opening.end())
            if end < 0:
                break
            at, begun = end + len(closing), at
            blocks.append((opening[1], prompt[begun:at]))
    return blocks, prompt[at:]
