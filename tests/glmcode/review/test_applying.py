from pathlib import Path

import pytest

from glmcode.review.decisions import Accept, Refuse, ReviewError
from glmcode.review.hunks import open_review
from glmcode.session import store
from glmcode.session.rollback import roll_back
from glmcode.session.store import FILE_NAME
from glmcode.session.timeline import read_timeline
from glmcode.session.unapplied import unapplied_patch
from glmcode_sandbox.workspace import WorkspaceError, WorkspaceMode
from tests.glmcode.review.reviewing import CHANGED, TEXT, hunks_of, refuse_and_accept_the_rest, reviewing
from tests.sandbox.repositories import contents, git, git_state, make_repository, write

MODES: tuple[WorkspaceMode, ...] = ("direct", "isolated")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files: dict[str, str | bytes] = {"a.py": TEXT, "gone": "g\n", "d/kind": "k\n", "run": "r\n", "mine": "m\n"}
    return make_repository(tmp_path / "repo", files)


def work(top: Path) -> None:
    """What a model does."""
    write(top, {"a.py": CHANGED, "new/file": "n\n", "bin": b"\0\xff"})
    (top / "gone").unlink()
    (top / "run").chmod(0o755)
    (top / "d/kind").unlink()
    (top / "d/kind").symlink_to("../a.py")


@pytest.mark.parametrize("mode", MODES)
async def test_the_accepted_arrives_and_the_refused_is_gone_everywhere(
    repo: Path, tmp_path: Path, mode: WorkspaceMode
) -> None:
    before, start = git_state(repo), contents(repo)
    async with reviewing(repo, tmp_path / "s", mode) as it:
        work(it.space.host_path)
        decisions = await it.decisions()
        _, second, third = hunks_of(decisions, "a.py")
        decisions.refuse(second.id, "needed elsewhere")
        decisions.edit(third.id, third.new_text.replace("more", "mine"))
        decisions.file("gone", Refuse())
        decisions.file("d/kind", Refuse())
        decisions.all(Accept(), undecided_only=True)
        done = await it.apply(decisions)
        assert (done.applied, done.conflicts) == (True, ())
        wanted = CHANGED.replace("14\n16\n", "14\n15\n16\n").replace("more", "mine")
        assert (
            contents(repo)
            == contents(it.space.host_path)
            == start
            | {
                "a.py": (0o644, wanted.encode()),
                "new/file": (0o644, b"n\n"),
                "bin": (0o644, b"\0\xff"),
                "run": (0o755, b"r\n"),
            }
        )
        assert (await it.decisions()).review.files == ()
        assert git_state(repo) == before


@pytest.mark.parametrize("mode", MODES)
async def test_what_is_undecided_is_asked_again_and_nothing_else(
    repo: Path, tmp_path: Path, mode: WorkspaceMode
) -> None:
    async with reviewing(repo, tmp_path / "s", mode) as it:
        work(it.space.host_path)
        decisions = await it.decisions()
        first, second, _ = hunks_of(decisions, "a.py")
        decisions.accept(first.id)
        decisions.refuse(second.id)
        await it.apply(decisions)
        write(it.space.host_path, {"later": "l\n"})
        decisions = await it.decisions()
        assert [file.path for file in decisions.review.files] == [
            "a.py", "bin", "d/kind", "gone", "later", "new/file", "run"
        ]  # fmt: skip
        (left,) = hunks_of(decisions, "a.py")
        assert [line.text for line in left.lines if line.kind != " "] == ["more\n"]
        assert (repo / "gone").exists() == (mode == "isolated")
        refuse_and_accept_the_rest(decisions, "later", "bin")
        await it.apply(decisions)
        assert contents(repo) == contents(it.space.host_path)
        assert not (repo / "later").exists() and not (repo / "gone").exists()
        assert (repo / "a.py").read_text() == CHANGED.replace("14\n16\n", "14\n15\n16\n")


@pytest.mark.parametrize("mode", MODES)
async def test_what_the_user_changed_since_is_named_and_nothing_is_written(
    repo: Path, tmp_path: Path, mode: WorkspaceMode
) -> None:
    async with reviewing(repo, tmp_path / "s", mode) as it:
        work(it.space.host_path)
        decisions = await it.decisions()
        refuse_and_accept_the_rest(decisions, "a.py", "bin")
        write(repo, {"a.py" if mode == "direct" else "gone": "the user's\n"})
        before = contents(repo), contents(it.space.host_path)
        done = await it.apply(decisions)
        assert done.conflicts == ("a.py",) if mode == "direct" else ("gone",)
        assert (done.applied, done.told) == (False, "")
        assert (contents(repo), contents(it.space.host_path)) == before
        assert it.lines("reviewed") == [] and await roll_back(it.session) is None
        assert {file.path for file in (await open_review(it.space)).files} >= {"bin", "run"}


async def test_what_a_running_command_changed_since_is_named(repo: Path, tmp_path: Path) -> None:
    async with reviewing(repo, tmp_path / "s", "isolated") as it:
        work(it.space.host_path)
        decisions = await it.decisions()
        refuse_and_accept_the_rest(decisions, "a.py")
        write(it.space.host_path, {"a.py": "written by a server\n"})
        before = contents(repo)
        assert (await it.apply(decisions)).conflicts == ("a.py",)
        assert contents(repo) == before


