import os
import subprocess
from pathlib import Path

from glmcode.context.pack import pack
from glmcode.context.record import ContextPack
from tests.glmcode.context.conftest import Commit, Write, git


def paths(packed: ContextPack) -> set[str]:
    return {file.path for file in packed.files}


def test_a_hundred_thousand_files_of_which_few_are_checked_out(repo: Path, write: Write) -> None:
    write({"refund.py": "def refund(order):\n    return -order\n"})
    git(repo, "add", ".")
    blob = subprocess.check_output(["git", "rev-parse", ":refund.py"], cwd=repo, text=True).strip()
    entries = "".join(f"100644 {blob}\tpart_{n % 100}/module_{n}.py\n" for n in range(100_000))
    subprocess.run(["git", "update-index", "--index-info"], cwd=repo, input=entries.encode(), check=True, timeout=60)
    packed = pack(repo, "refund of an order", 4000)
    assert paths(packed) == {"refund.py"}
    assert packed.left_out == {"not a regular file": 100_000}


def test_a_huge_file_links_in_a_loop_and_deep_folders(repo: Path, write: Write) -> None:
    deep = "/".join(["d"] * 100)
    write({f"{deep}/refund.py": "refund = 1\n", "a.py": "refund = 2\n"})
    (repo / "loop").symlink_to(".")
    (repo / "self").symlink_to("self")
    with (repo / "huge.py").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    packed = pack(repo, "refund in huge.py", 4000)
    assert paths(packed) == {"a.py", f"{deep}/refund.py"}
    assert packed.left_out == {"large": 1, "not a regular file": 2}


def test_names_that_are_not_text_are_left_out(repo: Path, write: Write) -> None:
    write({"a.py": "refund = 1\n"})
    Path(os.fsdecode(os.fsencode(repo) + b"/bad\xff.py")).write_text("refund = 2\n")
    packed = pack(repo, "refund", 4000)
    assert paths(packed) == {"a.py"}
    assert packed.left_out == {"a name that cannot be shown": 1}


def test_submodules_are_left_out(repo: Path, write: Write, commit: Commit, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "inner.py").write_text("refund = 1\n")
    git(other, "add", ".")
    git(other, "commit", "-qm", "x")
    write({"a.py": "refund = 2\n"})
    git(repo, "submodule", "add", "-q", str(other), "sub")
    commit("add the other")
    assert {"a.py"} <= paths(pack(repo, "refund", 4000)) <= {"a.py", ".gitmodules"}


def test_sparse_and_shallow_clones(repo: Path, write: Write, commit: Commit, tmp_path: Path) -> None:
    for n in range(3):
        write({f"in/m{n}.py": f"refund = {n}\n", f"out/m{n}.py": f"refund = {n}0\n"})
        commit(f"refund {n}")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "1", "--sparse", repo.as_uri(), str(clone))
    git(clone, "sparse-checkout", "set", "in")
    packed = pack(clone, "refund", 4000)
    assert paths(packed) == {"in/m0.py", "in/m1.py", "in/m2.py"}
    assert packed.left_out == {"not a regular file": 3}


def test_a_repository_without_commits_or_files(repo: Path, write: Write) -> None:
    assert pack(repo, "refund", 4000).text == ""
    write({"a.py": "refund = 1\n"})
    assert paths(pack(repo, "refund", 4000)) == {"a.py"}


def test_a_file_that_changes_between_index_and_pack_is_shown_as_it_is(repo: Path, write: Write) -> None:
    write({"a.py": "refund = 1\n"})
    pack(repo, "refund", 4000)
    write({"a.py": "x = 0\nrefund = 3\n"})
    assert "x = 0\nrefund = 3\n" in pack(repo, "refund", 4000).text


def test_words_that_say_nothing_find_nothing(repo: Path, write: Write) -> None:
    write({"a.py": "this is the problem please"})
    assert pack(repo, "please, what is this problem", 4000).files == ()
