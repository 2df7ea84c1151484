import asyncio
import subprocess
from pathlib import Path

import pytest

from glmcode.context.warming import warm
from glmcode.tui.prompt.completion import Mention, trigger_at
from glmcode.tui.prompt.mentions import Names, RepositoryMentions, Symbol, best_mentions


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files = {
        "src/due book.py": "class Ledger:\n    def settle_bills(self):\n        return 1\n",
        "src/bills.py": "def settle_bills():\n    return 1\n",
        "README.md": "# Bills\n",
        ".gitignore": "secret.txt\n",
        "secret.txt": "x\n",
        "src/evil\x1b[31m.py": "x = 1\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


async def test_files_that_git_knows_are_offered_and_no_others(repo: Path) -> None:
    source = RepositoryMentions(repo)
    assert {one.insert for one in await source("")} == {
        "@README.md", "@.gitignore", "@src/bills.py", '@"src/due book.py"',
    }  # fmt: skip
    assert (await source("bil"))[0] == Mention("bills.py", "src/", "@src/bills.py")
    assert not await source("secret")


async def test_a_new_file_is_offered_after_a_while(repo: Path) -> None:
    source = RepositoryMentions(repo)
    await source("")
    (repo / "fresh.py").write_text("")
    source._read_at -= 60
    for _ in range(600):
        if await source("fresh"):
            break
        await asyncio.sleep(0.05)
    assert [one.insert for one in await source("fresh")] == ["@fresh.py"]


async def test_who_asks_may_go_away_and_the_list_comes_all_the_same(repo: Path) -> None:
    source = RepositoryMentions(repo)
    first = asyncio.ensure_future(source("b"))
    await asyncio.sleep(0)
    first.cancel()
    assert await source("bills")


async def test_symbols_come_from_the_index_once_it_is_there(repo: Path) -> None:
    assert [one.label for one in await RepositoryMentions(repo)("settle")] == []
    async for _ in warm(repo):
        pass
    source = RepositoryMentions(repo)
    assert [one.insert for one in await source("settle")] == ["settle_bills (src/bills.py:1)"]
    assert [one.insert for one in await source("ledg")] == ["Ledger (src/due book.py:1)"]


async def test_who_finds_nothing_in_an_old_list_is_answered_by_the_new_one(repo: Path) -> None:
    source = RepositoryMentions(repo)
    await source("")
    (repo / "fresh.py").write_text("")
    source._read_at -= 60
    assert [one.insert for one in await source("fresh")] == ["@fresh.py"]


async def test_no_repository_has_nothing_to_mention(tmp_path: Path) -> None:
    assert await RepositoryMentions(tmp_path / "missing")("a") == []


def test_one_letter_offers_no_symbols() -> None:
    names = Names(("box.py",), (Symbol("b", "", "box.py", 3),))
    assert [one.label for one in best_mentions("b", names)] == ["box.py"]


@pytest.mark.parametrize(
    ("line", "query"),
    [("@", ""), ("see @src/a", "src/a"), ("请看@box", "box"), ("请看＠box", "box"), ("(@x", "x"), ("a@b", None),
     ("x @a b", None), ("", None), ("/a", None)],
)  # fmt: skip
def test_what_stands_before_the_cursor_says_whether_something_is_mentioned(line: str, query: str | None) -> None:
    trigger = trigger_at(line, len(line), is_first=False)
    assert (trigger.query if trigger else None) == query
