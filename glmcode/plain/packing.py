"""`/pack` in lines: what of the repository is sent and why, pins and drops, and packing anew once it was sent."""

from typing import TYPE_CHECKING

from glmcode.live import repacking
from glmcode.live.session import LiveSession
from glmcode.model.engines import ready_window
from glmcode.opening import prices_of
from glmcode.tui.pack.price import price
from glmcode.tui.status.figures import count
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line
from glmcode_tools.filetext import display_name

if TYPE_CHECKING:
    from glmcode.context.record import ContextPack

_SHOWN = 40
"""Files in one answer; whoever listens hears all of it."""


async def pack_by_lines(live: LiveSession, words: str) -> str:
    """Do what stands after `/pack`; gives the answer. Raises ConfigError and what `LiveSession.open` raises."""
    verb, _, rest = words.partition(" ")
    packing, path = live.packing, rest.strip()
    begun = live.place is not None and repacking.has_begun(live.place)
    match verb:
        case "pin" if path:
            packing.pin(path)
        case "drop" if path:
            packing.drop(path)
        case "anew":
            return await _anew(live, path) if begun else text("plain.not_begun")
        case _:
            return await _listed(live, words, begun)
    return text("plain.pack_later" if begun else "plain.pack_noted", file=display_name(path))


async def _anew(live: LiveSession, task: str) -> str:
    """Tell the price, and replace the pack after a yes."""
    offer = await repacking.offer(live, task)
    confirm = live.people.confirm
    if confirm is None or not await confirm(f"{text('plain.pack_anew')} {price(offer)}"):
        return text("plain.pack_stays")
    async for _ in repacking.take(live, offer):
        pass  # the answer says it
    return _files(offer.pack)


async def _listed(live: LiveSession, task: str, begun: bool) -> str:
    packing = live.packing
    if begun:
        return _files(packing.sent) if packing.sent is not None else text("plain.pack_unknown")
    if packing.budget == 0:
        return text("pack.none")
    window = await ready_window(live.engine, live.settings)
    return _files(await packing.pack(task, window, prices_of(live.settings, live.engine)))


def _files(packed: "ContextPack") -> str:
    sizes = {"tokens": count(packed.tokens), "budget": count(packed.budget)}
    lines = [text("pack.summary", count=len(packed.files), **sizes), *([packed.note] if packed.note else [])]
    for file in packed.files[:_SHOWN]:
        why = one_line(file.why, 200)
        lines.append(text("plain.pack_file", file=display_name(file.path), tokens=count(file.tokens), why=why))
    if len(packed.files) > _SHOWN:
        lines.append(text("plain.pack_more", count=len(packed.files) - _SHOWN))
    return "\n".join(lines)
