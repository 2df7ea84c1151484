"""Everything that opens over the conversation."""

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from glmcode.config import Settings
from glmcode.context.record import ContextPack, PackedFile
from glmcode.events import CacheBroken
from glmcode.live.committing import Proposal
from glmcode.live.indexing import Indexing
from glmcode.live.packing import Packing
from glmcode.live.rewinding import rewind, steps_of
from glmcode.policy import Question
from glmcode.review.decisions import Decisions
from glmcode.tui.approval.dialog import ApprovalDialog
from glmcode.tui.commit.screen import CommitScreen
from glmcode.tui.context.chart import Fill
from glmcode.tui.context.screen import ContextScreen
from glmcode.tui.lines.view import LinesView
from glmcode.tui.pack.finder import PathFinder
from glmcode.tui.pack.screen import PackScreen
from glmcode.tui.review.screen import ReviewScreen
from glmcode.tui.rewind.screen import RewindScreen
from glmcode_engine.messages import Usage
from glmcode_sandbox.git.committing import Preview
from glmcode_sandbox.git.trees import FileChange
from tests.glmcode.live.working import EDIT, living, make_repo, played, shell
from tests.tui.dialogs.app import DialogApp
from tests.tui.dialogs.reviews import review_of
from tests.tui.pictures.prompts import begun, keep_sessions
from tests.tui.pictures.scene import STATUS, Place, Scene, chat, over, still

DIFF = "--- a/.envrc\n+++ b/.envrc\n@@ -1,2 +1,30 @@\n-use nix\n" + "".join(
    f"+[bold]line {n}[/bold]\n" for n in range(30)
)
WRITES = Question("c", "edit .envrc", "writes .envrc, which tools outside the sandbox run or obey", (".envrc",), DIFF)
CHANGED = Question("", "commands changed .envrc", "tools outside obey it", (".envrc",), DIFF, is_done=True)
FILES = (
    PackedFile(path="duebook/money.py", ranges=None, tokens=1830, score=9.0, why="named in the task"),
    PackedFile(
        path="duebook/[old]/舍入.py", ranges=((1, 40), (88, 88)), tokens=612, score=4.0, why="matches round, cents"
    ),
    PackedFile(path="tests/test_money.py", ranges=((10, 60),), tokens=540, score=3.0, why="imported by what matches"),
)
PACK = ContextPack(budget=24_000, tokens=3100, text="", files=FILES, seconds=0.1, budget_why="a bug with a trace")
BROKEN = CacheBroken(segment="pack", cause="a pinned file changed")
FILL = Fill(STATUS, Usage(prompt_tokens=68_000, completion_tokens=500, cached_tokens=63_500), 285_000, BROKEN)
CHANGES = (
    FileChange("duebook/money.py", "modified", 12, 3),
    FileChange("duebook/[old]/舍入.py", "deleted", 0, 40),
    FileChange("tests/test_cents.py", "added", 31, 0),
)
COMMIT = Proposal(
    Preview("main", CHANGES, b"", {}),
    frozenset({"duebook/money.py"}),
    "Round half a cent up\n\nBanks do, and so do we.",
)
TURNS: list[dict[str, Any]] = [
    {"tool_calls": [EDIT]},
    {"content": "fixed"},
    {"tool_calls": [shell("printf '[red]x[/red]\\n' > new.txt"), shell("python -m unittest")]},
    {"content": "made"},
    {"content": "after"},
]


def approval(_: Place) -> ApprovalDialog:
    return ApprovalDialog(WRITES, waiting=1, grace_s=0)


def pin(_: Place) -> PathFinder:
    async def found(_: str) -> tuple[str, ...]:
        return tuple(file.path for file in FILES)

    return PathFinder(found)


async def typed(pilot: Pilot[Any], _: Place) -> None:
    await pilot.press(*"mo:10-40")
    while pilot.app.screen.query_one(OptionList).option_count < len(FILES):
        await pilot.pause()


async def why(pilot: Pilot[Any], _: Place) -> None:
    await pilot.press("n", *"no")


async def pack(pilot: Pilot[Any], place: Place) -> None:
    async def packed() -> ContextPack:
        return PACK

    async def found(_: str) -> tuple[str, ...]:
        return ()

    packing = Packing(Settings(pin=("duebook/money.py",), drop=("docs",)), place.home, Indexing(place.home))
    await pilot.app.push_screen(PackScreen(packing, packed, None, find=found))
    while not pilot.app.screen.query_one(OptionList).option_count > len(FILES):
        await pilot.pause()
    await pilot.press("down")


async def back(pilot: Pilot[Any], place: Place) -> None:
    async with living(make_repo(place.home), TURNS) as live:
        await played(live.turn(place.said("fix [add]", "修复 [add]")))
        await played(live.turn(place.said("make a file", "写一个文件")))
        await rewind(live, "3", files=False, conversation=True)
        await pilot.app.push_screen(RewindScreen(live, steps_of(live)))
        screen = pilot.app.screen
        options = screen.query_one(OptionList)
        while "calc.py" not in str(options.get_option_at_index(1).prompt):
            await pilot.pause()
        await pilot.press("home")
        effect = screen.query_one(".effect", Static)
        while not screen.query_one(LinesView).lines or "calc.py" not in str(effect.content):
            await pilot.pause()
        await pilot.app.workers.wait_for_complete()


async def review(pilot: Pilot[Any], place: Place) -> None:
    await pilot.app.push_screen(ReviewScreen(await review_of(place.home), _leave, isolated=True))
    await pilot.pause()
    await pilot.press("y", "n", *"not [so]", "enter")


async def reviewed_why(pilot: Pilot[Any], place: Place) -> None:
    await pilot.app.push_screen(ReviewScreen(await review_of(place.home), _leave, isolated=False))
    await pilot.pause()
    await pilot.press("f", "y", "n", *"why")
    pilot.app.screen.query_one(Input).cursor_blink = False


async def edited(pilot: Pilot[Any], place: Place) -> None:
    await pilot.app.push_screen(ReviewScreen(await review_of(place.home), _leave, isolated=True))
    await pilot.pause()
    await pilot.press("e")


async def _leave(_: Decisions) -> Any:
    raise AssertionError("no picture carries a review out")


def command(line: str) -> Scene:
    """What a command of the prompt opens."""

    async def happen(pilot: Pilot[Any], place: Place) -> None:
        keep_sessions(place)
        app = await begun(pilot, place)
        app.chat.box.put(line)
        await pilot.pause()
        await pilot.press("escape", "enter")
        while app.screen is app.chat:
            await pilot.pause()
        await pilot.pause()

    return Scene(chat, happen, is_small=line != "/help")


def _bare(_: Place) -> DialogApp:
    return DialogApp()


SCENES = {
    "approval": Scene(over(approval), why),
    "approval-done": Scene(over(lambda _: ApprovalDialog(CHANGED, grace_s=0)), still, is_small=True),
    "context": Scene(over(lambda _: ContextScreen(lambda: FILL)), still),
    "pack": Scene(_bare, pack),
    "pin": Scene(over(pin), typed, is_small=True),
    "commit": Scene(over(lambda _: CommitScreen(COMMIT)), still, is_small=True),
    "rewind": Scene(_bare, back),
    "review": Scene(_bare, review),
    "review-why": Scene(_bare, reviewed_why, is_small=True),
    "review-edit": Scene(_bare, edited),
    "resume": command("/resume"),
    "help": command("/help"),
    "themes": command("/theme"),
    "engine-page": command("/engine"),
}
