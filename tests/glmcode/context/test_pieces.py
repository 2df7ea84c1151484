import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode.context.files import list_files
from glmcode.context.index.grammars import LANGUAGES, definitions
from glmcode.context.index.outlines import Outlines
from glmcode.context.index.pieces import MAX_PIECE_LINES, pieces_of
from glmcode.context.index.snapshot import take_snapshot
from glmcode.context.index.store import Store
from tests.glmcode.context.conftest import Write

PYTHON = b"import os\n\n\n@cached\ndef one():\n    return 1\n\n\nclass Two:\n    x = 1\n" + b"".join(
    b"\n    def m%d(self):\n        return %d\n" % (n, n) for n in range(12)
)
DEFINITIONS = {
    "a.py": (b"def one():\n    return 1\n", "one"),
    "a.js": (b"export function one() {\n  return 1\n}\n", "one"),
    "a.ts": (b"interface One {\n  a: number\n}\n", "One"),
    "a.tsx": (b"const One = () => {\n  return <a/>\n}\n", "One"),
    "a.go": (b"package a\n\nfunc (s *S) One() int {\n\treturn 1\n}\n", "One"),
    "a.rs": (b"impl One {\n    fn x() {}\n}\n", "One"),
    "a.java": (b"class One {\n  int x;\n}\n", "One"),
    "a.kt": (b"fun one(): Int {\n  return 1\n}\n", "one"),
    "a.scala": (b"object One {\n  val x = 1\n}\n", "One"),
    "a.c": (b"static int *one(int a)\n{\n  return 0;\n}\n", "one"),
    "a.cpp": (b"int A::one(int a) {\n  return 0;\n}\n", "one"),
    "a.cs": (b"class One {\n  int x;\n}\n", "One"),
    "a.rb": (b"def one\n  1\nend\n", "one"),
    "a.php": (b"<?php\nfunction one() {\n  return 1;\n}\n", "one"),
    "a.swift": (b"func one() -> Int {\n  return 1\n}\n", "one"),
    "a.lua": (b"function one()\n  return 1\nend\n", "one"),
    "a.sh": (b"one() {\n  echo 1\n}\n", "one"),
    "a.sql": (b"CREATE TABLE one (\n  a int\n);\nCREATE VIEW two AS\n  SELECT 1;\n", "one two"),
    "b.go": (b"package a\n\ntype One struct {\n\tA int\n}\n\ntype (\n\tTwo interface {\n\t}\n)\n", "One Two"),
    "b.js": (
        b"exports.one = function (a) {\n  return 1\n}\nA.prototype.two = () => {\n}\n"
        b"x = {\n  three: function () {\n  }\n}\n"
        b"class B {\n  four = () => {\n  }\n}\n",
        "one two three B four",
    ),
    "b.ts": (
        b"const one: Type<A> = {\n  a: 1,\n}\nnamespace Two {\n}\nclass B {\n  c = () => {\n  }\n}\n",
        "one Two B c",
    ),
    "b.lua": (b"M.one = function (a)\n  return a\nend\n", "one"),
    "a.html": (b'<body>\n<div class="x" id="one">\n<p>\n</p>\n</div>\n</body>\n', "one"),
    "a.css": (b"#one, a:hover {\n  b: c;\n}\n@media print {\n  .two {\n  }\n}\n", "one two"),
    "a.yaml": (b"one:\n  two:\n    - 1\nthree: 3\n", "one two"),
    "a.toml": (b"[a.one]\nb = 1\n[[two]]\nc = 1\n", "one two"),
    "a.json": (b'{\n  "one": {\n    "two": [\n    ]\n  }\n}\n', "one two"),
    "a.md": (b"# One\n\na\n\n## Two\n\nb\n", "One Two"),
}


@pytest.mark.parametrize("path", DEFINITIONS)
def test_definitions_are_found_with_their_names(path: str) -> None:
    data, names = DEFINITIONS[path]
    language = LANGUAGES[path.partition(".")[2]]
    found = {one.name for one in definitions(language, data)}
    assert set(names.split()) <= found
    assert not found & {"struct", "interface", "Type", "AS", "hover", "function"}


@pytest.mark.parametrize("ending", sorted(LANGUAGES))
def test_every_grammar_loads_and_cuts(ending: str) -> None:
    data = b"one = 1\n\n\ntwo = 2\n"
    assert [(piece.first, piece.last) for piece in pieces_of(f"a.{ending}", data)][-1][1] == 4


