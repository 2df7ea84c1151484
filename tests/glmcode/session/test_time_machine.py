import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from glmcode.session import store
from glmcode.session.marks import Restoring
from glmcode.session.store import FILE_NAME
from glmcode.session.timeline import TREES_NAME, read_timeline
from tests.glmcode.session.fast_cli import FastCli
from tests.sandbox.repositories import contents, git, git_state, make_repository, write

Call = dict[str, Any]


def edit(path: str, old: str, new: str) -> Call:
    return {"name": "edit", "arguments": {"path": path, "old": old, "new": new}}


def put(path: str, content: str) -> Call:
    return {"name": "write", "arguments": {"path": path, "content": content}}


class Place:
    """A repository and the sessions in it."""

    def __init__(self, cli: FastCli) -> None:
        self.cli = cli
        self.repo = make_repository(cli.home / "repo", {"a.py": "one\ntwo\n", "b.py": "b\n", ".gitignore": "build/\n"})
        write(self.repo, {"notes/mine": "untracked\n"})

    def run(self, *calls: Call, workspace: str = "direct", flags: tuple[str, ...] = ()) -> str:
        """The id of a session that makes these calls, one a step."""
        script = self.cli.home / "script.json"
        script.write_text(json.dumps([{"tool_calls": [call]} for call in calls] + [{"content": "Done."}]))
        words = ("run", "go", "--repo", str(self.repo), "--engine", f"scripted:{script}", "--sandbox", "none")
        code, output, told = self.cli.call(
            *words, "--context", "0", "--workspace", workspace, "--output", "json", *flags
        )
        assert code == 0, told
        return str(json.loads(output)["session"])

    def session(self, *words: str) -> tuple[int, str, str]:
        return self.cli.call("session", *words, "--repo", str(self.repo))

    def folder(self, session: str) -> Path:
        return self.cli.home / ".local/state/glmcode/sessions" / session

    def read(self, name: str) -> str | None:
        return (self.repo / name).read_text() if (self.repo / name).exists() else None


@pytest.fixture
def place(cli: FastCli) -> Place:
    return Place(cli)


def test_the_patch_between_two_steps_applies_where_it_is_piped_to(place: Place, tmp_path: Path) -> None:
    place.run(edit("a.py", "two", "2\x1b[31m"), put("new", "n\n"), put("b.py", "B\n"))
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(place.repo), str(clone))
    for points in (("start", "2"), ("2", "end")):
        code, _, told = place.session("diff", *points)
        assert code == 0, told
        git(clone, "apply", stdin=(tmp_path / "stdout").read_bytes())
    assert {name: (clone / name).read_bytes() for name in ("a.py", "b.py", "new")} == {
        name: (place.repo / name).read_bytes() for name in ("a.py", "b.py", "new")
    }


def test_steps_and_differences_are_told_to_people_and_programs(place: Place) -> None:
    session = place.run(edit("a.py", "two", "2"), {"name": "read", "arguments": {"path": "b.py"}}, put("n", "n\n"))
    listed = json.loads(place.session("steps", "--json")[1])
    changed = [[file["path"] for file in step["files"]] for step in listed["steps"]]
    assert (listed["session"], changed) == (session, [["a.py"], [], ["n"], []])
    told = json.loads(place.session("diff", session, "1", "--json")[1])
    assert (told["kind"], told["from"], told["to"]) == ("diff", "1", "end")
    assert told["files"] == [{"path": "n", "status": "added", "added": 1, "removed": 0}]
    assert "added     n  +1 -0\n1 file changed" in place.session("diff", "1", "3", "--stat")[1]


@pytest.mark.parametrize("workspace", ["direct", "isolated"])
def test_files_and_conversation_come_back_and_that_can_be_undone(place: Place, workspace: str) -> None:
    before = git_state(place.repo)
    session = place.run(edit("a.py", "two", "2"), put("notes/mine", "changed\n"), workspace=workspace)
    end, said = contents(place.repo), len(store.read(place.folder(session) / FILE_NAME)[1])
    code, output, told = place.session("restore", "1", "--yes")
    assert code == 0, told
    assert (place.read("a.py"), place.read("notes/mine")) == ("one\n2\n", "untracked\n")
    assert len(store.read(place.folder(session) / FILE_NAME)[1]) == said - 3
    assert place.session("restore", output.strip(), "--yes")[0] == 0
    assert contents(place.repo) == end
    assert len(store.read(place.folder(session) / FILE_NAME)[1]) == said
    assert git_state(place.repo) == before