async def test_the_repository_is_put_back_when_the_copy_cannot_be_written(repo: Path, tmp_path: Path) -> None:
    async with reviewing(repo, tmp_path / "s", "isolated") as it:
        work(it.space.host_path)
        decisions = await it.decisions()
        refuse_and_accept_the_rest(decisions, "a.py")
        before = contents(repo)
        it.space.host_path.rename(tmp_path / "away")
        (it.space.host_path).write_text("no folder")
        with pytest.raises((WorkspaceError, OSError)):
            await it.apply(decisions)
        assert contents(repo) == before and await roll_back(it.session) is None


@pytest.mark.parametrize("mode", MODES)
async def test_a_killed_review_is_taken_back(repo: Path, tmp_path: Path, mode: WorkspaceMode) -> None:
    start = contents(repo)
    async with reviewing(repo, tmp_path / "s", mode) as it:
        work(it.space.host_path)
        before = contents(repo)
        decisions = await it.decisions()
        refuse_and_accept_the_rest(decisions, "a.py")
        await it.apply(decisions)
        path = it.session.folder / FILE_NAME
        whole = path.read_bytes()
        # As a kill leaves it after everything was written, and before that was noted.
        path.write_bytes(b"".join(row for row in whole.splitlines(keepends=True) if b'"kind":"reviewed"' not in row))
        assert await roll_back(it.session) == ()
        assert contents(repo) == before and (mode == "direct" or before == start)


async def test_what_was_decided_and_when_is_in_the_session(repo: Path, tmp_path: Path) -> None:
    async with reviewing(repo, tmp_path / "s", "direct") as it:
        work(it.space.host_path)
        decisions = await it.decisions()
        (_, second, _), (gone,) = (hunks_of(decisions, name) for name in ("a.py", "gone"))
        decisions.refuse(second.id, "no\n\x1b[31m")
        decisions.accept(gone.id)
        done = await it.apply(decisions)
        (record,) = it.lines("reviewed")
        assert record["decisions"] == [
            {"path": "a.py", "hunk": "lines", "lines": [12, 6], "decision": "refuse", "reason": "no\n\x1b[31m"},
            {"path": "gone", "hunk": "whole", "lines": [0, 0], "decision": "accept", "reason": ""},
        ]
        timeline = read_timeline(store.records(it.session.folder / FILE_NAME))
        assert timeline.agreed == record["agreed"] == done.agreed_tree == it.space.agreed_tree
        assert {record[name] for name in ("old", "new", "agreed", "kept")} <= set(timeline.trees)
        assert timeline.there == timeline.end == record["kept"] == await it.space.tree()


async def test_a_killed_run_goes_on_with_what_was_not_decided(repo: Path, tmp_path: Path) -> None:
    async with reviewing(repo, tmp_path / "s", "isolated") as it:
        work(it.space.host_path)
        decisions = await it.decisions()
        decisions.file("new/file", Accept())
        decisions.file("bin", Refuse())
        await it.apply(decisions)
        patch = await unapplied_patch(it.session)
        assert b"new/file" not in patch and b" b/bin" not in patch
        git(repo, "apply", stdin=patch)
        assert (repo / "a.py").read_text() == CHANGED and (repo / "new/file").read_text() == "n\n"
        timeline = read_timeline(store.records(it.session.folder / FILE_NAME))
        assert timeline.waiting


async def test_a_review_that_is_out_of_date_is_refused(repo: Path, tmp_path: Path) -> None:
    async with reviewing(repo, tmp_path / "s", "isolated") as it:
        work(it.space.host_path)
        decisions = await it.decisions()
        decisions.all(Accept())
        await it.space.apply()
        with pytest.raises(WorkspaceError, match="open the review again"):
            await it.apply(decisions)


@pytest.mark.parametrize("mode", MODES)
async def test_a_file_cannot_stay_below_another(repo: Path, tmp_path: Path, mode: WorkspaceMode) -> None:
    async with reviewing(repo, tmp_path / "s", mode) as it:
        top = it.space.host_path
        (top / "gone").unlink()
        write(top, {"gone/x": "x\n"})
        before = contents(repo), contents(top)
        decisions = await it.decisions()
        refuse_and_accept_the_rest(decisions, "gone")
        with pytest.raises(ReviewError, match="gone/x and gone cannot both be there"):
            await it.apply(decisions)
        assert (contents(repo), contents(top)) == before
        decisions.file("gone/x", Refuse())
        assert (await it.apply(decisions)).applied
        assert (top / "gone").read_text() == (repo / "gone").read_text() == "g\n"


async def test_in_a_direct_workspace_a_review_can_begin_at_any_state(repo: Path, tmp_path: Path) -> None:
    async with reviewing(repo, tmp_path / "s", "direct") as it:
        write(repo, {"mine": "the user's\n"})
        since = await it.space.tree()
        work(repo)
        assert "mine" not in {file.path for file in (await open_review(it.space, since)).files}
