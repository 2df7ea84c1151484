import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.files import list_files
from glmcode.context.index import postings
from glmcode.context.index.pruning import prune
from glmcode.context.index.snapshot import Snapshot, take_snapshot
from glmcode.context.index.store import Store
from tests.glmcode.context.conftest import Write


def snapshot(store: Store, repo: Path) -> Snapshot:
    return take_snapshot(store, repo, list_files(repo))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index.sqlite")


def versions(store: Store, repo: Path, write: Write, count: int) -> Snapshot:
    for n in range(count):
        write({"a.py": "".join(f"name_{n}_{m} = {m}\n" for m in range(2000)), "b.py": "refund = 1\n"})
        found = snapshot(store, repo)
    return found


def test_a_small_index_is_left_alone(store: Store, repo: Path, write: Write) -> None:
    versions(store, repo, write, 3)
    assert prune(store) == 0
    assert len(store.blobs()) == 4


def test_what_no_working_tree_holds_goes_until_the_index_is_small_enough(
    store: Store, repo: Path, write: Write
) -> None:
    versions(store, repo, write, 6)
    before = store.size()
    assert prune(store, before // 2) >= 3
    assert store.size() < before // 2
    after = snapshot(store, repo)
    assert after.scanned <= 2 and set(after.files) == {"a.py", "b.py"}
    assert dict(after.holding("refund")) == {"b.py": 1}
    assert dict(after.holding("name57")) == {"a.py": 1}
    assert [list(found) for found in store.postings(["name07", "name17"], {}).values()] == [[], []]


def test_what_was_left_longest_ago_goes_first(store: Store, repo: Path, write: Write) -> None:
    versions(store, repo, write, 4)
    hashes = [hash for hash, _ in sorted(store.blobs().items(), key=lambda one: one[1][0])]
    oldest, younger = hashes[0], hashes[2]
    now = int(time.time())
    store.mark_left([oldest], now - 10)
    store.mark_left([younger], now - 1000)
    assert prune(store, int(store.size() * 0.95)) >= 1
    assert younger not in store.blobs()


def test_what_is_kept_of_a_dropped_blob_goes_with_it(store: Store, repo: Path, write: Write) -> None:
    versions(store, repo, write, 4)
    [first, *_] = sorted(store.blobs(), key=lambda hash: store.blobs()[hash][0])
    store.set_details([(f"pieces:{first}", b"[]"), (f"tokens:{first}", b"x")])
    prune(store, 1)
    assert store.details([f"pieces:{first}", f"tokens:{first}"]) == {}


def test_a_folder_that_is_gone_holds_nothing(store: Store, repo: Path, write: Write) -> None:
    versions(store, repo, write, 1)
    repo.rename(repo.parent / "moved")
    assert prune(store, 1) == 2
    assert store.blobs() == {}


TERMS = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1),
    st.lists(st.integers(0, 2**32 - 1), min_size=1),
)


@given(TERMS, st.text(max_size=5))
def test_buckets_give_back_what_was_put_in(terms: dict[str, list[int]], other: str) -> None:
    written = {term: b"".join(entry.to_bytes(4, "little") for entry in entries) for term, entries in terms.items()}
    bucket = postings.write(written)
    assert postings.read(bucket) == written
    for term, entries in written.items():
        assert postings.find(bucket, term) == entries
    if other not in terms and "\n" not in other:
        assert postings.find(bucket, other) == b""


@given(st.binary(max_size=200))
def test_a_damaged_bucket_is_told(data: bytes) -> None:
    try:
        postings.find(data, "refund")
    except ValueError as error:
        assert "damaged" in str(error)
