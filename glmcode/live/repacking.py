"""Packs the repository anew in the middle of a conversation: when a person wants it, knowing what it costs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glmcode.config import ConfigError
from glmcode.events import CacheBroken, Compacted, Event
from glmcode.live.meter import measure
from glmcode.live.place import Place
from glmcode.live.session import LiveSession
from glmcode.model.engines import ready_window
from glmcode.opening import prices_of
from glmcode.session.branches import read_branches
from glmcode.session.store import FILE_NAME, records
from glmcode_engine.messages import Usage
from glmcode_prompts.library import load

if TYPE_CHECKING:
    from glmcode.context.record import ContextPack

MANY_CHANGED = 3
"""So many changed files of the pack make packing anew worth a word when the conversation was shortened anyway."""
_PROMPTS = 2
"""The latest prompts that say what it is about now, beside the first."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A pack in place of the one that the conversation begins with, and what that costs once."""

    pack: "ContextPack"
    kept: int
    """Tokens of the pack that the server still has in its cache."""
    fresh: int
    """Tokens of the pack that it reads anew."""
    behind: int
    """Tokens of the conversation after the pack, which it reads anew, too."""
    cost_usd: float | None
    """Of reading all that; None where no price is known."""
    saved_usd: float | None
    """What reading the same from the cache would have cost."""

    @property
    def price(self) -> str:
        """One line for people."""
        anew = self.fresh + self.behind
        line = f"{self.pack.tokens:,} tokens of the repository: {self.kept:,} stay cached, {anew:,} are read anew once"
        line += f" ({self.behind:,} of them conversation)" if self.behind else ""
        if self.cost_usd is None or self.saved_usd is None:
            return line
        return f"{line}: ${self.cost_usd:.3f} instead of ${self.saved_usd:.3f} from the cache"


async def offer(live: LiveSession, task: str = "") -> Offer:
    """Pack for a task (by default what the prompts say) with the pins and the budget as they are; nothing is sent.

    Raises ConfigError, where it cannot be done or a pin is on nothing, and what `LiveSession.open` raises.
    """
    from glmcode.context.repack import repack

    place = await live.open(task)
    check_direct(place)
    prices = prices_of(live.settings, live.engine)
    window = await ready_window(live.engine, live.settings)
    about = task or await asyncio.to_thread(_about, place)
    packing = live.packing
    before = _pack_text(place)
    done = await asyncio.to_thread(repack, live.repo, about, packing.auto_budget(window, prices), before, packing.pins)
    meter = await live.meter()
    behind = dict(meter.segments)["history"] if meter and done.fresh else 0
    anew = done.fresh + behind
    cold, cached = Usage(prompt_tokens=anew), Usage(prompt_tokens=anew, cached_tokens=anew)
    costs = (prices.cost(cold), prices.cost(cached)) if prices else (None, None)
    return Offer(done.pack, done.kept, done.fresh, behind, *costs)


async def take(live: LiveSession, found: Offer) -> AsyncGenerator[Event, None]:
    """Between two turns: let the conversation begin with that pack; told to faces and kept in the session."""
    place = live.place
    assert place is not None, "an offer is one on an open session"
    session, packed = place.session, found.pack
    if packed.text == _pack_text(place):
        return
    agent, messages = place.agent, list(session.messages)
    before = (await measure(agent, messages, place.pack_chars)).used
    at = next(at for at, message in enumerate(messages) if message.role == "user")
    content = _with_pack(session.first_prompt, packed.text)
    messages[at] = messages[at].model_copy(update={"content": content})
    done = Compacted(
        cause="the pack follows the files, pins and budget of now",
        how="repacked",
        tokens_before=before,
        tokens_after=(await measure(agent, messages, len(packed.text))).used,
    )
    session.append_view(messages, done)
    place.pack_chars, live.pack_tokens = len(packed.text), packed.tokens
    live.packing.replaced(packed, session)
    yield done
    broken = CacheBroken(segment="repository pack", cause="packed anew")
    session.append_event(broken)
    yield broken


async def compact(live: LiveSession, hint: str = "") -> AsyncGenerator[Event, None]:
    """`LiveSession.compact`; where that broke the cache and many packed files have changed, packing anew is offered."""
    compacted = False
    async with aclosing(live.compact(hint)) as events:
        async for event in events:
            compacted = compacted or event.kind == "compacted"
            yield event
    place = live.place
    if not compacted or place is None or place.workspace.mode != "direct":
        return
    changed = await live.packing.changed_since(_pack_text(place))
    if len(changed) >= MANY_CHANGED:
        found = await offer(live)
        live.people.say(f"context: {len(changed)} packed files changed; /pack can pack them anew: {found.price}")


def check_direct(place: Place) -> None:
    """Raises ConfigError where the files that are packed are not those that the model works on."""
    if place.workspace.mode != "direct":
        raise ConfigError(
            "the pack of an isolated workspace stays as it is: your files are not what the model works on"
        )


def has_begun(place: Place) -> bool:
    """Whether a first message was sent; commands by hand and going back to the beginning leave none."""
    return any(message.role == "user" for message in place.session.messages)


def _pack_text(place: Place) -> str:
    """What the conversation shows of the repository at its beginning."""
    from glmcode.context.cutting import split_pack

    first = next((message.content for message in place.session.messages if message.role == "user"), "")
    return "".join(text for _, text in split_pack(first)[0])


def _with_pack(prompt: str, pack: str) -> str:
    """The first message as it was sent, behind another pack."""
    from glmcode.context.cutting import split_pack

    rest = split_pack(prompt)[1].lstrip("\n")
    return f"{pack}{load('repacked')}\n\n{rest}" if pack else rest


def _about(place: Place) -> str:
    """The first prompt, which says most, and the latest."""
    lines = read_branches(records(place.session.folder / FILE_NAME)).lines()
    typed = [str(line.get("text")) for line in lines if line.get("kind") == "prompted"]
    return "\n\n".join(dict.fromkeys([*typed[:1], *typed[-_PROMPTS:]]))
