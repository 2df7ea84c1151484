import pytest
from textual.geometry import Offset, Region
from textual.pilot import Pilot
from textual.selection import Selection
from textual.widgets import Input

from glmcode.events import AssistantDelta, AssistantMessage, ReasoningDelta, ToolFinished, ToolOutputDelta, ToolStarted
from glmcode.tui.theme import LIGHT
from glmcode.tui.transcript.entries import Answer, Call, Thinking
from glmcode.tui.transcript.fold import Transcript
from glmcode.tui.transcript.page_view import PageView
from glmcode.tui.transcript.view import TranscriptView
from tests.tui.transcript.app import ViewApp
from tests.tui.transcript.conversations import ANSWER, DIFF, called, long_conversation, said, typical


def screen(view: PageView) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def replayed(messages: int) -> Transcript:
    transcript = Transcript()
    for prompt, events in long_conversation(messages):
        transcript.user(prompt)
        for event in events:
            transcript.apply(event)
    return transcript


async def settled(pilot: Pilot[None]) -> None:
    """Everything is on screen, however slow the machine is."""
    await pilot.pause()
    pilot.app.query_one(TranscriptView).lay_out_changes()
    await pilot.pause()


async def until_shown(pilot: Pilot[None], text: str) -> None:
    """The view came to show it by itself."""
    while text not in "".join(screen(pilot.app.query_one(TranscriptView))):
        await pilot.pause(0.01)


async def test_it_follows_the_end_while_the_reader_is_there() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        for number in range(40):
            app.view.apply(AssistantDelta(step=1, text=f"line {number}\n"))
            await pilot.pause()
        await until_shown(pilot, "line 39")
        assert screen(app.view)[-1] == "  line 39" and app.view.at_end


async def test_a_reader_further_up_is_never_moved_and_told_how_much_is_new() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.view.show(replayed(40))
        await settled(pilot)
        app.view.focus()
        await pilot.press("pageup")
        before = screen(app.view)[:-1]
        assert not app.view.at_end
        for event in typical():
            app.view.apply(event)
        await settled(pilot)
        assert screen(app.view)[:-1] == before
        assert app.view.new_below > 5 and f"{app.view.new_below} new below" in screen(app.view)[-1]
        await pilot.click(TranscriptView, offset=(50, 10))
        await settled(pilot)
        assert app.view.at_end and app.view.new_below == 0 and "Done" in screen(app.view)[-1]


async def test_a_prompt_brings_the_reader_back_to_the_end() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.view.show(replayed(40))
        app.view.focus()
        await pilot.press("home")
        app.view.user("What now?")
        await settled(pilot)
        assert "What now?" in screen(app.view)[-1]


async def test_scrolling_up_through_what_was_never_laid_out_shows_every_line_once_and_in_order() -> None:
    app = ViewApp()
    async with app.run_test(size=(70, 16)) as pilot:
        app.view.show(replayed(60))
        await settled(pilot)
        seen = screen(app.view)
        for _ in range(2_000):
            if app.view.top_line == 0:
                break
            app.view.move_to(app.view.top_line - 3)
            now = screen(app.view)
            new = next(n for n in range(16) if now[n:] == seen[: 15 - n])
            assert 0 < new <= 3
            seen = now[:new] + seen
        lines = [line for index in range(len(app.view.page)) for line in app.view.page.lay(index).lines]
        whole = ["".join(run.text for run in (*line.lead, *line.runs)) for line in lines]
        assert [each.strip() for each in seen] == [each.strip() for each in whole]


async def test_thinking_is_folded_and_opens_by_key_and_by_click() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        for event in said(1, "The answer.", "Let me think about it."):
            app.view.apply(event)
        await settled(pilot)
        assert "Thought · ~" in screen(app.view)[0] and "Let me think" not in "".join(screen(app.view))
        app.view.focus()
        await pilot.press("up", "up", "enter")
        await settled(pilot)
        assert "Let me think about it." in screen(app.view)[1]
        await pilot.click(TranscriptView, offset=(6, 0))
        await settled(pilot)
        assert "Let me think" not in "".join(screen(app.view))
        assert app.toggled == [(0, True), (0, False)]


async def test_a_call_shows_its_output_while_it_runs_and_its_result_afterwards() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 14)) as pilot:
        app.view.apply(ToolStarted(step=1, call_id="1", name="shell", title="shell: make", arguments="{}"))
        app.view.apply(ToolOutputDelta(call_id="1", text="".join(f"step {n}\n" for n in range(30))))
        await settled(pilot)
        assert [line.strip() for line in screen(app.view)[:5]] == [
            "● shell: make · running", "step 26", "step 27", "step 28", "step 29",
        ]  # fmt: skip
        done = ToolFinished(
            step=1, call_id="1", name="shell", is_error=False, summary="exit code 0", text="all\nof it", duration_s=1.5
        )
        app.view.apply(done)
        await settled(pilot)
        assert [line for line in screen(app.view) if line] == ["  ● shell: make · exit code 0 · 1.5 s"]
        app.view.toggle(0)
        assert [line.strip() for line in screen(app.view)[:3]][1:] == ["all", "of it"]