def test_what_the_user_changed_is_kept_or_named_and_never_lost(place: Place) -> None:
    place.run(edit("a.py", "two", "2"), put("n", "n\n"))
    write(place.repo, {"b.py": "the user's\n"})
    assert place.session("restore", "1", "--files", "--yes")[0] == 0
    assert (place.read("n"), place.read("b.py")) == (None, "the user's\n")
    write(place.repo, {"a.py": "the user's\n"})
    before = contents(place.repo)
    code, _, told = place.session("restore", "start", "--files", "--yes")
    assert code == 2 and "you changed these since: a.py" in told and contents(place.repo) == before
    assert place.session("restore", "start", "--files", "--yes", "--overwrite")[0] == 0
    assert (place.read("a.py"), place.read("b.py")) == ("one\ntwo\n", "the user's\n")
    assert place.session("restore", "undo", "--yes")[0] == 0
    assert contents(place.repo) == before


def test_edits_between_two_turns_are_the_users(place: Place) -> None:
    session = place.run(put("n", "1\n"))
    write(place.repo, {"b.py": "the user's\n", "n": "the user's\n"})
    place.run(put("m", "m\n"), flags=("--resume", session))
    assert place.session("restore", "1", "--files", "--yes")[0] == 0
    assert (place.read("m"), place.read("b.py"), place.read("n")) == (None, "the user's\n", "the user's\n")
    code, _, told = place.session("restore", "start", "--files", "--yes")
    assert code == 2 and "you changed these since: n;" in told


def test_nobody_to_ask_and_dry_runs_change_nothing(place: Place) -> None:
    session = place.run(edit("a.py", "two", "2"))
    before, lines = contents(place.repo), (place.folder(session) / FILE_NAME).read_bytes()
    for flags, wanted in (((), 8), (("--dry-run",), 0)):
        code, _, told = place.session("restore", "start", *flags)
        assert code == wanted and "modified  a.py  +1 -1" in told and "nothing was restored" in told
    assert (contents(place.repo), (place.folder(session) / FILE_NAME).read_bytes()) == (before, lines)


@pytest.mark.parametrize(
    "words", ["restore 9", "restore 0", "diff nope", "restore ../x --yes", "fork 7", "restore undo"]
)
def test_a_point_that_is_not_there_is_one_line_and_2(place: Place, words: str) -> None:
    place.run(put("n", "1\n"))
    code, output, told = place.session(*words.split())
    assert (code, output, told.count("\n")) == (2, "", 1), told


def test_changes_that_wait_are_moved_in_their_patch_alone(place: Place) -> None:
    before = contents(place.repo)
    session = place.run(put("n", "1\n"), put("m", "2\n"), workspace="isolated", flags=("--apply", "never"))
    assert place.session("restore", "1", "--yes")[0] == 0
    assert contents(place.repo) == before
    place.run(put("o", "3\n"), workspace="isolated", flags=("--resume", session))
    assert (place.read("n"), place.read("m"), place.read("o")) == ("1\n", None, "3\n")


def test_after_an_isolated_run_that_changed_nothing_files_come_back_in_the_repository(place: Place) -> None:
    session = place.run(put("n", "1\n"), put("n", "2\n"), workspace="isolated", flags=("--apply", "auto"))
    nothing = {"name": "shell", "arguments": {"command": "true"}}
    place.run(nothing, workspace="isolated", flags=("--resume", session, "--apply", "auto"))
    code, _, told = place.session("restore", "1", session, "--files", "--yes")
    assert code == 0 and "wait to be applied" not in told
    assert place.read("n") == "1\n"
    assert place.session("restore", "undo", session, "--yes")[0] == 0
    assert place.read("n") == "2\n"


def test_a_fork_goes_on_by_itself_and_its_files_come_back_too(place: Place) -> None:
    session = place.run(put("n", "1\n"), put("n", "2\n"))
    whole = (place.folder(session) / FILE_NAME).read_bytes()
    code, output, told = place.session("fork", "1")
    assert code == 0, told
    made = output.strip()
    assert len(store.read(place.folder(made) / FILE_NAME)[1]) == 4  # system, prompt, call, result
    assert place.session("restore", "1", made, "--files", "--yes")[0] == 0
    assert place.read("n") == "1\n"
    place.run(put("m", "m\n"), flags=("--resume", made))
    assert (place.folder(session) / FILE_NAME).read_bytes() == whole


def test_states_outlive_the_objects_of_the_users_repository(place: Place) -> None:
    write(place.repo, {"a.py": "staged\n"})
    git(place.repo, "add", "a.py")
    session = place.run(put("a.py", "the model's\n"))
    git(place.repo, "reset", "-q", "--hard")
    git(place.repo, "-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now")
    assert "-staged" in place.session("diff", session)[1]
    assert place.session("restore", "start", "--files", "--yes", "--overwrite")[0] == 0
    assert place.read("a.py") == "staged\n"