def test_functions_are_whole_with_their_decorators_and_classes_have_a_head() -> None:
    found = {(piece.inside, piece.name): (piece.first, piece.last) for piece in pieces_of("a.py", PYTHON)}
    assert found["", ""] == (1, 3)
    assert found["", "one"] == (4, 8)
    assert found["", "Two"] == (9, 11)
    assert found["Two", "m0"] == (12, 14)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["def a():", "    x = 1", "class B:", "", "# c", "@d", "}", '"""', "    def e(self):"])),
    st.sampled_from(["a.py", "a.js", "a.txt", "a.md", "a.unknown"]),
)
def test_the_pieces_of_a_file_are_all_its_lines_in_order(lines: list[str], path: str) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    found = pieces_of(path, data)
    assert [line for piece in found for line in range(piece.first, piece.last + 1)] == list(range(1, len(lines) + 1))


def test_a_long_function_is_cut() -> None:
    data = b"def f():\n" + b"    x = 1\n" * 400
    found = pieces_of("a.py", data)
    assert max(piece.last - piece.first + 1 for piece in found) <= MAX_PIECE_LINES
    assert {piece.name for piece in found} == {"f"}


def outlines(tmp_path: Path, repo: Path) -> tuple[Outlines, list[tuple[str, str]]]:
    store = Store(tmp_path / "index.sqlite")
    files = take_snapshot(store, repo, list_files(repo)).files
    return Outlines(store, repo), [(path, file.hash) for path, file in files.items()]


def test_only_what_changed_is_parsed(tmp_path: Path, repo: Path, write: Write) -> None:
    write({f"m{n}.py": f"def f{n}():\n    return {n}\n" for n in range(10)})
    first, files = outlines(tmp_path, repo)
    assert {piece.name for pieces in first.of(files).values() for piece in pieces} == {f"f{n}" for n in range(10)}
    assert first.parsed == 10
    write({"m3.py": "def changed():\n    return 3\n", "new.py": "def new():\n    return 4\n"})
    again, files = outlines(tmp_path, repo)
    assert "changed" in {piece.name for pieces in again.of(files).values() for piece in pieces}
    assert again.parsed == 2


def test_a_grammar_that_stalls_is_stopped_and_the_file_cut_by_its_lines(
    tmp_path: Path, repo: Path, write: Write
) -> None:
    write(
        {
            "a.py": "def f():\n    return 1\n",
            "b.py": "x = [" + "[" * 100_000 + "\n" * 200,
            "c.py": "def g():\n    pass\n",
        }
    )
    store = Store(tmp_path / "index.sqlite")
    files = take_snapshot(store, repo, list_files(repo)).files
    began = time.monotonic()
    # No time at all: whatever is under way when the time is over is cut by its lines.
    found = Outlines(store, repo, limit_s=0.0).of([(path, file.hash) for path, file in files.items()])
    assert time.monotonic() - began < 60
    assert set(found) == {file.hash for file in files.values()}
    assert all(pieces for pieces in found.values())


def test_a_file_that_is_gone_is_missing_and_the_others_are_not(tmp_path: Path, repo: Path, write: Write) -> None:
    write({"a.py": "def f():\n    return 1\n", "b.py": "def g():\n    return 1\n"})
    found, files = outlines(tmp_path, repo)
    (repo / "a.py").unlink()
    assert [piece.name for pieces in found.of(files).values() for piece in pieces] == ["g"]


def test_a_name_is_the_same_in_every_parse() -> None:
    lines = [f"const read_{n} = async function* (blob) {{\n  yield blob;\n}};\n" for n in range(40)]
    found = pieces_of("a.js", "\n".join(lines).encode())
    assert [piece.name for piece in found if piece.name] == [f"read_{n}" for n in range(40)]


def test_an_edit_is_parsed_early_only_where_the_file_was_parsed_before(
    tmp_path: Path, repo: Path, write: Write
) -> None:
    write({"a.py": "def a():\n    return 1\n", "b.py": "def b():\n    return 2\n"})
    store = Store(tmp_path / "index.sqlite")
    before = take_snapshot(store, repo, list_files(repo)).files
    Outlines(store, repo).of([("a.py", before["a.py"].hash)])
    write({"a.py": "def aa():\n    return 1\n", "b.py": "def bb():\n    return 2\n", "c.py": "def c(): pass\n"})
    fresh = take_snapshot(store, repo, list_files(repo)).fresh
    assert {file.path for file in fresh} == {"a.py", "b.py", "c.py"}
    again = Outlines(store, repo)
    again.prepare_again((file.path, file.hash, before.get(file.path)) for file in fresh)
    assert again.parsed == 1
    found = again.of([(file.path, file.hash) for file in fresh])
    assert {piece.name for pieces in found.values() for piece in pieces} == {"aa", "bb", "c"}
    assert again.parsed == 3