async def test_opening_an_entry_keeps_the_reader_where_he_is() -> None:
    app = ViewApp()
    async with app.run_test(size=(70, 16)) as pilot:
        app.view.show(replayed(40))
        app.view.move_to(40)
        await settled(pilot)
        first = screen(app.view)[0]
        index = next(
            i
            for i in range(app.view.first_in_sight()[0] + 1, len(app.view.page))
            if isinstance(app.view.transcript.entries[i], Call)
        )
        app.view.toggle(index)
        assert screen(app.view)[0] == first
        app.view.toggle(index)
        assert screen(app.view)[0] == first


async def test_a_new_width_keeps_the_entry_at_the_top() -> None:
    app = ViewApp()
    async with app.run_test(size=(100, 16)) as pilot:
        app.view.show(replayed(80))
        app.view.move_to(150)
        await settled(pilot)
        index = app.view.first_in_sight()[0]
        for width in (60, 40, 100):
            await pilot.resize_terminal(width, 16)
            await settled(pilot)
            assert app.view.first_in_sight()[0] == index
            assert all(len(line) <= width for line in screen(app.view))


async def test_a_new_width_at_the_end_stays_at_the_end() -> None:
    app = ViewApp()
    async with app.run_test(size=(100, 16)) as pilot:
        app.view.show(replayed(40))
        await settled(pilot)
        await pilot.resize_terminal(50, 20)
        await settled(pilot)
        assert app.view.at_end and "Done" in "".join(screen(app.view)[-2:])


async def test_search_goes_round_opens_what_is_folded_and_marks_matches() -> None:
    app = ViewApp()
    async with app.run_test(size=(70, 12)) as pilot:
        for event in [
            *said(1, "No such word.", "The needle is in here."),
            *said(2, "x\n" * 30),
            *said(3, "A NEEDLE again."),
        ]:
            app.view.apply(event)
        await settled(pilot)
        assert app.view.find("needle") and app.view.cursor == 3
        assert app.view.find("needle") and app.view.cursor == 0
        assert "The needle is in here." in screen(app.view)[1]
        style = app.view.get_component_rich_style("transcript--match-current")
        marked = [s.text for s in app.view.render_line(1) if s.style and s.style.bgcolor == style.bgcolor]
        assert marked == ["needle"]
        assert app.view.find("needle", backwards=True) and app.view.cursor == 3
        app.view.end_search()
        assert not app.view.page.is_open(0)
        assert not app.view.find("nowhere")


async def test_search_finds_a_match_that_is_broken_over_lines_and_every_one_in_an_entry() -> None:
    app = ViewApp()
    async with app.run_test(size=(30, 12)) as pilot:
        for event in said(1, "some words before the long needle phrase and after\n\nneedle phrase"):
            app.view.apply(event)
        await settled(pilot)
        assert app.view.find("needle phrase") and app.view.search is not None
        places = []
        for _ in range(3):
            assert app.view.search.current is not None
            places.append(app.view.search.current[1])
            app.view.find("needle phrase")
        assert places == [0, 1, 0]


@pytest.mark.parametrize("width", [30, 80])
async def test_selected_text_is_what_was_written_and_not_how_it_is_broken(width: int) -> None:
    prose, code = (
        "A paragraph that is long enough to be broken twice.",
        "x = 'also code that is long enough to be broken'",
    )
    text = f"{prose}\n\n```py\n{code}\n```\n"
    app = ViewApp()
    async with app.run_test(size=(width, 20)) as pilot:
        for event in said(1, text):
            app.view.apply(event)
        await settled(pilot)
        height = app.view.page.height
        await pilot.mouse_down(TranscriptView, offset=(2, 0))
        await pilot.hover(TranscriptView, offset=(width - 2, height - 1))
        await pilot.mouse_up(TranscriptView, offset=(width - 2, height - 1))
        assert app.screen.get_selected_text() == f"{prose}\n\n{code}"
        assert app.view.page.is_open(0) is False


