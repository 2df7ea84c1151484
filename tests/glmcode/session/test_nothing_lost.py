"""Random runs, edits of the user, restores and kills: whatever happens, each state comes back as it was."""

import hashlib
import json
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

from glmcode.session import store
from glmcode.session.timeline import TREES_NAME, Timeline, read_timeline
from tests.cli import host_image
from tests.glmcode.session.fast_cli import FastCli, serving
from tests.sandbox.repositories import contents, git, git_state, make_repository, write

Files = dict[str, tuple[int, bytes | str]]
FILES: dict[str, str | bytes] = {"a": "a\n", "b": "b\n", "d/one": "1\n", "d/two": "2\n", "run.sh": "#!/bin/sh\n"}
LEFT = re.compile(r"(?:^|/)\.glmcode\.\w{6}$")
"""What a write that is killed in its middle leaves beside the file, readable by its owner alone."""
NAMES = ["a", "b", "d/one", "d/two", "new", "e/f/deep", "run.sh"]


class Story:
    """One repository, one session, and what is known of them."""

    def __init__(self, cli: FastCli, seed: int, workspace: str, *flags: str) -> None:
        self.random = random.Random(seed)
        self.cli = cli
        self.repo = make_repository(cli.home / "repo", FILES)
        write(self.repo, {"untracked": "u\n", ".git/info/exclude": ""})
        git(self.repo, "stash", "list")
        self.session = ""
        self.edited: set[str] = set()
        """What the user may have changed since the session began: a call that was cut off counts as theirs."""
        self._cut = False
        """Whether a call ever was."""
        self._named: dict[str, set[str]] = {}
        """What each call of the last run names, by its arguments."""
        self._flags = ("--workspace", workspace, "--context", "0", "--apply", "auto", *flags)
        self._serial = 0
        self._takes = 0.2
        self._root = cli.home / ".local/state/glmcode/sessions"

    @property
    def folder(self) -> Path:
        return self._root / self.session

    @property
    def files(self) -> Files:
        found = contents(self.repo)
        left = {path for path, held in found.items() if self._cut and held[0] == 0o600 and LEFT.search(path)}
        return {path: held for path, held in found.items() if path not in left}

    def timeline(self) -> Timeline:
        return read_timeline(store.records(self.folder / store.FILE_NAME))

    def run(self, *, killed: bool) -> None:
        """A run of a few calls; after it every state of the session is one that the calls lead through."""
        before, self._named = self.files, {}
        script = [{"tool_calls": [self._call()]} for _ in range(self.random.randint(1, 4))] + [{"content": "Done."}]
        (self.cli.home / "script.json").write_text(json.dumps(script))
        resume = ("--resume", self.session) if self.session else ()
        delay = self.random.uniform(0.1, self._takes) if killed else None
        words = ("run", "go", "--repo", str(self.repo), "--engine", f"scripted:{self.cli.home}/script.json")
        began = time.monotonic()
        code, _, told = self.cli.call(*words, *self._flags, *resume, kill_after_s=delay)
        self._takes = max(self._takes, 0.0 if killed else time.monotonic() - began)
        time.sleep(0.05)  # what was killed may have had a command under way
        assert code in ((0, -9) if killed else (0,)), told
        self.session = self.session or max((path.name for path in self._root.glob("2*")), default="")
        if code == -9 and self.session:
            self._own_what_was_cut_off()
        if code == -9 and self._flags[1] == "isolated" and self.files != before and not self._moving():
            assert self.files == self.tree(self.timeline().point("end").tree)  # all was applied
        self.check()

    def _own_what_was_cut_off(self) -> None:
        """What the calls name whose state the session did not take; where they changed nothing there is none."""
        lines = list(store.records(self.folder / store.FILE_NAME))
        taken = {call for line in lines if line.get("kind") == "snapshot" for call in line["calls"]}
        begun = max((at for at, line in enumerate(lines) if line.get("kind") == "prompted"), default=0)
        for line in lines[begun:]:
            names = self._named.get(line["arguments"]) if line.get("kind") == "tool_started" else None
            if names and line["call_id"] not in taken:
                self._cut = True
                self.edited |= names

    def _moving(self) -> bool:
        return any(self.repo.glob(".glmcode-apply-*"))

    def _call(self) -> dict[str, Any]:
        self._serial += 1
        name, other = self.random.sample(NAMES, 2)
        text = f"{self._serial}\n"
        command = self.random.choice(
            [f"rm -f {name}", f"mkdir -p $(dirname {other}); mv {name} {other} || :", f"chmod +x {name} || :", "true",
             f"mkdir -p $(dirname {name}); echo {text.strip()} >>{name}"]
        )  # fmt: skip
        call: dict[str, Any] = self.random.choice(
            [{"name": "write", "arguments": {"path": name, "content": text}},
             {"name": "shell", "arguments": {"command": command}}]
        )  # fmt: skip
        self._named[json.dumps(call["arguments"])] = {name, other}
        return call

    def edit(self) -> None:
        self._serial += 1
        name = self.random.choice([*NAMES, "mine"])
        self.edited.add(name)
        write(self.repo, {name: f"user {self._serial}\n"})

    def restore(self, *, killed: bool) -> None:
        """Go back somewhere; a second time where the first was killed; then perhaps undo it."""
        timeline = self.timeline()
        known = [str(step) for step in range(1, timeline.steps + 1) if timeline.tree_after(step)]
        if not known:
            return
        to, before = self.random.choice([*known, "start"]), self.files
        words = ("session", "restore", to, self.session, "--files", "--yes", "--repo", str(self.repo))
        if killed:
            self.cli.call(*words, kill_after_s=self.random.uniform(0.0, self._takes / 2))
            if len(self.timeline().restores) > len(timeline.restores):
                before = self.files  # it was done and told before it was killed, so the second one begins there
        code, output, told = self.cli.call(*words)
        assert not self._moving()
        if code == 2:
            killed_run = "a killed run left its changes" in told
            assert killed_run or (self.files == before and self.edited), told
            return
        assert code == 0, told
        wanted = self.tree(timeline.point(to).tree)
        for path in {*wanted, *self.files}:
            kept = self.files.get(path) == before.get(path) and path in self.edited
            assert self.files.get(path) == wanted.get(path) or kept, (to, path)
        if self.random.random() < 0.5 and not killed:
            after = self.files
            assert self.cli.call("session", "restore", output.strip(), self.session, "--yes")[0] == 0
            assert self.files == before
            assert self.cli.call("session", "restore", "undo", self.session, "--yes")[0] == 0
            assert self.files == after
        self.check()

    def tree(self, tree: str | None) -> Files:
        """What a tree of the session holds, asked of git."""
        assert tree is not None
        trees = f"--git-dir={self.folder / TREES_NAME}"
        listed = [line.split("\t", 1) for line in git(self.repo, trees, "ls-tree", "-r", "-z", tree).split("\0")[:-1]]
        # Contents that never changed are not kept, since they are still there.
        held = {blob_id(data): data for _, data in self.files.values() if isinstance(data, bytes)}
        ids = [meta.split(" ")[2] for meta, _ in listed]
        for oid in ids:
            held[oid] = held.get(oid) or git(self.repo, trees, "cat-file", "blob", oid).encode()
        return {
            path: (0o755 if meta.startswith("100755") else 0o644, held[oid])
            for (meta, path), oid in zip(listed, ids, strict=True)
            if not (self._cut and LEFT.search(path))
        }

    def check(self) -> None:
        """The session replays: every line is read, and every call has one result when it goes on."""
        if not self.session:
            return
        with store.resume(self._root, self.session) as session:
            made = [call.id for message in session.messages for call in message.tool_calls]
            answered = [message.tool_call_id for message in session.messages if message.role == "tool"]
        assert made == answered and len(set(made)) == len(made)


def blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def play(story: Story, actions: int) -> None:
    story.run(killed=False)
    user = {name: data for name, data in git_state(story.repo).items() if name != ".git/index"}
    for _ in range(actions):
        match story.random.randrange(6):
            case 0 | 1:
                story.run(killed=story.random.random() < 0.5)
            case 2:
                story.edit()
            case _:
                story.restore(killed=story.random.random() < 0.4)
    story.run(killed=False)
    story.restore(killed=False)
    assert story.cli.call("session", "export", story.session)[0] == 0
    now = {name: data for name, data in git_state(story.repo).items() if name != ".git/index"}
    assert now == user


@pytest.mark.parametrize("workspace", ["direct", "isolated"])
@pytest.mark.parametrize("seed", range(2))
def test_whatever_happens_every_state_comes_back(tmp_path: Path, seed: int, workspace: str) -> None:
    with serving(tmp_path) as process:
        play(Story(FastCli(tmp_path, process), seed, workspace, "--sandbox", "none"), actions=6)


@pytest.mark.docker
def test_whatever_happens_every_state_of_a_layer_comes_back(tmp_path: Path) -> None:
    with host_image("glmcode-story-test") as image, serving(tmp_path) as process:
        play(Story(FastCli(tmp_path, process), 3, "isolated", "--sandbox", "docker", "--image", image), actions=4)
