"""Makes the README's picture of the terminal interface: `python docs/picture.py`, with a Docker daemon.

The bundled sample, its issue and its script are those of `glmcode demo`; nothing in the picture is drawn by hand.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from importlib.resources import as_file
from pathlib import Path

from glmcode.config import Settings
from glmcode.demo.sample import ISSUE, SCRIPT, create_sample
from glmcode.starting import Start
from glmcode.tui.app import GlmcodeApp

TARGET = Path(__file__).parent / "images/tui.svg"
SIZE = (112, 40)
LIMIT_S = 180.0


async def make_picture(folder: Path, script: Path) -> str:
    """The screen at the end of a fix, as SVG."""
    repo = create_sample(folder / "duebook")
    issue = folder / "issue.md"
    issue.write_text(ISSUE.read_text("utf-8"), "utf-8")
    settings = Settings.model_validate({"engine": f"scripted:{script}", "repo": repo, "sandbox": "docker"})
    app = GlmcodeApp(Start(settings=settings, repo=repo))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        talk = app.chat.conversation
        app.chat.box.put(f"/fix {issue}")
        await pilot.press("enter")
        ends = time.monotonic() + LIMIT_S
        began = False
        while not began or talk.busy:
            began = began or talk.busy
            if time.monotonic() > ends:
                sys.exit("the fix did not end")
            await asyncio.sleep(0.1)
        await pilot.pause(0.5)
        return app.export_screenshot(title="glmcode")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="glmcode-picture-") as name, as_file(SCRIPT) as script:
        folder = Path(name)
        for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            os.environ[variable] = str(folder / variable.lower())
        picture = asyncio.run(make_picture(folder, script))
    # The reader's own monospaced font, and no address to fetch one from.
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    TARGET.write_text(picture.replace(name, "/tmp/demo"), "utf-8")


if __name__ == "__main__":
    main()
