"""What is known of the model's window, and whether the next prompt leaves room in it for an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from glmcode.loop.prompt_size import request_tokens, rough_tokens
from glmcode_engine.messages import Request

if TYPE_CHECKING:
    from glmcode_engine.tokens import Counter

MOST_RESERVED = 32_768
"""Tokens kept free for an answer at most: what an answer may think by default."""
_SLACK = 8
"""A window counts as full when so many tokens are left: servers keep one or a few for themselves."""


class Window:
    """The window of one model. Nothing is counted before a prompt may be large, and no request waits for a server."""

    def __init__(self, tokens: int | None = None, *, ask: Callable[[], Awaitable[int | None]] | None = None) -> None:
        """`tokens`: prompt and answer together, None where it is not known; `ask` finds it out."""
        self._tokens = tokens
        self._ask = ask
        self._asking: asyncio.Task[None] | None = None
        self._counter: Counter | None = None
        self._count: Callable[[str], int] | None = None
        self._sent: int | None = None
        """What `Counter.count` gave for the prompt that goes out next."""

    @property
    def tokens(self) -> int | None:
        """Prompt and answer together; None while nobody told."""
        return self._tokens

    def begin_asking(self) -> None:
        """Find the window out in the background, once, where it is not known."""
        if self._asking is None and self._ask is not None and self._tokens is None:
            self._asking = asyncio.create_task(self._find_out(self._ask))

    async def asked(self) -> int | None:
        """The window, asked for now where it is not known."""
        self.begin_asking()
        if self._tokens is None and self._asking is not None:
            await self._asking
        return self._tokens

    async def asked_within(self, patience_s: float) -> int | None:
        """The same, but with no more than so much patience; whoever asks next may have the answer."""
        self.begin_asking()
        if self._tokens is None and self._asking is not None:
            await asyncio.wait([self._asking], timeout=patience_s)
        return self._tokens

    def learn(self, tokens: int | None) -> None:
        """Take what the server itself told; None is nothing."""
        self._tokens = tokens or self._tokens

    async def overfull(self, request: Request) -> bool:
        """Whether a request would leave too little room for its answer."""
        self._sent = None
        tokens = self._tokens
        if tokens is None or request_tokens(request, rough_tokens) < tokens // 4:
            return False
        return await self.expected(request) > tokens - min(MOST_RESERVED, tokens // 8)

    async def expected(self, request: Request) -> int:
        """The prompt tokens that the server will probably count for a request that goes out next."""
        self._sent = await asyncio.to_thread(request_tokens, request, self._counted)
        return round(self._sent * self._corrections())

    def expect(self, text: str) -> int:
        """The tokens that the server will probably count for a text. Blocking: call it in a thread."""
        return round(self._counted(text) * self._corrections())

    def reported(self, prompt_tokens: int) -> None:
        """Learn from the server's count of the prompt that was sent last."""
        if self._counter is not None and self._sent is not None:
            self._counter.calibrate(self._sent, prompt_tokens)
        self._sent = None

    def is_full(self, tokens: int) -> bool:
        """Whether prompt and answer of this many tokens leave nothing of a known window."""
        return self._tokens is not None and tokens >= self._tokens - _SLACK

    async def aclose(self) -> None:
        """Stop asking."""
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()
            await asyncio.wait([asking])

    async def _find_out(self, ask: Callable[[], Awaitable[int | None]]) -> None:
        found = await ask()
        if self._tokens is None:
            self._tokens = found

    def _corrections(self) -> float:
        return self._counter.factor if self._counter is not None else 1.0

    def _counted(self, text: str) -> int:
        if self._count is None:
            from glmcode_engine.tokens import Counter  # loaded where a prompt may be large

            self._counter = Counter()
            # A conversation is counted again and again, and only its end is new.
            self._count = lru_cache(maxsize=16_384)(self._counter.count)
        return self._count(text)
