"""Runs the interface from start to end, whatever ends it."""

import asyncio
import signal
import sys
from contextlib import suppress

from glmcode.exit_codes import ExitCode
from glmcode.starting import Start, settle
from glmcode.tui.app import GlmcodeApp
from glmcode.tui.terminal_input import prepare

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def run_tui(start: Start) -> int:
    """Run it in this terminal. Returns the exit code. Raises what reading the settings raises."""
    from glmcode.tui.driver import TerminalDriver

    prepare()
    app = GlmcodeApp(start)
    app.driver_class = TerminalDriver
    return asyncio.run(_run(app))


async def _run(app: GlmcodeApp) -> int:
    loop = asyncio.get_running_loop()
    # What is ignored from the start (nohup) stays ignored.
    watched = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in watched:
        loop.add_signal_handler(number, app.leave, ExitCode.TERMINATED)
    try:
        await app.run_async(mouse=app.preferences.mouse)
    finally:
        session = app.opening.session_id
        await app.aclose()
        for number in watched:
            loop.remove_signal_handler(number)
        settle()
    if app.chat.failure is not None:
        raise app.chat.failure
    if session is not None:
        with suppress(OSError):  # the terminal may be gone
            print(f"glmcode: go on with: glmcode --resume {session}", file=sys.stderr, flush=True)
    return app.return_code or app.code
