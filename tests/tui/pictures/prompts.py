"""The start, and what people type."""

import time
from typing import Any

from textual.pilot import Pilot

from glmcode import paths
from glmcode.model.loading import Loading
from glmcode.session import store
from glmcode.tui.app import GlmcodeApp
from glmcode.tui.loading import EngineLoading
from glmcode.tui.prompt.queue import Queued
from glmcode.tui.prompt.suggestions import Suggestions
from glmcode_engine.base import EngineInfo
from tests.tui.pictures.scene import STATUS, Place, Scene, chat, ready, type_in
from tests.tui.pictures.talks import prompt

TITLES = (
    "Fix the rounding of [shares] in duebook/money.py so that the parts add up to the whole again, and say why",
    "修复账单到期日的计算",
    "/fix octo/duebook#12",
)


def keep_sessions(place: Place) -> None:
    """Three sessions of the repository, long ago."""
    for number, title in enumerate(TITLES):
        created = time.mktime((2026, 3, 5 - number, 14, 7, 0, 0, 0, -1))
        id = f"2026030{5 - number}-140700-00000{number}"
        header = store.Header(
            id=id, repo=str(place.repo), created=created, version="0", title=title,
            engine=EngineInfo(kind="remote", model="glm-4.6"),
        )  # fmt: skip
        folder = paths.sessions_dir() / id
        folder.mkdir(parents=True)
        (folder / store.FILE_NAME).write_bytes(store.line_of(header.model_dump(mode="json")))


async def begun(pilot: Pilot[Any], place: Place) -> GlmcodeApp:
    app = await ready(pilot)
    app.chat.conversation.stage.status.status = STATUS
    await pilot.pause()
    return app


async def start(pilot: Pilot[Any], place: Place) -> None:
    keep_sessions(place)
    app = await begun(pilot, place)
    app.chat.conversation.stage.welcome.load()
    await app.workers.wait_for_complete()


async def engine(pilot: Pilot[Any], place: Place) -> None:
    app = await begun(pilot, place)
    app.chat.query_one(EngineLoading).show(Loading("loading the weights", 2, 7, 0.42))


async def commands(pilot: Pilot[Any], place: Place) -> None:
    await begun(pilot, place)
    type_in(pilot, "/c")


async def mentions(pilot: Pilot[Any], place: Place) -> None:
    for name in ("money.py", "[old] 舍入.py", "deeply/nested/folders/of/some/length/money_of_the_past.py"):
        file = place.repo / "duebook" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("def money_of(bill):\n    return 1\n")
    app = await begun(pilot, place)
    type_in(pilot, place.said("see @mon", "看看 @mon"))
    listed = app.chat.query_one(Suggestions)
    while not listed.display:
        await pilot.pause()
    await pilot.pause()


async def queued(pilot: Pilot[Any], place: Place) -> None:
    app = await begun(pilot, place)
    waiting = [prompt(place), "make test", *["more"] * 3]
    await app.chat.box.show_queue([Queued(number, each) for number, each in enumerate(waiting)])
    app.chat.box.put(
        place.said("Keep [old] files readable,\nand say so in the docs.", "保证旧文件[仍然]可读，\n并写进文档。")
    )
    await pilot.pause()


async def shell(pilot: Pilot[Any], place: Place) -> None:
    await begun(pilot, place)
    type_in(pilot, "!make test")


async def earlier(pilot: Pilot[Any], place: Place) -> None:
    app = await begun(pilot, place)
    await pilot.press("ctrl+r", *"money")
    assert app.chat.is_mounted


SCENES = {
    "start": Scene(chat, start),
    "engine": Scene(chat, engine, is_small=True),
    "commands": Scene(chat, commands, is_small=True),
    "mentions": Scene(chat, mentions, is_small=True),
    "queue": Scene(chat, queued),
    "shell": Scene(chat, shell, is_small=True),
    "history": Scene(chat, earlier, is_small=True),
}
