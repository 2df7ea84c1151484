import asyncio
import os
import subprocess
from collections.abc import Collection, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode.review.decisions import Accept, Decisions, Edit, Refuse, ReviewError
from glmcode.review.hunks import Review, ReviewFile, compare
from glmcode.review.outcome import Outcome, outcome
from glmcode_sandbox.git.shadow import make_shadow
from glmcode_sandbox.git.trees import TreeStore

T = TypeVar("T")
File = tuple[str, bytes]
"""git's mode and the content."""
ODD = ("a.txt", "ü/sp ace.py", "tab\there", 'quo"te', "new\nline", "-dash", "d", "d/x", "d/y", "raw\udcff")


class Trees:
    """A store of trees, and plain git on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "store"
        make_shadow(self.folder, folder, "sha1", b"")
        self.store = TreeStore(self.folder)
        self.scratch = folder

    async def made(self, files: dict[str, File]) -> str:
        entries = {path: (mode, await self.store.new_blob(content)) for path, (mode, content) in files.items()}
        return await self.store.with_files(await self.store.empty(), entries, self.scratch)

    async def files(self, tree: str) -> dict[str, File]:
        found = await self.store.differences(await self.store.empty(), tree)
        return {item.path: (item.new[0], await self.store.blob(item.new[1])) for item in found if item.new}

    async def review(self, old: dict[str, File], new: dict[str, File]) -> Review:
        return await compare(self.store, await self.made(old), await self.made(new))

    async def outcome(self, decisions: Decisions) -> Outcome:
        return await outcome(self.store, decisions, self.scratch)


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    return Trees(tmp_path_factory.mktemp("review"))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


LINE = st.sampled_from(
    [b"a\n", b"b\n", b"\n", b"c\r\n", b"\xff\xfe\n", b"+x\n", b"-- y\n", b"\\ z\n", b"@@ -1 +1 @@\n"]
)
TEXT = st.lists(LINE, max_size=40).map(b"".join)
CONTENT = st.builds(lambda text, cut: text[:-1] if cut else text, TEXT, st.booleans())


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A text and one made of it by a few changes, so that several hunks come of it."""
    rows = draw(st.lists(LINE, min_size=1, max_size=60))
    other = list(rows)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(other)))
        other[at : at + draw(st.integers(0, 2))] = draw(st.lists(LINE, max_size=2))
    ends = draw(st.tuples(st.booleans(), st.booleans()))
    old, new = (b"".join(part)[: -1 if cut else None] for part, cut in zip((rows, other), ends, strict=True))
    return old, new


def patch_of(file: ReviewFile, chosen: Collection[str]) -> str:
    """A patch with the chosen hunks of a file, written from what the review says of them."""
    shift, body = 0, ""
    for hunk in file.hunks:
        if hunk.id not in chosen:
            continue
        start = hunk.old_start + shift + (hunk.old_count == 0) - (hunk.new_count == 0)
        body += f"@@ -{hunk.old_start},{hunk.old_count} +{start},{hunk.new_count} @@\n"
        for line in hunk.lines:
            body += line.kind + line.text + ("" if line.text.endswith("\n") else "\n\\ No newline at end of file\n")
        shift += hunk.new_count - hunk.old_count
    return f"diff --git a/{file.path} b/{file.path}\n--- a/{file.path}\n+++ b/{file.path}\n{body}" if body else ""


def applied_by_git(trees: Trees, review: Review, chosen: Collection[str]) -> str:
    """The old tree after `git apply` of these hunks."""
    environment = {**os.environ, "GIT_INDEX_FILE": str(trees.scratch / "apply-index")}

    def plain(*words: str, stdin: bytes = b"") -> str:
        command = ["git", f"--git-dir={trees.folder}", *words]
        return subprocess.run(command, env=environment, input=stdin, capture_output=True, check=True).stdout.decode()

    plain("read-tree", review.old)
    if patch := "".join(patch_of(file, chosen) for file in review.files):
        plain(
            "apply", "--cached", "--unidiff-zero", "--whitespace=nowarn", stdin=patch.encode("utf-8", "surrogateescape")
        )
    return plain("write-tree").strip()


@settings(max_examples=30, deadline=None)
@given(st.lists(edited(), min_size=1, max_size=2), st.randoms(use_true_random=False))
def test_any_mix_of_hunks_is_what_git_apply_gives(trees: Trees, texts: list[tuple[bytes, bytes]], random: Any) -> None:
    old = {f"{number}.txt": ("100644", before) for number, (before, _) in enumerate(texts)}
    new = {f"{number}.txt": ("100644", after) for number, (_, after) in enumerate(texts)}

    async def check() -> None:
        review = await trees.review(old, new)
        decisions = Decisions(review)
        accepted = {hunk.id for _, hunk in review.hunks() if random.random() < 0.5}
        for _, hunk in review.hunks():
            decisions.decide(hunk.id, Accept() if hunk.id in accepted else Refuse())
        found = await trees.outcome(decisions)
        assert found.agreed == found.kept == applied_by_git(trees, review, accepted)

    run(check())


