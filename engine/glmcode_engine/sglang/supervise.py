"""The supervisor in the background: `python -m glmcode_engine.sglang.supervise`, options as JSON on standard input."""

import asyncio
import signal
import sys

from glmcode_engine.sglang.options import ServeOptions
from glmcode_engine.sglang.preflight import ServeError
from glmcode_engine.sglang.supervisor import Supervisor


async def supervise(options: ServeOptions) -> int:
    """Supervise until a signal, or until the server is not wanted any more; 0 for an end in order."""
    options.place.prepare()
    with options.place.supervised() as alone:
        if not alone:
            print("another supervisor is there already", flush=True)
            return 1
        supervisor = Supervisor(options, say=lambda line: print(line, flush=True), on_record=lambda _record: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, supervisor.stop)
        try:
            print(await supervisor.run(), flush=True)
        except ServeError as error:
            print(error, flush=True)
            return 1
        return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(supervise(ServeOptions.model_validate_json(sys.stdin.buffer.read()))))