async def test_a_selection_stays_on_its_text_while_the_answer_grows_and_leaves_decoration_out() -> None:
    app = ViewApp()
    async with app.run_test(size=(50, 20)) as pilot:
        for event in called(1, "edit", "edit a.py", "edited", "Edited.", details={"diff": DIFF}):
            app.view.apply(event)
        await settled(pilot)
        await pilot.mouse_down(TranscriptView, offset=(0, 3))
        await pilot.hover(TranscriptView, offset=(40, 4))
        await pilot.mouse_up(TranscriptView, offset=(40, 4))
        for number in range(60):
            app.view.apply(AssistantDelta(step=1, text=f"{number}\n"))
        await settled(pilot)
        assert app.screen.get_selected_text() == "    year = int(text[:2])\n    year = int(text[:4])"
        app.screen.selections = {app.view: Selection(None, None)}
        assert (app.screen.get_selected_text() or "").endswith("58\n59")
        app.screen.selections = {app.view: Selection(Offset(2, 0), None)}
        assert (app.screen.get_selected_text() or "").startswith("● edit a.py")


async def test_copies_are_of_the_entry_at_the_cursor_or_of_the_last_answer() -> None:
    app = ViewApp()
    async with app.run_test(size=(70, 30)) as pilot:
        assert app.view.copy_raw() is None
        app.view.user("hello")
        for event in said(1, ANSWER, "thought"):
            app.view.apply(event)
        await settled(pilot)
        assert app.view.copy_raw() == ANSWER
        assert (app.view.copy_code() or "").startswith("def parse(text: str)")
        app.view.cursor = 1
        assert app.view.copy_raw() == "thought" and app.view.copy_code() is None


async def test_the_cursor_walks_over_entries_and_leaves_by_escape() -> None:
    app = ViewApp()
    async with app.run_test(size=(70, 30)) as pilot:
        for event in typical():
            app.view.apply(event)
        app.view.focus()
        await settled(pilot)
        await pilot.press("up")
        last = app.view.cursor
        await pilot.press("up", "up", "down")
        assert last is not None and app.view.cursor == last - 1
        assert any(line.startswith("▌") for line in screen(app.view))
        await pilot.press("escape")
        assert app.view.cursor is None and not any(line.startswith("▌") for line in screen(app.view))


async def test_a_restarted_answer_leaves_the_screen() -> None:
    from glmcode.events import GuardRepaired

    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.view.apply(ReasoningDelta(step=1, text="hm"))
        app.view.apply(AssistantDelta(step=1, text="nonsense"))
        await settled(pilot)
        app.view.apply(GuardRepaired(repair="degenerate", detail="it began anew", restarts=True))
        app.view.apply(AssistantMessage(step=1, content="sense", finish_reason="stop"))
        await settled(pilot)
        assert [line for line in screen(app.view) if line] == ["  · Repaired: degenerate: it began anew", "  sense"]


async def test_typing_goes_on_while_events_pour_in_and_none_is_lost() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        for number in range(300):
            app.view.apply(AssistantDelta(step=1, text=f"{number} "))
            if number % 100 == 0:
                await pilot.press("a")
        await until_shown(pilot, " 299")
        assert app.query_one(Input).value == "aaa"
        assert isinstance(answer := app.view.transcript.entries[0], Answer)
        assert answer.body.text.split() == [str(number) for number in range(300)]


async def test_a_key_in_the_prompt_draws_the_screen_once_and_lays_out_nothing() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.view.show(replayed(40))
        await settled(pilot)
        await pilot.pause(0.1)
        drawn = app.view.drawn
        for key in "hello":
            await pilot.press(key)
            await pilot.pause(0.05)
        assert app.query_one(Input).value == "hello"
        assert app.view.drawn - drawn <= 5, "Textual asks every widget once; twice when the scroll bar is drawn, too"


async def test_a_line_that_stays_as_it_is_is_drawn_once() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.view.user("hello")
        app.view.apply(AssistantDelta(step=1, text="first\n\n"))
        await settled(pilot)
        whole = app.view.region.reset_offset
        before = app.view.render_lines(whole)
        app.view.apply(AssistantDelta(step=1, text="second\n"))
        await settled(pilot)
        after = app.view.render_lines(whole)
        stays = [number for number, strip in enumerate(before) if strip.text.strip() in ("❯ hello", "first")]
        assert len(stays) == 2 and all(after[number] is before[number] for number in stays)
        assert "second" in "".join(strip.text for strip in after)
        assert [strip.text for strip in app.view.render_lines(Region(2, 0, 7, 1))] == ["❯ hello"]


async def test_another_theme_draws_everything_anew() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.view.user("hello")
        await settled(pilot)
        dark = [segment.style for segment in app.view.render_line(0)]
        app.theme = LIGHT.name
        await settled(pilot)
        assert [segment.style for segment in app.view.render_line(0)] != dark


async def test_another_conversation_replaces_the_one_on_screen() -> None:
    app = ViewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.view.user("before")
        app.view.show(replayed(8))
        await settled(pilot)
        assert "before" not in "".join(screen(app.view)) and "Done" in screen(app.view)[-1]
        app.view.show(Transcript())
        await settled(pilot)
        assert screen(app.view) == [""] * 11
        assert isinstance(replayed(4).entries[1], Thinking)
