from pathlib import Path

from glmcode.review.decisions import Accept, Decisions, Edit, Refuse
from glmcode.review.telling import told_to_the_model
from tests.glmcode.review.reviewing import CHANGED, TEXT, hunks_of, reviewing
from tests.sandbox.repositories import make_repository, write


async def decisions_on(tmp_path: Path, old: dict[str, str | bytes], new: dict[str, str | bytes]) -> Decisions:
    repo = make_repository(tmp_path / "repo", old)
    async with reviewing(repo, tmp_path / "s", "direct") as it:
        write(repo, new)
        (repo / "gone").unlink(missing_ok=True)
        (repo / "run").chmod(0o755) if (repo / "run").exists() else None
        return await it.decisions()


def points(told: str) -> str:
    return told.partition("\n\n")[2]


async def test_every_decision_is_told_with_its_place(tmp_path: Path) -> None:
    old: dict[str, str | bytes] = {"a.py": TEXT, "gone": "g\n", "run": "r\n", "b": "b\n", "empty": "e\n", "c": TEXT}
    decisions = await decisions_on(tmp_path, old, {"a.py": CHANGED, "new\n": "n\n", "empty": "", "c": CHANGED})
    first, second, third = hunks_of(decisions, "a.py")
    decisions.accept(first.id)
    decisions.refuse(second.id, "the loop\nneeds it\x1b[2J")
    decisions.edit(third.id, third.new_text.replace("more", "mine"))
    decisions.file("c", Accept())
    decisions.file("gone", Refuse())
    decisions.file("run", Refuse(reason="no"))
    decisions.file("empty", Accept())
    told = told_to_the_model(decisions)
    assert told.startswith("[glmcode: the user reviewed your changes. ") and "do not bring back" in told
    assert points(told).splitlines() == [
        "- a.py, lines removed before line 15: refused and taken back: the loop",
        "  needs it",
        "- a.py, line 28: the user changed it. From your version to theirs:",
        "```",
        "@@ -2,5 +2,5 @@",
        " 27",
        " 28",
        "-more",
        "+mine",
        " 29",
        " 30",
        "```",
        "- a.py, line 3: accepted",
        "- c: accepted",
        "- empty, all lines removed: accepted",
        "- gone, its deletion: refused and taken back",
        "- $'new\\012', the new file: not decided yet, still there",
        "- run, being executable: refused and taken back: no",
    ]


async def test_all_accepted_is_one_line_and_nothing_decided_is_none(tmp_path: Path) -> None:
    decisions = await decisions_on(tmp_path, {"a.py": TEXT}, {"a.py": CHANGED, "new": "n\n"})
    assert told_to_the_model(decisions) == ""
    decisions.all(Accept())
    assert told_to_the_model(decisions) == "[glmcode: the user reviewed your changes and accepted all of them.]"


async def test_no_server_is_sent_half_of_a_character_and_no_block_is_ended_by_its_content(tmp_path: Path) -> None:
    decisions = await decisions_on(tmp_path, {"a\udcff": b"a\n"}, {"a\udcff": b"\xff\xfe\n"})
    decisions.file("a\udcff", Edit(text="```\n\udcff\u2028x\n"))
    told = told_to_the_model(decisions)
    assert told.encode().decode() == told
    assert points(told).splitlines()[0].startswith("- $'a\\377', line 1:")
    assert points(told).splitlines()[1] == points(told).splitlines()[-1] == "````"


async def test_a_long_edit_is_cut(tmp_path: Path) -> None:
    decisions = await decisions_on(tmp_path, {"b": "b\n"}, {"new": "n\n"})
    decisions.file("new", Edit(text="line\n" * 5000))
    told = told_to_the_model(decisions)
    assert len(told) < 3000 and "... 4802 more lines" in told
