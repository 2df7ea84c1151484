"""Runs the simulated server as a process of its own, for end-to-end tests of the command line."""

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import get_args

from tests.simulated.script import load_entries_file
from tests.simulated.server import Recorded, SimulatedEndpoint
from tests.simulated.wire import Flavor


def main() -> None:
    """Serve until SIGTERM or SIGINT; prints one JSON line with `base_url` when ready."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulated", description=main.__doc__)
    parser.add_argument("--script", type=Path, required=True, help="YAML or JSON list of answers and faults")
    parser.add_argument("--flavor", choices=get_args(Flavor), default="sglang")
    parser.add_argument("--key", help="the API key to insist on")
    parser.add_argument("--model", default="glm-4.6", help="the model served")
    parser.add_argument("--port-file", type=Path, help="also write the base URL here")
    parser.add_argument("--record", type=Path, help="write the requests here at the end, as JSON lines")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    script = load_entries_file(options.script)
    async with SimulatedEndpoint(script, flavor=options.flavor, key=options.key, model=options.model) as server:
        if options.port_file is not None:
            options.port_file.write_text(server.base_url + "\n")
        print(json.dumps({"base_url": server.base_url}), flush=True)
        await stopped.wait()
    if options.record is not None:
        options.record.write_text("".join(_record(each) for each in server.requests))


def _record(request: Recorded) -> str:
    fields = {
        "number": request.number,
        "arrived_at": request.arrived_at,
        "ended_at": request.ended_at,
        "raw": request.raw.decode(errors="replace"),
        "body": request.body,
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
