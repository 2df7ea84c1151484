"""The prompt is there before anything else: what the first frame leaves to later, and what is typed meanwhile."""

import subprocess
import sys
import threading
from pathlib import Path

from textual.widget import Widget

from glmcode.config import ConfigError, Settings
from glmcode.starting import Start
from glmcode.tui.app import GlmcodeApp
from glmcode.tui.prompt.area import PromptArea
from glmcode.tui.status.line import StatusLine
from tests.glmcode.live.working import make_repo
from tests.tui.app.opened import WAIT_S, Opened

SIZE = (100, 30)


class Reading:
    """An application whose settings are read as soon as `may_read` says so."""

    def __init__(self, folder: Path, failure: Exception | None = None) -> None:
        self.repo = make_repo(folder)
        self.may_read = threading.Event()
        self._script = folder / "script.json"
        self._script.write_text('[{"content": "hello"}]')
        self._failure = failure
        self.app = GlmcodeApp(Start(settings=None, repo=self.repo, read=self._read))

    def _read(self) -> Start:
        assert self.may_read.wait(WAIT_S)
        if self._failure is not None:
            raise self._failure
        given = {"engine": f"scripted:{self._script}", "sandbox": "none", "context": 0, "repo": self.repo}
        return Start(settings=Settings.model_validate(given), repo=self.repo)


async def test_what_is_typed_before_the_settings_are_read_is_sent_when_they_are(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    async with reading.app.run_test(size=SIZE) as pilot:
        it = Opened(reading.app, pilot, reading.repo)
        await pilot.press(*"whatever")
        assert it.draft == "whatever"
        it.app.simulate_key("enter")
        await it.until(lambda: not it.draft)
        assert it.prompts == 0
        reading.may_read.set()
        await it.until(lambda: "hello" in it.said)
        assert it.prompts == 1 and it.said.startswith("whatever")


async def test_keys_that_need_the_settings_wait_for_them(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    async with reading.app.run_test(size=SIZE) as pilot:
        it = Opened(reading.app, pilot, reading.repo)
        for key in ("shift+tab", "ctrl+c", "escape"):
            it.app.simulate_key(key)
        reading.may_read.set()
        await it.until(lambda: it.app.opening.session is not None)
        assert it.app.opening.mode == "auto"


async def test_settings_that_cannot_be_read_end_it_with_their_error(tmp_path: Path) -> None:
    reading = Reading(tmp_path, ConfigError("max_steps: what is that?"))
    async with reading.app.run_test(size=SIZE) as pilot:
        it = Opened(reading.app, pilot, reading.repo)
        assert it.app.is_running and it.app.focused is it.app.chat.query_one(PromptArea)
        reading.may_read.set()
        await it.until(lambda: not it.app.is_running)
    assert str(reading.app.chat.failure) == "max_steps: what is that?"


async def test_nothing_moves_when_the_rest_has_come(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    async with reading.app.run_test(size=SIZE) as pilot:
        it = Opened(reading.app, pilot, reading.repo)
        first = {widget: (widget.region, widget.styles.css) for widget in it.app.chat.walk_children(Widget)}
        assert it.app.chat.query_one(StatusLine).status is None
        reading.may_read.set()
        await it.until(lambda: it.app.opening.session is not None)
        assert it.app.chat.query_one(StatusLine).status is not None
        it.app.refresh_css(animate=False)
        await pilot.pause()
        later = {widget: (widget.region, widget.styles.css) for widget in it.app.chat.walk_children(Widget)}
        assert later == first


def test_the_first_frame_waits_for_no_models_no_parsers_and_no_clients() -> None:
    program = (
        "import sys, glmcode.cli.main, glmcode.cli.interactive_parser, glmcode.cli.interactive, glmcode.tui.launch\n"
        "print({'pydantic', 'openai', 'docker', 'yaml', 'markdown_it', 'tiktoken', 'httpx'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