FILE = st.one_of(
    st.tuples(st.sampled_from(["100644", "100755"]), CONTENT),
    st.tuples(st.just("100644"), st.binary(max_size=30).map(lambda data: data + b"\0")),
    st.tuples(st.just("120000"), st.sampled_from([b"target", b"other/t"])),
)


def fits(files: Collection[str]) -> bool:
    """Whether no file lies below another."""
    return not ("d" in files and {"d/x", "d/y"} & set(files))


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from(ODD), FILE, max_size=5).filter(fits),
    st.dictionaries(st.sampled_from(ODD), FILE, max_size=5).filter(fits),
    st.randoms(use_true_random=False),
)
def test_all_or_nothing_or_some_files_of_every_kind(
    trees: Trees, old: dict[str, File], new: dict[str, File], random: Any
) -> None:
    async def check() -> None:
        review = await trees.review(old, new)
        assert {file.path for file in review.files} == {p for p in {*old, *new} if old.get(p) != new.get(p)}
        for decision, expected in ((Accept(), review.new), (Refuse(), review.old)):
            decisions = Decisions(review)
            decisions.all(decision)
            assert await trees.outcome(decisions) == Outcome(expected, expected)
        assert await trees.outcome(Decisions(review)) == Outcome(review.old, review.new)
        taken = {file.path for file in review.files if random.random() < 0.5}
        wanted = {path: file for path, file in old.items() if path not in taken}
        wanted |= {path: file for path, file in new.items() if path in taken or old.get(path) == file}
        decisions = Decisions(review)
        for file in review.files:
            decisions.file(file.path, Accept() if file.path in taken else Refuse(reason="no"))
        try:
            found = await trees.outcome(decisions)
        except ReviewError:
            assert not fits(wanted)
            return
        assert found.agreed == found.kept and await trees.files(found.agreed) == wanted

    run(check())


async def changed(trees: Trees, old: bytes, new: bytes, path: str = "a.txt") -> Decisions:
    return Decisions(await trees.review({path: ("100644", old)}, {path: ("100644", new)}))


async def text_of(trees: Trees, tree: str, path: str = "a.txt") -> bytes:
    return (await trees.files(tree))[path][1]


OLD = b"".join(b"line %d\n" % number for number in range(1, 31))
NEW = OLD.replace(b"line 3\n", b"LINE 3\n").replace(b"line 15\n", b"").replace(b"line 28\n", b"line 28\nmore\n")


async def test_hunks_have_places_lines_and_their_surroundings(trees: Trees) -> None:
    review = (await changed(trees, OLD, NEW)).review
    first, second, third = review.files[0].hunks
    places = [(hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count) for hunk in (first, second, third)]
    assert places == [(1, 6, 1, 6), (12, 7, 12, 6), (26, 5, 25, 6)]
    assert [line.kind + line.text for line in first.lines if line.kind != " "] == ["-line 3\n", "+LINE 3\n"]
    assert second.heading == "line 11" and second.old_text.startswith("line 12\nline 13\n")
    assert len({first.id, second.id, third.id}) == 3
    assert (review.files[0].status, review.files[0].is_binary) == ("modified", False)


@pytest.mark.parametrize(
    ("unchanged", "places"),
    [(2, [(1, 10)]), (3, [(1, 5), (6, 11)]), (4, [(1, 6), (7, 12)]), (6, [(1, 7), (8, 14)]), (7, [(1, 7), (9, 15)])],
)
async def test_changes_that_stand_apart_are_decided_on_apart(
    trees: Trees, unchanged: int, places: list[tuple[int, int]]
) -> None:
    between = "".join(f"{number}\n" for number in range(unchanged))
    sides = [f"a\nb\nc\n{one}\n{between}{one}\nx\ny\nz\n" for one in ("old", "new\nmore")]
    old, new = ({"f.txt": ("100644", side.encode())} for side in sides)
    review = await trees.review(old, new)
    hunks = [hunk for _, hunk in review.hunks()]
    assert [(hunk.old_start, hunk.old_start + hunk.old_count - 1) for hunk in hunks] == places
    assert len(hunks) == 1 or [sum(line.kind == "+" for line in hunk.lines) for hunk in hunks] == [2, 2]
    rest = sides[1].split("\n")
    for hunk in hunks:
        start = hunk.new_start - 1
        assert hunk.new_text == "".join(f"{line}\n" for line in rest[start : start + hunk.new_count])


