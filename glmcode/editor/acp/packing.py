"""`/pack` in an editor: what of the repository is sent and why, pins and drops, and packing anew once it was sent."""

from typing import TYPE_CHECKING

from glmcode.live import repacking
from glmcode.live.session import LiveSession
from glmcode.markdown import fenced
from glmcode.model.engines import ready_window
from glmcode.opening import prices_of
from glmcode_sandbox.clean import one_line
from glmcode_tools.filetext import display_name

if TYPE_CHECKING:
    from glmcode.context.record import ContextPack

_SHOWN = 40


async def packed(live: LiveSession, words: str) -> str:
    """Do what stands after `/pack`; gives the answer. Raises ConfigError and what `LiveSession.open` raises."""
    verb, _, rest = words.partition(" ")
    packing, path = live.packing, rest.strip()
    if live.id and live.place is None:
        await live.open("")  # a session that was loaded and not gone on with yet
    begun = live.place is not None and repacking.has_begun(live.place)
    match verb:
        case "pin" if path:
            packing.pin(path)
        case "drop" if path:
            packing.drop(path)
        case "anew":
            return await _anew(live, path) if begun else "Nothing was sent yet; /pack shows what would be."
        case _ if begun:
            return _listed(packing.sent) if packing.sent else "It was packed in an earlier run. /pack anew packs again."
        case _:
            window = await ready_window(live.engine, live.settings)
            return _listed(await packing.pack(words, window, prices_of(live.settings, live.engine)))
    return f"Noted. {'/pack anew tells the price and packs with it.' if begun else '/pack shows what would be sent.'}"


async def _anew(live: LiveSession, task: str) -> str:
    offer = await repacking.offer(live, task)
    confirm = live.people.confirm
    if confirm is None or not await confirm(f"Pack the repository anew? {offer.price}"):
        return "The pack stays as it is."
    async for _ in repacking.take(live, offer):
        pass  # the answer says it
    return _listed(offer.pack)


def _listed(pack: "ContextPack") -> str:
    """Names are untrusted, and editors read answers as markdown: so all of it stands in a fence."""
    lines = [f"{each.tokens:>7,}  {display_name(each.path)}: {one_line(each.why, 200)}" for each in pack.files[:_SHOWN]]
    more = [f"and {len(pack.files) - _SHOWN} more files"] if len(pack.files) > _SHOWN else []
    head = f"{len(pack.files)} files, {pack.tokens:,} tokens of {pack.budget:,}. {pack.note}".rstrip()
    return f"{head}\n\n{fenced(chr(10).join([*lines, *more]))}"
