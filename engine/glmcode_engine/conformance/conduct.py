"""Conducts the conformance test: sends the exchanges one after the other and has them judged."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from glmcode_engine.base import Engine, EngineError, EngineInfo
from glmcode_engine.conformance.checks import judge_all
from glmcode_engine.conformance.evidence import CheckResult, CheckStatus, Evidence
from glmcode_engine.conformance.exchanges import ENOUGH, ExchangeName, Texts, requests, too_long
from glmcode_engine.conformance.observation import Observed, connect, observe
from glmcode_engine.messages import Request, Value
from glmcode_engine.patience import Patience, PatientEngine
from glmcode_engine.remote import RemoteEngine
from glmcode_engine.server_tokens import ServerTokens

T = TypeVar("T")

_LEAVE: dict[ExchangeName, int] = {"left": ENOUGH, "beyond_window": 20, "too_long": 20, "unknown_model": 20}
"""After how many parts a stream is closed, where its end is not wanted or must not cost much."""
_PATIENCE = Patience(max_wait_s=15.0)


class Summary(Value):
    """How many checks came out how."""

    ok: int = 0
    warn: int = 0
    fail: int = 0
    skipped: int = 0


class Conformance(Value):
    """The record of `glmcode engine check --json`."""

    kind: Literal["engine_check"] = "engine_check"
    v: Literal[1] = 1
    engine: EngineInfo
    window: int | None
    checks: tuple[CheckResult, ...]
    summary: Summary
    requests: int
    """How many requests for an answer were sent."""
    seconds: float


class _Conductor:
    """One test on its way."""

    def __init__(self, engine: RemoteEngine, stranger: Engine, limit_s: float, on_ask: Callable[[str], None]) -> None:
        self.seen: dict[ExchangeName, Observed] = {}
        self.missing = "it was not asked"
        self.counted: int | None = None
        self._ends = asyncio.get_running_loop().time() + limit_s
        self._limit_s = limit_s
        self.tokens = ServerTokens(engine)
        self._engine = PatientEngine(engine, _PATIENCE)
        self._stranger = stranger
        self._on_ask = on_ask

    async def ask(self, name: ExchangeName, request: Request) -> Observed | None:
        """Send it, if there is time; None where the time was over before its end."""
        self._on_ask(name)
        engine = self._stranger if name == "unknown_model" else self._engine
        seen = await self.within(observe(engine, request, enough=_LEAVE.get(name)))
        if seen is None:
            self.missing = f"the {self._limit_s:g} s were over (--timeout gives more)"
        else:
            self.seen[name] = seen
        return seen

    async def within(self, work: Awaitable[T]) -> T | None:
        """Its result, or None where the time of the test is over before."""
        try:
            async with asyncio.timeout_at(self._ends):
                return await work
        except TimeoutError:
            return None

    async def ask_all(self, texts: Texts, window: int | None, *, long_prompt: bool) -> None:
        """Everything in turn; a first question that fails is the last."""
        for name, request in requests(texts, window).items():
            seen = await self.ask(name, request)
            if name == "hello" and (seen is None or seen.error):
                self.missing = "the endpoint does not answer" if seen else self.missing
                return
            if name == "hello":
                self.counted = await self.within(self.tokens.count(request))
            if name == "beyond_window" and seen and not _refused_as_overflow(seen) and long_prompt and window:
                await self.ask("too_long", too_long(texts, window))


async def conduct(
    engine: RemoteEngine,
    stranger: RemoteEngine,
    texts: Texts,
    *,
    long_prompt: bool,
    limit_s: float = 60.0,
    on_ask: Callable[[str], None] = lambda name: None,
) -> tuple[Conformance, EngineError | None]:
    """Test an endpoint; also the error where it could not be asked at all, which then is the whole finding.

    `stranger` is the same endpoint, asked for a model that does not exist. `long_prompt` allows to send a prompt longer
    than the window, where nothing cheaper is refused: a hosted service may charge for it. `on_ask` is told each
    exchange before it is sent. Takes `limit_s` seconds at most; what is left then is skipped.
    """
    began = time.perf_counter()
    endpoint = engine.endpoint
    conductor = _Conductor(engine, stranger, limit_s, on_ask)
    await conductor.within(connect(engine))
    window = await conductor.within(conductor.tokens.told_window())
    await conductor.ask_all(texts, window[0] if window else None, long_prompt=long_prompt)
    hello = conductor.seen.get("hello")
    evidence = Evidence(endpoint.dialect, endpoint.model, conductor.seen, window, conductor.counted, conductor.missing)
    checks = judge_all(evidence)
    record = Conformance(
        engine=engine.info,
        window=window[0] if window else None,
        checks=checks,
        summary=_summary(checks),
        requests=len(conductor.seen),
        seconds=round(time.perf_counter() - began, 2),
    )
    return record, hello.error if hello else EngineError("unreachable", f"no answer within {limit_s:g} s; try again")


def _summary(checks: tuple[CheckResult, ...]) -> Summary:
    statuses: list[CheckStatus] = [check.status for check in checks]
    return Summary(**{name: statuses.count(name) for name in ("ok", "warn", "fail", "skipped")})


def _refused_as_overflow(seen: Observed) -> bool:
    return seen.error is not None and seen.error.kind == "overflow"