async def test_what_is_undecided_is_agreed_nowhere_and_kept_to_work_on(trees: Trees) -> None:
    decisions = await changed(trees, OLD, NEW)
    first, second, third = decisions.review.files[0].hunks
    decisions.refuse(second.id, "keep it")
    decisions.edit(third.id, third.new_text.replace("more", "mine"))
    assert decisions.undecided == (first.id,)
    found = await trees.outcome(decisions)
    agreed = OLD.replace(b"line 28\n", b"line 28\nmine\n")
    assert await text_of(trees, found.agreed) == agreed
    assert await text_of(trees, found.kept) == agreed.replace(b"line 3\n", b"LINE 3\n")
    left = await compare(trees.store, found.agreed, found.kept)
    assert [hunk.new_text for _, hunk in left.hunks()] == [first.new_text]
    decisions.decide(second.id, None)
    decisions.all(Accept(), undecided_only=True)
    assert await text_of(trees, (await trees.outcome(decisions)).agreed) == NEW.replace(b"more", b"mine")


@pytest.mark.parametrize(
    ("old", "new", "text", "after"),
    [
        (b"1\n2\n", b"1\n3\n", "x", b"x"),
        (b"1\n2\n", b"1\n3\n", "", b""),
        (OLD, b"0\n" + OLD, "x", b"x\n" + OLD[OLD.index(b"line 4") :]),
        (OLD.replace(b"\n", b"\r\n"), b"0\r\n" + OLD.replace(b"\n", b"\r\n"), "x",
         b"x\r\n" + OLD[OLD.index(b"line 4") :].replace(b"\n", b"\r\n")),
        (b"1", b"2", "\udcff", b"\xff"),
    ],
)  # fmt: skip
async def test_an_edit_stands_for_the_new_side(trees: Trees, old: bytes, new: bytes, text: str, after: bytes) -> None:
    decisions = await changed(trees, old, new)
    decisions.edit(decisions.review.files[0].hunks[0].id, text)
    found = await trees.outcome(decisions)
    assert await text_of(trees, found.agreed) == await text_of(trees, found.kept) == after


async def test_mode_and_lines_are_decided_apart(trees: Trees) -> None:
    review = await trees.review(
        {"run": ("100644", b"1\n"), "b": ("100644", b"")}, {"run": ("100755", b"2\n"), "b": ("100755", b"")}
    )
    (only,), (mode, lines) = (file.hunks for file in review.files)
    assert (only.kind, mode.kind, lines.kind) == ("mode", "mode", "lines")
    assert [file.status for file in review.files] == ["mode", "modified"]
    decisions = Decisions(review)
    decisions.accept(mode.id)
    decisions.refuse(lines.id)
    found = await trees.files((await trees.outcome(decisions)).agreed)
    assert found == {"run": ("100755", b"1\n"), "b": ("100644", b"")}


async def test_only_text_can_be_edited(trees: Trees) -> None:
    new = {"bin": ("100644", b"\0"), "link": ("120000", b"to"), "text": ("100644", b"t\n"), "empty": ("100755", b"")}
    decisions = Decisions(await trees.review({"gone": ("100644", b"g\n")}, new))
    for file in decisions.review.files:
        if file.path in ("text", "empty"):
            decisions.file(file.path, Edit(text="mine\n"))
        else:
            with pytest.raises(ReviewError, match="accept or refuse"):
                decisions.file(file.path, Edit(text="mine\n"))
            decisions.file(file.path, Accept())
    found = await trees.files((await trees.outcome(decisions)).agreed)
    assert found == new | {"text": ("100644", b"mine\n"), "empty": ("100755", b"mine\n")}


async def test_a_large_text_is_decided_on_as_a_whole(trees: Trees) -> None:
    row = b"x" * 99 + b"\n"
    decisions = await changed(trees, row * 50_000, row * 50_001)
    (file,) = decisions.review.files
    assert file.is_binary and [hunk.kind for hunk in file.hunks] == ["whole"] and file.hunks[0].lines == ()


async def test_submodules_are_passed_over(trees: Trees) -> None:
    old = await trees.made({"a": ("100644", b"1\n"), "z": ("100644", b"1\n")})
    new = await trees.made({"a": ("100644", b"2\n"), "z": ("100644", b"2\n")})
    with_module = {path: ("160000", char * 40) for path, char in (("m", "1"), ("z", "1"))}
    old = await trees.store.with_files(old, {"m": with_module["m"]}, trees.scratch)
    new = await trees.store.with_files(new, {"m": ("160000", "2" * 40), "z": with_module["z"]}, trees.scratch)
    assert [file.path for file in (await compare(trees.store, old, new)).files] == ["a"]


async def test_what_no_review_holds_is_a_mistake_of_ours(trees: Trees) -> None:
    decisions = await changed(trees, b"1\n", b"2\n")
    with pytest.raises(KeyError):
        decisions.accept("9.9")
    with pytest.raises(KeyError):
        decisions.of("x")
    with pytest.raises(KeyError):
        decisions.file("b", Accept())
