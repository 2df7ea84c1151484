"""`glmcode engine bench`: how fast an endpoint answers on a pack of a real repository, cold and from its cache."""

import argparse
import asyncio
import secrets
import sys
from pathlib import Path

from glmcode.cli.settings import say, settings_of
from glmcode.config import ConfigError, Settings
from glmcode.context.pack import pack
from glmcode.cost import Prices, known_prices
from glmcode.exit_codes import ExitCode, of_error
from glmcode.model.engines import open_remote
from glmcode_engine.base import EngineError
from glmcode_engine.bench import MAX_TOKENS, Bench, Prompts, Round, bench
from glmcode_engine.conformance.observation import connect
from glmcode_engine.messages import Usage
from glmcode_engine.patience import Patience, PatientEngine
from glmcode_engine.presets import is_own
from glmcode_engine.tokens import estimate_tokens
from glmcode_prompts.library import load
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.workspace import find_repository


async def engine_bench(options: argparse.Namespace) -> int:
    """Measure and print. Raises ConfigError, WorkspaceError."""
    if not 1 <= options.rounds <= 100:
        raise ConfigError("--rounds is between 1 and 100")
    if not 1 <= options.budget <= 200_000:
        raise ConfigError("--context is between 1 and 200000 tokens")
    settings = settings_of(options)
    remote = open_remote(settings)
    engine = PatientEngine(remote, Patience(max_wait_s=settings.patience))
    try:
        repo = find_repository(settings.repo or Path.cwd())
        packed = await asyncio.to_thread(pack, repo, load("bench/first"), options.budget)
        prompts = _prompts(packed.text, options.rounds)
        prices = settings.price or known_prices(settings.base_url, settings.model)
        _announce(settings, prompts, prices, agreed=options.pay)
        await connect(remote)
        record = await bench(engine, prompts, pack_tokens=packed.tokens, on_round=_progress)
    except EngineError as error:
        say(str(error))
        return of_error(error.kind)
    finally:
        await engine.aclose()
    if prices is not None:
        record = record.model_copy(update={"cost_usd": prices.cost(record.usage)})
    print(record.model_dump_json() if options.json else render(record), end="\n" if options.json else "")
    return ExitCode.DONE


def _prompts(text: str, rounds: int) -> Prompts:
    systems = tuple(load("bench/system", id=secrets.token_hex(8), pack=text) for _ in range(rounds))
    return Prompts(systems=systems, first=load("bench/first"), second=load("bench/second"))


def _announce(settings: Settings, prompts: Prompts, prices: Prices | None, *, agreed: bool) -> None:
    """Say what is about to be sent and what it costs. Raises ConfigError where that needs a yes that was not given."""
    tokens = estimate_tokens(prompts.systems[0] + prompts.first)
    number = 2 * len(prompts.systems)
    what = f"{number} requests of about {tokens:,} tokens"
    if prices is not None:
        most = prices.cost(Usage(prompt_tokens=number * tokens, completion_tokens=number * MAX_TOKENS))
        what += f", at most {most:.2f} USD by the list price"
    elif not is_own(settings.base_url):
        what += "; what this service charges for them is not known"
    if not agreed and (prices is not None or not is_own(settings.base_url)):
        raise ConfigError(f"{what}: pass --yes to send them")
    say(what)


def render(record: Bench) -> str:
    """The figures for people: a line a round, then the medians."""
    lines = [
        f"{one_line(record.engine.model, 100)} at {one_line(record.engine.base_url or '', 200)}",
        "",
        "round    prompt   cached   first token cold / warm    writes",
        *(_round(number, each) for number, each in enumerate(record.rounds, start=1)),
        "",
        f"time to first token    {record.ttft_cold_s:.2f} s cold, {record.ttft_warm_s:.2f} s warm",
        f"reads (prefill)        {_rate(record.prefill_tokens_s)}",
        f"writes (decode)        {_rate(record.decode_tokens_s)}",
        f"cache hit              {'not told' if record.cache_hit is None else f'{record.cache_hit:.0%}'}",
    ]
    if record.cost_usd is not None:
        lines.append(f"cost                   {record.cost_usd:.4f} USD by the list price")
    return "\n".join(lines) + "\n"


def _round(number: int, each: Round) -> str:
    counts = f"{number:5} {each.warm.usage.prompt_tokens:9,} {each.warm.usage.cached_tokens:8,}"
    return f"{counts}   {each.cold.ttft_s:10.2f} s / {each.warm.ttft_s:.2f} s   {_rate(each.warm.decode_tokens_s):>13}"


def _rate(value: float | None) -> str:
    return "not told" if value is None else f"{value:,.0f} tokens/s"


def _progress(number: int) -> None:
    if sys.stderr.isatty():
        say(f"round {number}")
