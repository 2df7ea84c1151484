import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.cutting import split_pack, with_smaller_pack
from glmcode.context.pack import pack
from glmcode.context.render import FILES_HEAD, file_block
from glmcode_engine.tokens import estimate_tokens
from tests.e2e.place import commit_all

TASK = "### the parser fails\n```\nTraceback\n```\n\nfix it"


@pytest.fixture(scope="module")
def prompt(tmp_path_factory: pytest.TempPathFactory) -> str:
    repo = tmp_path_factory.mktemp("repo")
    (repo / "AGENTS.md").write_text("# Rules\n\n```\nbe kind\n```\n")
    for number in range(12):
        lines = "".join(f"def parser_{number}_{line}(): fails = {line}\n" for line in range(60))
        (repo / f"parser{number}.py").write_text(f"# the parser fails\n{lines}")
    (repo / "README.md").write_text("the parser fails\n\n````md\n```\ninner\n```\n````\n" * 9)
    commit_all(repo)
    text = pack(repo, TASK, 12_000).text
    return f"{text}\n\n{TASK}"


def test_a_real_pack_is_told_from_its_task(prompt: str) -> None:
    blocks, rest = split_pack(prompt)
    titles = [title for title, _ in blocks]
    assert titles[:2] == ["AGENTS.md", "The repository's files"] and "README.md" in titles and len(titles) > 6
    assert rest == f"\n\n{TASK}"
    assert "".join(text for _, text in blocks) + rest == prompt


@pytest.mark.parametrize("limit", [9_000, 5_000, 2_000, 300, 0])
def test_blocks_go_from_the_end_and_the_task_stays_whole(prompt: str, limit: int) -> None:
    shorter = with_smaller_pack(prompt, estimate_tokens, limit)
    blocks, _ = split_pack(prompt)
    kept, rest = split_pack(shorter)
    assert kept == blocks[: len(kept)] and len(kept) < len(blocks)
    note, _, task = rest.partition("\n\n")
    assert task == TASK
    assert note.startswith(f"[glmcode: {len(blocks) - len(kept)} more of the repository's files")
    assert estimate_tokens(shorter) <= limit + 250
    again = with_smaller_pack(shorter, estimate_tokens, limit // 2)
    assert again.endswith(f"\n\n{TASK}") and len(split_pack(again)[0]) <= len(kept)


def test_a_pack_that_fits_stays_as_it_is(prompt: str) -> None:
    assert with_smaller_pack(prompt, estimate_tokens, 20_000) == prompt


@pytest.mark.parametrize("task", ["fix it", TASK, "## Steps\n\n### one\n```\nx\n```\n\n", ""])
def test_a_prompt_without_a_pack_stays_as_it_is(task: str) -> None:
    assert with_smaller_pack(task, estimate_tokens, 0) == task


names = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9)
contents = st.text(alphabet="`#a \n", max_size=40)


@given(st.lists(st.tuples(names, contents), max_size=5), contents)
def test_no_file_can_end_its_own_block(files: list[tuple[str, str]], task: str) -> None:
    written = [block for path, text in files if (block := file_block(path, text, None))]
    prompt = FILES_HEAD + "".join(written) + f"\n\n{task}"
    blocks, rest = split_pack(prompt)
    assert len(blocks) == len(written)
    assert rest == (f"\n\n{task}" if written else prompt)


def test_hostile_names_are_shown_on_one_line() -> None:
    prompt = FILES_HEAD + str(file_block("a\x1b[2Jb.py", "x\n", None)) + "\n\nfix"
    assert with_smaller_pack(prompt, estimate_tokens, 0).partition("\n")[0].isprintable()
