import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.tui.prompt import history
from glmcode.tui.prompt.draft import MAX_DRAFTS, Draft, DraftFile
from glmcode.tui.prompt.history import MAX_BYTES, History, HistoryFile
from glmcode.tui.prompt.private import prompt_folder
from glmcode.tui.prompt.records import PromptRecords


def test_each_repository_has_a_folder_of_its_own_in_the_state_folder(tmp_path: Path, own_home: Path) -> None:
    one, other = prompt_folder(tmp_path / "one"), prompt_folder(tmp_path / "other")
    assert one != other and one.is_relative_to(own_home / ".local/state/glmcode")


def test_a_draft_left_behind_is_taken_once(tmp_path: Path) -> None:
    crashed = DraftFile(tmp_path)
    crashed.open()
    crashed.save(Draft("left"))
    crashed.close()
    first, second = DraftFile(tmp_path), DraftFile(tmp_path)
    assert [first.open(), second.open()] == [Draft("left"), Draft()]
    second.save(Draft("mine"))
    first.save(Draft())
    second.close()
    assert DraftFile(tmp_path).open() == Draft("mine")


def test_more_interfaces_than_drafts_work_without_one(tmp_path: Path) -> None:
    open_ones = [DraftFile(tmp_path) for _ in range(MAX_DRAFTS + 1)]
    for one in open_ones:
        assert one.open() == Draft()
        one.save(Draft("x"))
    assert len([*tmp_path.glob("draft-*.json")]) == MAX_DRAFTS


@given(st.binary(max_size=60) | st.sampled_from([b"[]", b'{"text": 1}', b'{"text": "a", "pastes": [1]}', b"null"]))
def test_a_damaged_record_is_no_draft_or_one_of_text(line: bytes) -> None:
    read = Draft.from_json(line)
    assert read is None or isinstance(read.text, str)


def test_history_survives_damaged_lines_and_stays_bounded(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path)
    file.append(Draft("first"))
    with (tmp_path / "history.jsonl").open("ab") as raw:
        raw.write(b'{"text": "cut o\n\xff\xfe\n')
    file.append(Draft("second", {"[x]": "content"}))
    assert file.read() == [Draft("first"), Draft("second", {"[x]": "content"})]
    for number in range(60):
        file.append(Draft(f"{number} " + "x" * 50_000))
    assert (tmp_path / "history.jsonl").stat().st_size < MAX_BYTES + 100_000
    assert file.read()[-1].text.startswith("59 ")
    file.append(Draft("x" * (history.MAX_ENTRY_BYTES + 1)))
    assert file.read()[-1].text.startswith("59 ")


def test_several_interfaces_append_and_cut_without_losing_the_newest(tmp_path: Path) -> None:
    async def write(name: str) -> None:
        file = HistoryFile(tmp_path)
        for number in range(30):
            await asyncio.to_thread(file.append, Draft(f"{name}{number} " + "x" * 30_000))

    async def both() -> None:
        await asyncio.gather(write("a"), write("b"))

    asyncio.run(both())
    newest = {entry.text.split()[0] for entry in HistoryFile(tmp_path).read()}
    assert {"a29", "b29"} <= newest


@pytest.mark.parametrize("what", ["file in the way", "link in the way"])
async def test_a_folder_that_cannot_be_used_costs_only_the_memory(tmp_path: Path, what: str) -> None:
    target = tmp_path / "target"
    folder = tmp_path / "prompts"
    if what == "file in the way":
        folder.write_text("")
    else:
        folder.mkdir()
        target.write_text("theirs")
        for name in ("history.jsonl", *(f"draft-{number}.lock" for number in range(MAX_DRAFTS))):
            (folder / name).symlink_to(target)
    records = PromptRecords(folder)
    assert await records.load() == Draft()
    await records.remember(Draft("sent"))
    await records.keep(Draft("typed"))
    await records.close(Draft("typed"))
    assert records.history.older(Draft()) == Draft("sent")
    assert not target.exists() or target.read_text() == "theirs"


def test_what_repeats_the_last_prompt_is_remembered_once() -> None:
    past = History()
    assert [past.add(Draft(text)) for text in ("a", "a", "b", "a")] == [True, False, True, True]


def test_search_goes_on_from_what_was_found() -> None:
    past = History()
    past.load([Draft("Fix A"), Draft("other"), Draft("fix b")])
    newest = past.search("FIX")
    assert newest is not None and newest[1] == Draft("fix b")
    older = past.search("FIX", newest[0])
    assert older is not None and older[1] == Draft("Fix A")
    assert past.search("FIX", older[0]) is None
