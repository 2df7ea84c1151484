"""The read and write tools."""

import os
from pathlib import Path

import pytest

from glmcode_tools.base import ToolContext
from glmcode_tools.read import ReadArguments, ReadTool
from glmcode_tools.write import WriteArguments, WriteTool
from tests.fakes import FakeSandbox
from tests.tools.conftest import write_files


def fake(**files: bytes | str) -> ToolContext:
    return ToolContext(sandbox=FakeSandbox({name.replace("__", "."): data for name, data in files.items()}))


async def test_lines_are_numbered() -> None:
    output = await ReadTool().run(ReadArguments(path="/work/repository/a.py"), fake(a__py="one\n\ttwo\n"))
    assert output.text == "     1\tone\n     2\t\ttwo"
    assert output.summary == "read a.py (2 lines)"


async def test_part_of_a_file_says_how_to_go_on() -> None:
    data = "".join(f"l{i}\n" for i in range(1, 101))
    output = await ReadTool().run(ReadArguments(path="a.py", offset=11, limit=5), fake(a__py=data))
    assert output.text.startswith("    11\tl11\n")
    assert output.text.endswith("    15\tl15\n[lines 11-15 of 100; go on with offset=16]")


async def test_large_file_stops_within_bounds() -> None:
    output = await ReadTool().run(ReadArguments(path="a.py"), fake(a__py="x" * 90 + "\n" + ("y" * 90 + "\n") * 5000))
    assert len(output.text) < 52_000
    assert "go on with offset=" in output.text


async def test_offset_past_the_end_is_an_error() -> None:
    output = await ReadTool().run(ReadArguments(path="a.py", offset=3), fake(a__py="x\n"))
    assert output.is_error
    assert "only 1 lines" in output.text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "a.txt is empty."),
        (b"a\r\nb\r\n", "     1\ta\n     2\tb\n[CRLF line endings]"),
        ("ä\n".encode("latin-1"), "     1\tä\n[encoding latin-1]"),
        ("a\u202eb\n".encode(), "     1\ta<U+202E>b\n[<U+...> stands for an invisible or control character]"),
        (b"\x89PNG\0\0\xff", "a.txt is not text: a PNG image, 7 bytes."),
    ],
)
async def test_odd_contents_are_told(data: bytes, text: str) -> None:
    output = await ReadTool().run(ReadArguments(path="a.txt"), fake(a__txt=data))
    assert output.text == text


async def test_folder_is_listed(repository: Path, context: ToolContext) -> None:
    write_files(repository, {"-src/a.py": "", "-src/.hidden": "", "-src/sub/b.py": ""})
    (repository / "-src" / os.fsdecode(b"\xff\n")).write_text("")
    output = await ReadTool().run(ReadArguments(path="-src"), context)
    assert not output.is_error
    assert "-src/ is a folder:\n" in output.text
    assert {".hidden", "a.py", "sub/"} <= set(output.text.splitlines())


async def test_real_files_with_odd_names_are_read_and_written(repository: Path, context: ToolContext) -> None:
    for name in ("-n", "with space", "line\nfeed", "quote'\"$(x)", "a/b/c.txt"):
        written = await WriteTool().run(WriteArguments(path=name, content="text\n"), context)
        assert not written.is_error, written.text
        assert (repository / name).read_text() == "text\n"
        assert (await ReadTool().run(ReadArguments(path=name), context)).text == "     1\ttext"


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "link"])
async def test_files_outside_are_refused(repository: Path, context: ToolContext, path: str) -> None:
    (repository / "link").symlink_to("/etc/passwd")
    assert (await ReadTool().run(ReadArguments(path=path), context)).is_error
    assert (await WriteTool().run(WriteArguments(path=path, content="x"), context)).is_error
    assert not (repository.parent / "outside").exists()


async def test_new_file_is_created() -> None:
    context = fake()
    output = await WriteTool().run(WriteArguments(path="a.py", content="x\ny\n"), context)
    assert output.text == "Created a.py (2 lines)."
    assert output.details == {
        "path": "a.py",
        "created": True,
        "added": 2,
        "removed": 0,
        "diff": "--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,2 @@\n+x\n+y\n",
    }


async def test_replaced_file_is_told_and_keeps_endings() -> None:
    context = fake(a__py="one\r\ntwo\r\n")
    output = await WriteTool().run(WriteArguments(path="a.py", content="one\n2\n"), context)
    assert output.text == "Replaced the 2 lines of a.py with 2 (+1 -1). Kept its CRLF line endings."
    assert await context.sandbox.read_file("a.py", max_bytes=99) == b"one\r\n2\r\n"


async def test_same_content_is_no_change() -> None:
    output = await WriteTool().run(WriteArguments(path="a.py", content="x\n"), fake(a__py="x\n"))
    assert "already has exactly this content" in output.text


async def test_folder_cannot_be_written() -> None:
    output = await WriteTool().run(WriteArguments(path="src", content="x"), ToolContext(FakeSandbox({"src/a": ""})))
    assert output.is_error