def test_only_what_changed_is_kept(place: Place) -> None:
    write(place.repo, {f"data/{number}": f"{number}\n" * 5000 for number in range(40)})
    session = place.run(put("n", "1\n"))
    trees = place.folder(session) / TREES_NAME
    assert sum(path.stat().st_size for path in trees.rglob("*") if path.is_file()) < 20_000
    assert place.session("diff", session)[1].count("diff --git") == 1


def test_a_killed_restore_is_taken_back_before_the_next(place: Place) -> None:
    session = place.run(put("n", "1\n"), edit("a.py", "two", "2"))
    path = place.folder(session) / FILE_NAME
    timeline = read_timeline(store.records(path))
    old, new = timeline.point("end").tree, timeline.point("start").tree
    assert old is not None and new is not None
    # As it looks in the middle: one file aside, one not yet written.
    with store.resume(place.folder(session).parent, session) as opened:
        opened.append_record(
            Restoring(id="r1", before=old, tree=new, paths=("a.py", "n"), aside=".glmcode-apply-000000000000")
        )
    aside = place.repo / ".glmcode-apply-000000000000"
    aside.mkdir()
    (place.repo / "n").rename(aside / "old0")
    assert place.session("restore", "1", "--files", "--yes")[0] == 0
    assert (place.read("n"), place.read("a.py"), aside.exists()) == ("1\n", "one\ntwo\n", False)


def test_a_step_that_was_cut_off_has_no_state(place: Place) -> None:
    session = place.run(put("n", "1\n"), put("n", "2\n"))
    path = place.folder(session) / FILE_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"kind":"snapshot"' in line)
    path.write_bytes(b"".join(lines[:last]))
    code, _, told = place.session("restore", "2", "--yes")
    assert code == 2 and "the run was cut off in it" in told
    assert place.read("n") == "2\n"


def test_a_patch_is_cleaned_for_a_terminal(place: Place) -> None:
    session = place.run(put("n", "\x1b]0;title\x07red\n"))
    words = f"{sys.executable} -m glmcode session diff {session} --repo {place.repo}"
    done = subprocess.run(
        ["script", "-qec", words, "/dev/null"],
        env={"HOME": str(place.cli.home), "PATH": "/usr/bin:/bin"}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and b"red" in done.stdout and b"\x1b]0" not in done.stdout


def test_small_ignored_files_come_back_and_are_in_no_patch(place: Place, tmp_path: Path) -> None:
    write(place.repo, {".gitignore": ".env\nbuild/\nlocal/\n", ".env": "KEY=1\n", "local/a": "a\n"})
    write(place.repo, {f"build/{number}": "x\n" for number in range(300)})
    git(place.repo, "add", "-A")
    git(place.repo, "commit", "-qm", "rules")
    script = "echo KEY=2 >.env; rm -r local; mkdir local; echo n >local/new; rm build/1; echo changed >b.py"
    shell = {"name": "shell", "arguments": {"command": script}}
    session = place.run(edit("a.py", "two", "2"), shell, flags=("--out", str(tmp_path / "out")))
    assert ".env" not in (tmp_path / "out/patch.diff").read_text()
    listed = json.loads(place.session("steps", "--json")[1])["steps"]
    files = ["b.py", ".env", "local/a", "local/new"]
    assert [file["path"] for step in listed for file in step["files"]] == ["a.py", *files]
    assert "-KEY=1\n+KEY=2\n" in place.session("diff", "1", "2")[1]
    undo = place.session("restore", "1", "--yes")[1].strip()
    assert (place.read(".env"), place.read("local/a"), place.read("local/new")) == ("KEY=1\n", "a\n", None)
    assert (place.read("b.py"), place.read("build/1"), place.read("build/2")) == ("b\n", None, "x\n")
    assert git(place.repo, "status", "--porcelain").split() == ["M", "a.py"]
    assert place.session("restore", undo, session, "--yes")[0] == 0
    assert (place.read(".env"), place.read("local/a"), place.read("local/new")) == ("KEY=2\n", None, "n\n")


def test_a_small_ignored_file_that_the_user_changed_since_is_in_the_way(place: Place) -> None:
    write(place.repo, {".gitignore": ".env\nmine\n", ".env": "1\n", "mine": "1\n"})
    place.run({"name": "shell", "arguments": {"command": "echo 2 >.env"}})
    write(place.repo, {"mine": "2\n"})
    code, _, told = place.session("restore", "start", "--yes", "--dry-run")
    assert code == 0 and ".env" in told and "mine" not in told, told
    write(place.repo, {".env": "3\n"})
    code, _, told = place.session("restore", "start", "--yes")
    assert code == 2 and ".env" in told and place.read(".env") == "3\n"
    code, undo, _ = place.session("restore", "start", "--yes", "--overwrite")
    assert (code, place.read(".env"), place.read("mine")) == (0, "1\n", "2\n")
    assert place.session("restore", undo.strip(), "--yes")[0] == 0 and place.read(".env") == "3\n"
