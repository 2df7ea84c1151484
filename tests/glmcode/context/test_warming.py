import asyncio
import os
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from glmcode.context.files import list_files
from glmcode.context.index.intake import CHUNK_FILES
from glmcode.context.index.outlines import Outlines
from glmcode.context.index.place import with_index
from glmcode.context.index.snapshot import NOT_YET, take_snapshot
from glmcode.context.index.store import Store, open_store
from glmcode.context.pack import pack
from glmcode.context.warming import Progress, outline, warm
from tests.glmcode.context.conftest import Write, git

OLD = time.time() - 1000


def fill(repo: Path, count: int) -> None:
    for n in range(count):
        folder = repo / f"part_{n % 50}"
        folder.mkdir(exist_ok=True)
        file = folder / f"module_{n}.py"
        file.write_text(f"def refund_{n}(order):\n    return order.amount_{n}\n")
        os.utime(file, (OLD, OLD))  # a file changed just now is read again next time


def children(of: int) -> set[int]:
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == of:
            found.add(int(folder.name))
    return found


async def test_warming_tells_how_far_it_is_and_leaves_nothing_for_the_pack(repo: Path) -> None:
    fill(repo, 700)
    told = [at async for at in warm(repo)]
    assert told[0] == Progress(0, 700) and told[-1] == Progress(700, 700)
    assert any(0 < at.done < 700 for at in told), "a person sees it move"
    assert told == sorted(told, key=lambda at: at.done)
    packed = pack(repo, "refund_77 is wrong", 4000, limit_s=0)
    assert packed.files[0].path == "part_27/module_77.py" and packed.note == ""


def test_code_is_parsed_once_and_of_very_much_a_part_in_each_run(repo: Path) -> None:
    fill(repo, 30)

    def left(store: Store) -> int:
        snapshot = take_snapshot(store, repo, list_files(repo))
        outlines = Outlines(store, repo)
        outline(outlines, snapshot.files.values(), most=20)
        return len(outlines.unknown([(file.path, file.hash) for file in snapshot.files.values()]))

    assert [with_index(repo, left) for _ in range(3)] == [10, 0, 0]


async def test_warming_can_be_cancelled_and_leaves_no_process(repo: Path) -> None:
    fill(repo, CHUNK_FILES + 500)
    before = children(os.getpid())
    async with aclosing(warm(repo)) as progress:
        async for at in progress:
            if at.done >= CHUNK_FILES:
                break
    assert children(os.getpid()) == before
    known = with_index(repo, lambda store: len(store.blobs()))
    assert known >= CHUNK_FILES
    again = [at async for at in warm(repo)]
    assert again[-1] == Progress(again[-1].of, again[-1].of) and again[-1].of <= 500 + CHUNK_FILES


async def test_warming_a_folder_that_is_no_repository_ends_quietly(tmp_path: Path) -> None:
    assert [at async for at in warm(tmp_path / "nothing")] == []


async def test_a_pack_beside_warming_has_the_same_bytes(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(repo, 900)

    async def all_of_it() -> None:
        async for _ in warm(repo):
            pass

    _, packed = await asyncio.gather(all_of_it(), asyncio.to_thread(pack, repo, "refund_77 is wrong", 4000))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert packed.text == pack(repo, "refund_77 is wrong", 4000).text


def test_a_pack_whose_time_is_up_uses_what_is_there_and_says_so(repo: Path, write: Write) -> None:
    fill(repo, 30)
    pack(repo, "refund_7 is wrong", 4000)
    write({"new.py": "def refund_7_again(order):\n    return 0\n"})
    packed = pack(repo, "refund_7 is wrong", 4000, limit_s=0)
    assert packed.left_out == {NOT_YET: 1}
    assert packed.note == "index still building: 30 of 31 files"
    assert packed.files[0].path == "part_7/module_7.py"
    assert pack(repo, "refund_7 is wrong", 4000).note == ""


def test_what_was_read_before_the_time_was_up_is_not_read_again(repo: Path, tmp_path: Path) -> None:
    fill(repo, CHUNK_FILES + 300)
    git(repo, "add", ".")
    with open_store(tmp_path / "i.sqlite") as store:
        told: list[tuple[int, int]] = []
        first = take_snapshot(store, repo, list_files(repo), 0.001, lambda done, of: told.append((done, of)))
        assert told[0] == (0, CHUNK_FILES + 300)
        assert set(first.left_out.values()) <= {NOT_YET}
        rest = take_snapshot(store, repo, list_files(repo))
        assert len(rest.files) == CHUNK_FILES + 300 and rest.left_out == {}
