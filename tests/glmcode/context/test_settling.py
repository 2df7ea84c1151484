import fcntl
import os
import subprocess
import sys
from array import array
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.files import list_files
from glmcode.context.index.counting import Finder, by_term, words_of
from glmcode.context.index.forward import Forward, search
from glmcode.context.index.place import index_file
from glmcode.context.index.settling import lock_file, settle, settle_later
from glmcode.context.index.snapshot import take_snapshot
from glmcode.context.index.store import Store, open_store
from glmcode.context.index.words import WORD, terms
from glmcode.context.pack import pack
from tests.glmcode.context.conftest import Write

MANY = 700
TEXTS = st.one_of(st.text(alphabet="abS9_ é\n退款ÿ.-", max_size=200), st.text(), st.just("x" * 200 + "é" * 90))


@given(st.one_of(TEXTS.map(str.encode), st.binary()))
def test_the_words_of_bytes_are_those_of_the_text(data: bytes) -> None:
    counts, words = words_of(data)
    found = WORD.findall(data.decode("utf-8", "replace"))
    assert words == len(found)
    assert {word.decode(): times for word, times in counts.items()} == Counter(found)


@given(st.lists(TEXTS.map(WORD.findall), max_size=3))
def test_the_terms_of_a_vocabulary_are_those_of_its_words(texts: list[list[str]]) -> None:
    vocabulary = [*dict.fromkeys(word for words in texts for word in words)]
    expected: dict[str, set[int]] = {}
    for at, word in enumerate(vocabulary):
        for term in filter(None, terms(word)):
            expected.setdefault(term, set()).add(at)
    found = by_term(vocabulary)
    assert {term: set(places) for term, places in found.items()} == expected
    assert all(len(places) == len(set(places)) for places in found.values())
    wanted = {*list(expected)[::2], "nothing"}
    hits = {at: tuple(term for term in terms(word) if term in wanted) for at, word in enumerate(vocabulary)}
    assert Finder(wanted).find(vocabulary) == {at: own for at, own in hits.items() if own}


def forward() -> Forward:
    found = Forward()
    for number in range(1, 5):
        found.add(number, b"refund order_%d refund Count\n" % number + b"many " * 300)
    return found


def test_what_a_scan_found_is_read_as_it_was_written() -> None:
    found = {term: array("I") for term in ("refund", "ord", "3", "man", "nothing")}
    search([Forward.read(forward().write())], found)
    assert {term: list(entries) for term, entries in found.items()} == {
        "refund": [1 << 8 | 2, 2 << 8 | 2, 3 << 8 | 2, 4 << 8 | 2],
        "ord": [1 << 8 | 1, 2 << 8 | 1, 3 << 8 | 1, 4 << 8 | 1],
        "3": [3 << 8 | 1],
        "nothing": [],
        "man": [1 << 8 | 255, 2 << 8 | 255, 3 << 8 | 255, 4 << 8 | 255],
    }


@pytest.mark.parametrize("data", [b"", b"1", forward().write()[:-1], forward().write() + b"x", b"\xff" * 40])
def test_a_damaged_one_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        Forward.read(data)


def test_a_term_is_found_the_same_before_and_after_settling(tmp_path: Path, repo: Path, write: Write) -> None:
    write({f"d{n % 9}/m{n}.py": f"refundTotal = item_{n} + Refund\n" for n in range(MANY)})
    asked = ["refund", "refundtotal", "total", "77", "nothing"]
    with open_store(tmp_path / "i.sqlite") as store:
        found = take_snapshot(store, repo, list_files(repo))
        assert store.unsettled() and not store.segments()
        before = {term: sorted(own) for term, own in found.holders(asked)}
        settle(store)
        assert not store.unsettled() and store.segments()
        assert {term: sorted(own) for term, own in found.holders(asked)} == before
        assert len(before["refund"]) == MANY and len(before["77"]) == 1


@pytest.mark.parametrize("terms", [("refund", "refundtotal", "nothing"), ("refund",), ()])
def test_what_a_scan_was_asked_for_is_found_as_if_it_were_looked_for_afterwards(
    tmp_path: Path, repo: Path, write: Write, terms: tuple[str, ...]
) -> None:
    write({f"d{n % 9}/m{n}.py": f"refundTotal = item_{n} + Refund\n" for n in range(2 * MANY)})
    asked = ["refund", "refundtotal", "nothing"]
    names = list_files(repo)
    with open_store(tmp_path / "i.sqlite") as store:
        # A scan of another process, which nobody asked this one for.
        take_snapshot(store, repo, names[::2])
        found = take_snapshot(store, repo, names, terms=terms)
        assert found.searched and all(set(hits) == set(terms) for hits in found.searched.values())
        assert len(found.searched) < len(store.unsettled())
        looked_for = {term: sorted(own) for term, own in take_snapshot(store, repo, names).holders(asked)}
        assert {term: sorted(own) for term, own in found.holders(asked)} == looked_for
        assert len(looked_for["refundtotal"]) == 2 * MANY
        settle(store)
        assert {term: sorted(own) for term, own in found.holders(asked)} == looked_for


def test_a_scan_that_took_the_place_of_one_that_is_settled_is_not_taken_for_it(tmp_path: Path) -> None:
    with open_store(tmp_path / "i.sqlite") as store:
        with store.writing():
            searched = {store.add_unsettled(forward().write()): {"ord": array("I", [9 << 8 | 1])}}
        settle(store)
        with store.writing():
            store.add_unsettled(forward().write())
        assert sorted(store.postings(["ord"], searched)["ord"]) == sorted([n << 8 | 1 for n in (1, 2, 3, 4)] * 2)


def test_a_pack_leaves_the_settling_to_a_process_that_ends(repo: Path, write: Write) -> None:
    write({f"m{n}.py": f"def refund_{n}(count):\n    return count\n" for n in range(MANY)})
    text = pack(repo, "refund_7 of a count", 3000).text
    with lock_file(index_file(repo)).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    with open_store(index_file(repo)) as store:
        assert not store.unsettled() and store.segments()
    assert pack(repo, "refund_7 of a count", 3000).text == text


def test_one_process_settles_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "i.sqlite"
    with open_store(file) as store, store.writing():
        store.add_unsettled(forward().write())
    with lock_file(file).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settle_later(file)
        with open_store(file) as store:
            assert store.unsettled()
    settle_later(file)
    with lock_file(file).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    with open_store(file) as store:
        assert not store.unsettled()


def test_two_at_once_settle_each_scan_once(tmp_path: Path) -> None:
    file = tmp_path / "i.sqlite"
    with open_store(file) as store, store.writing():
        for _ in range(6):
            store.add_unsettled(forward().write())
    command = [sys.executable, "-P", "-m", "glmcode.context.index.settling", os.fspath(file)]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    with open_store(file) as store:
        assert not store.unsettled() and store.segments() == 6
        assert len(store.postings(["ord"], {})["ord"]) == 6 * 4


def test_no_index_is_made_where_it_went_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "gone" / "i.sqlite"
    command = [sys.executable, "-P", "-m", "glmcode.context.index.settling", os.fspath(file)]
    assert subprocess.run(command, check=False).returncode == 0
    assert not file.parent.exists()


def test_an_in_memory_index_is_settled_where_it_is(repo: Path, write: Write) -> None:
    write({f"m{n}.py": f"refund_{n}\n" for n in range(MANY)})
    store = Store(Path(":memory:"))
    found = take_snapshot(store, repo, list_files(repo))
    assert len(found.holding("refund")) == MANY
