import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from glmcode.context.files import list_files
from glmcode.context.index.place import index_file
from glmcode.context.index.snapshot import Snapshot, take_snapshot
from glmcode.context.index.store import MAX_SEGMENTS, Store, open_store
from glmcode.context.pack import pack
from tests.glmcode.context.conftest import Commit, Write, git

OLD = time.time() - 1000


def age(repo: Path) -> None:
    """Files changed just now are read again next time; these were not."""
    for path in list_files(repo):
        if (repo / path).is_file():
            os.utime(repo / path, (OLD, OLD))


def snapshot(store: Store, repo: Path) -> Snapshot:
    return take_snapshot(store, repo, list_files(repo))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index.sqlite")


def test_finds_the_files_that_hold_a_term(store: Store, repo: Path, write: Write) -> None:
    write({"a.py": "refund = count\nrefund()", "b.py": "count = 1", "copy.py": "count = 1"})
    found = snapshot(store, repo)
    assert dict(found.holding("refund")) == {"a.py": 2}
    assert dict(found.holding("count")) == {"a.py": 1, "b.py": 1, "copy.py": 1}
    assert dict(found.holding("nothing")) == {}


def test_reads_only_what_changed(store: Store, repo: Path, write: Write) -> None:
    write({f"m{n}.py": f"value_{n} = {n}" for n in range(20)})
    age(repo)
    assert snapshot(store, repo).scanned == 20
    assert snapshot(store, repo).scanned == 0
    write({"m3.py": "refund = 1", "new.py": "refund = 2"})
    (repo / "m4.py").unlink()
    after = snapshot(store, repo)
    assert after.scanned == 2
    assert dict(after.holding("refund")) == {"m3.py": 1, "new.py": 1}
    assert "m4.py" not in after.files


def test_a_change_of_the_same_size_within_the_same_moment_is_seen(store: Store, repo: Path, write: Write) -> None:
    write({"a.py": "refund = 1"})
    snapshot(store, repo)
    before = (repo / "a.py").stat()
    write({"a.py": "credit = 1"})
    os.utime(repo / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert dict(snapshot(store, repo).holding("credit")) == {"a.py": 1}


def test_what_is_not_read_has_a_reason(store: Store, repo: Path, write: Write) -> None:
    write({"a.py": "x = 1", "uv.lock": "x", "empty.py": "", "a.min.js": "x"})
    (repo / "data.bin").write_bytes(b"\0\1")
    (repo / "link.py").symlink_to("a.py")
    with (repo / "huge.py").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    assert snapshot(store, repo).left_out == {
        "uv.lock": "lock",
        "empty.py": "empty",
        "a.min.js": "minified",
        "data.bin": "binary",
        "link.py": "not a regular file",
        "huge.py": "large",
    }


def test_another_branch_costs_only_what_differs(store: Store, repo: Path, write: Write, commit: Commit) -> None:
    write({f"m{n}.py": f"value_{n} = {n}" for n in range(20)})
    commit("one")
    snapshot(store, repo)
    blobs = len(store.blobs())
    git(repo, "worktree", "add", "-q", "-b", "other", str(repo.parent / "other"))
    (repo.parent / "other/m1.py").write_text("refund = 1")
    found = snapshot(store, repo.parent / "other")
    assert dict(found.holding("refund")) == {"m1.py": 1}
    assert len(store.blobs()) == blobs + 1
    assert index_file(repo) == index_file(repo.parent / "other")


def test_segments_are_put_together_and_still_hold_everything(store: Store, repo: Path, write: Write) -> None:
    for n in range(MAX_SEGMENTS + 3):
        write({f"m{n}.py": f"count refund_{n}"})
        found = snapshot(store, repo)
    assert store.segments() <= MAX_SEGMENTS
    assert dict(found.holding("count")) == {f"m{n}.py": 1 for n in range(MAX_SEGMENTS + 3)}


def test_two_processes_share_the_work_of_many_files(store: Store, repo: Path, write: Write) -> None:
    write({f"d{n % 9}/m{n}.py": f"count = item_{n}\n" for n in range(1500)})
    found = snapshot(store, repo)
    assert len(dict(found.holding("count"))) == 1500
    assert dict(found.holding("777")) == {"d3/m777.py": 1}


@pytest.mark.parametrize("damage", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_index_is_made_anew(repo: Path, write: Write, damage: bytes) -> None:
    write({"refund.py": "refund = 1"})
    text = pack(repo, "refund", 2000).text
    file = index_file(repo)
    assert file.is_file()
    for other in file.parent.iterdir():
        other.unlink()
    file.write_bytes(damage)
    assert pack(repo, "refund", 2000).text == text
    with open_store(file) as store:
        assert store.blobs()


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE posting",
        "UPDATE history SET data='text, no bytes'",
        "UPDATE history SET data=CAST('[[1]]' AS BLOB)",
        "UPDATE detail SET data=x'00ff' WHERE hash LIKE 'tokens:%'",
        "UPDATE detail SET data=CAST('[[1]]' AS BLOB) WHERE hash LIKE 'pieces:%'",
        "UPDATE posting SET docs=x'0102'",
    ],
)
def test_rows_that_hold_something_else_are_survived_and_made_anew(
    repo: Path, write: Write, commit: Commit, damage: str
) -> None:
    write({"refund.py": "refund = 1"})
    commit("the refund")
    text = pack(repo, "refund", 2000).text
    for _ in range(2):
        with closing(sqlite3.connect(index_file(repo))) as db, db:
            db.execute(damage)
        assert pack(repo, "refund", 2000).text == text


def test_pages_overwritten_in_the_middle_are_survived(repo: Path, write: Write) -> None:
    write({f"m{n}.py": f"refund_{n} = order_{n}" for n in range(300)})
    text = pack(repo, "refund_7", 2000).text
    file = index_file(repo)
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(file.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    file.write_bytes(data)
    assert pack(repo, "refund_7", 2000).text == text


def test_an_index_of_another_version_is_made_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "i.sqlite") as db:
        db.execute("PRAGMA user_version=999")
        db.execute("CREATE TABLE blob (other)")
    with open_store(tmp_path / "i.sqlite") as store:
        assert store.blobs() == {}


def test_without_a_place_for_the_index_there_is_still_a_pack(
    repo: Path, write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    write({"refund.py": "refund = 1"})
    assert "refund = 1" in pack(repo, "refund", 2000).text


@pytest.mark.parametrize("files", [200, 700])
def test_two_first_packs_at_once_give_the_same(repo: Path, write: Write, files: int) -> None:
    write({f"m{n}.py": f"def refund_{n}(count):\n    return count * {n}\n" for n in range(files)})
    code = (
        "import sys; from pathlib import Path; from glmcode.context.pack import pack;"
        "sys.stdout.write(pack(Path(sys.argv[1]), 'refund_7 of a count', 3000).text)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(repo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    answers = [process.communicate(timeout=100) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], answers
    assert len({text for text, _ in answers}) == 1
    with open_store(index_file(repo)) as store:
        assert dict(snapshot(store, repo).holding("count")) == {f"m{n}.py": 2 for n in range(files)}
