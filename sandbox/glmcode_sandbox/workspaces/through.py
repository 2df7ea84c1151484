"""Writing the difference of two trees through the sandbox that runs on the files, one command a file.

For what must not be written from outside meanwhile: the upper folder of a layer while the layer is mounted. What runs
in the sandbox may get in the way of a command, even lead it through a link, but only to files that it could have
written itself; so look at the outcome afterwards.
"""

import os
import secrets
import shlex
from collections.abc import Iterable
from pathlib import Path

from glmcode_sandbox.clean import one_line
from glmcode_sandbox.files import FILE_TIMEOUT_S, RunsCommands
from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_sandbox.git.trees import TreeStore, parents
from glmcode_sandbox.threads import remove_folder


async def write_through(
    sandbox: RunsCommands, trees: TreeStore, pair: tuple[str, str], top: str, scratch: Path
) -> None:
    """Change the files below `top`, a folder as the sandbox knows it, from one tree (old, new) to another.

    `scratch` is a folder of ours for temporary files. Raises WorkspaceError, with some of the files written.
    """
    old, new = pair
    differences = await trees.differences(old, new)
    staged = scratch / f"staged-{secrets.token_hex(4)}"
    kept = {parent for item in differences if item.new is not None for parent in parents(item.path)}
    try:
        await trees.check_out(new, [item.path for item in differences if item.new is not None], staged, scratch)
        for item in differences:
            if item.new is None:
                emptied = [parent for parent in reversed(list(parents(item.path))) if parent not in kept]
                await _run(sandbox, top, item.path, _removing(item.path, emptied))
        for item in differences:
            if item.new is not None and item.new[0] == "120000":
                # Path.readlink would tidy the text of the link.
                target = os.readlink(staged / item.path)  # noqa: PTH115
                await _run(sandbox, top, item.path, _linking(item.path, target))
            elif item.new is not None:
                script = _putting(item.path, is_program=item.new[0] == "100755")
                await _run(sandbox, top, item.path, script, (staged / item.path).read_bytes())
    finally:
        await remove_folder(staged)


async def _run(sandbox: RunsCommands, top: str, path: str, script: str, stdin: bytes | None = None) -> None:
    whole = f"set -e\ncd -P -- {shlex.quote(top)}\n{script}"
    result = await sandbox.exec(whole, timeout_s=FILE_TIMEOUT_S, stdin=stdin)
    if result.exit_code != 0:
        words = result.note or one_line(result.output, 200) or f"exit code {result.exit_code}"
        raise WorkspaceError(f"{one_line(path, 200)}: {words}")


def _words(paths: Iterable[str]) -> str:
    return " ".join(map(_word, paths))


def _word(path: str) -> str:
    return shlex.quote(f"./{path}")


def _removing(path: str, emptied: Iterable[str]) -> str:
    return f'rm -f -- {_word(path)}\nfor d in {_words(emptied)}; do rmdir -- "$d" 2>/dev/null || break; done\n'


def _making_room(path: str) -> str:
    return f"""\
for d in {_words(parents(path))}; do
  if [ -L "$d" ]; then echo "$d is a link"; exit 1; fi
  [ -d "$d" ] || mkdir -- "$d"
done
if [ -d {_word(path)} ] && [ ! -L {_word(path)} ]; then rmdir -- {_word(path)}; fi
"""


def _linking(path: str, target: str) -> str:
    return f"{_making_room(path)}rm -f -- {_word(path)}\nln -s -- {shlex.quote(target)} {_word(path)}\n"


def _putting(path: str, *, is_program: bool) -> str:
    """A file from standard input, in one step. One that is there keeps its mode, but for who may execute it."""
    folder, file = _word(path.rpartition("/")[0]), _word(path)
    return f"""\
{_making_room(path)}t=$(mktemp {folder}/.glmcode.XXXXXX)
trap 'rm -f -- "$t"' EXIT
cat >"$t"
if [ -f {file} ] && [ ! -L {file} ]; then m=$(stat -c %a -- {file}); else m==rw; fi
chmod "$m" "$t"
chmod {"+x" if is_program else "a-x"} "$t"
mv -f -- "$t" {file}
"""
