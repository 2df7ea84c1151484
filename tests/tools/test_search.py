"""The glob and grep tools, on real folders."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from glmcode_sandbox.local import LocalSandbox
from glmcode_tools.base import ToolContext
from glmcode_tools.glob import GlobArguments, GlobTool
from glmcode_tools.globbing import PathPattern
from glmcode_tools.grep import GrepArguments, GrepTool, parse_hits
from tests.tools.conftest import write_files

FILES = {
    "src/a.py": "def alpha():\n    return 1\n",
    "src/deep/b.py": "x = alpha()\ny = 2\nz = ALPHA\n",
    "README.md": "alpha (beta)\n",
    "-dash.txt": "alpha dash\n",
    "build/out.py": "alpha = ignored\n",
    ".gitignore": "build/\n",
}


@pytest.fixture
def tree(repository: Path) -> Path:
    write_files(repository, FILES)
    return repository


@pytest.fixture
def git_tree(tree: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    subprocess.run(["git", "add", "src"], cwd=tree, check=True)
    return tree


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        ("*.py", ["a.py", "src/a.py"], ["a.pyc", "a.py/x"]),
        ("src/*.py", ["src/a.py"], ["src/d/a.py", "a.py"]),
        ("src/**/*.py", ["src/a.py", "src/d/e/a.py"], ["lib/a.py"]),
        ("**/t?st_[ab]*.{py,js}", ["test_a1.py", "x/tast_b.js"], ["test_c.py", "x/test_a.ts"]),
        ("[!a]*", ["b", "x/b"], ["a"]),
        ("src/**", ["src/a", "src/b/c"], ["srcx"]),
        ("a+b(1).py", ["a+b(1).py"], ["aab1.py"]),
        ("**.py", ["a.py", "x/y/a.py"], ["a.pyc"]),
        ("{src/{a,b},lib/**}/x*y*z", ["src/a/xyz", "src/b/x1y2zz", "lib/d/e/xyyz"], ["src/x/xyz", "lib/xzy"]),
        ("*ab*ab*b", ["ababb", "x/abxabyb"], ["abb", "aba"]),
        ("./a/**/b/**/c", ["a/b/c", "a/x/b/b/y/c"], ["a/c", "b/c"]),
    ],
)
def test_patterns(pattern: str, matches: list[str], others: list[str]) -> None:
    path_pattern = PathPattern(pattern)
    assert [m for m in matches if path_pattern.matches(m)] == matches
    assert not [o for o in others if path_pattern.matches(o)]


@given(st.text(alphabet="ab*?[]{},!^/\\-.", max_size=12))
def test_any_pattern_compiles_or_is_refused(pattern: str) -> None:
    try:
        PathPattern(pattern)
    except ValueError as error:
        assert str(error)


def test_no_pattern_takes_longer_than_its_path_is_long() -> None:
    path = "/".join(["a" * 60] * 60)
    for pattern in ("**/*a*a*a*a*a*a*a*a*a*b", "**/*a*/" * 30 + "b", "{**/,*a*a*/,a*/}" * 5 + "b"):
        began = time.process_time()
        assert not PathPattern(pattern).matches(path)
        assert time.process_time() - began < 3
    with pytest.raises(ValueError, match="more than 256"):
        PathPattern("{a,b}" * 30)


_ONE_PART = st.lists(st.sampled_from(["a", "b", "?", "*a", "*b", "*?"]), min_size=1, max_size=3).map("".join)
_PATTERN_PART = st.just("**") | st.just("*") | _ONE_PART | _ONE_PART.map(lambda part: f"{part}*")
_PATH = st.lists(st.text(alphabet="ab", min_size=1, max_size=4), min_size=1, max_size=5).map("/".join)


@given(st.lists(_PATTERN_PART, min_size=1, max_size=4).map("/".join), _PATH)
def test_a_pattern_of_stars_matches_what_the_plain_translation_does(pattern: str, path: str) -> None:
    plain = re.sub(r"\*\*/|\*\*|\*|\?", lambda found: _PLAIN[found[0]], pattern)
    prefix = "(?:.*/)?" if "/" not in pattern else ""
    assert PathPattern(pattern).matches(path) == bool(re.fullmatch(prefix + plain, path))


_PLAIN = {"**/": "(?:.*/)?", "**": ".+", "*": "[^/]*", "?": "[^/]"}


async def glob(context: ToolContext, pattern: str, path: str = ".") -> str:
    return (await GlobTool().run(GlobArguments(pattern=pattern, path=path), context)).text


@pytest.mark.usefixtures("git_tree")
async def test_git_decides_what_is_listed(context: ToolContext) -> None:
    assert await glob(context, "*.py") == "src/a.py\nsrc/deep/b.py"
    assert await glob(context, "*.md") == "README.md"
    assert await glob(context, "deep/*.py", "src") == "src/deep/b.py"


@pytest.mark.usefixtures("git_tree")
async def test_ignored_files_are_found_last(context: ToolContext) -> None:
    assert await glob(context, "out.py") == "ignored by git or outside it: \nbuild/out.py"


async def test_deleted_files_are_not_listed(git_tree: Path, context: ToolContext) -> None:
    (git_tree / "src/a.py").unlink()
    assert await glob(context, "*.py") == "src/deep/b.py"


async def test_folder_without_git_is_walked(tree: Path, context: ToolContext) -> None:
    (tree / os.fsdecode(b"odd\xff\n.py")).write_text("")
    found = (await glob(context, "*.py")).splitlines()
    assert "build/out.py" in found
    assert "$'odd\\377\\012.py'" in found


@pytest.mark.usefixtures("tree")
async def test_no_match_and_bad_places(context: ToolContext) -> None:
    assert await glob(context, "*.zig") == "No file matches '*.zig'."
    assert "no 'nowhere'" in await glob(context, "*", "nowhere")
    assert "outside" in await glob(context, "*", "..")
    assert "outside" in await glob(context, "*", "/etc")
    assert "brace" in await glob(context, "{a")


async def test_many_files_are_capped(repository: Path, context: ToolContext) -> None:
    write_files(repository, {f"f{i:03}.txt": "" for i in range(250)})
    text = await glob(context, "*.txt")
    assert text.splitlines()[-1] == "[200 of 250 files; narrow the pattern or give a path]"


@pytest_asyncio.fixture(params=["rg", "grep", "posix grep"])
async def searcher(request: pytest.FixtureRequest, tree: Path, tmp_path: Path) -> AsyncIterator[ToolContext]:
    """Places with ripgrep, with GNU grep only, and with a grep that knows no Perl expressions."""
    if request.param == "rg" and shutil.which("rg") is None:
        pytest.skip("no ripgrep here")
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name != "rg" or request.param == "rg":
            (folder / program.name).symlink_to(program)
    if request.param == "posix grep":
        (folder / "grep").unlink()
        script = '#!/bin/sh\ncase "$1" in -*P*) exit 2 ;; esac\nexec /usr/bin/grep "$@"\n'
        (folder / "grep").write_text(script)
        (folder / "grep").chmod(0o755)
    sandbox = LocalSandbox([], str(tree), env={"PATH": str(folder)})
    await sandbox.start()
    try:
        yield ToolContext(sandbox=sandbox)
    finally:
        await sandbox.close()


async def grep(place: ToolContext, pattern: str, /, **options: object) -> str:
    return (await GrepTool().run(GrepArguments.model_validate({"pattern": pattern} | options), place)).text


async def test_matches_come_by_file_with_numbers(searcher: ToolContext) -> None:
    assert (
        await grep(searcher, r"alpha\(", path="src")
        == "src/a.py\n     1: def alpha():\nsrc/deep/b.py\n     1: x = alpha()"
    )


async def test_case_glob_context_and_single_files(searcher: ToolContext) -> None:
    assert await grep(searcher, "alpha", path="src", ignore_case=True, glob="b.py") == (
        "src/deep/b.py\n     1: x = alpha()\n     3: z = ALPHA"
    )
    assert await grep(searcher, r"y = \d", path="src/deep/b.py", context=1) == (
        "src/deep/b.py\n     1- x = alpha()\n     2: y = 2\n     3- z = ALPHA"
    )
    assert await grep(searcher, "alpha", path="-dash.txt") == "-dash.txt\n     1: alpha dash"


async def test_nothing_wrong_and_outside(searcher: ToolContext) -> None:
    assert await grep(searcher, "nothing_like_it") == "No matches."
    assert "outside" in await grep(searcher, "root", path="/etc/passwd")
    bad = await GrepTool().run(GrepArguments(pattern="alpha("), searcher)
    assert bad.is_error
    assert "The search failed" in bad.text


async def test_pattern_is_never_an_option_or_a_command(tree: Path, searcher: ToolContext) -> None:
    assert await grep(searcher, "--files") == "No matches."
    assert await grep(searcher, "$(touch made)`touch made`'; touch made") == "No matches."
    assert not (tree / "made").exists()


async def test_links_that_lead_outside_are_refused(tree: Path, searcher: ToolContext) -> None:
    (tree / "leak").symlink_to("/etc/passwd")
    assert "outside" in await grep(searcher, "root", path="leak")


@pytest.mark.usefixtures("tree")
async def test_lookaround_works_with_ripgrep(context: ToolContext) -> None:
    if shutil.which("rg") is None:
        pytest.skip("no ripgrep here")
    assert await grep(context, r"alpha(?= dash)") == "-dash.txt\n     1: alpha dash"


async def test_many_matches_are_capped(repository: Path, context: ToolContext) -> None:
    write_files(repository, {"big.txt": "hit\n" * 900})
    assert (await grep(context, "hit")).endswith("[150 of 900 matches in 1 files; narrow the pattern, path or glob]")


@given(st.binary(max_size=300))
def test_any_output_is_parsed(data: bytes) -> None:
    hits = parse_hits(data)
    assert hits.matches == sum(is_match for found in hits.files.values() for _, is_match, _ in found)
