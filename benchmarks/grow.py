"""Grows a repository out of real ones: their source files over and over, each copy with some of its names changed.

    python -m benchmarks.grow --to DIR --files 50000 SOURCE...

A fifth of the names of a copy get a suffix of their own, so the vocabulary grows with the files as in reality, and no
two copies are the same blob. The result has one commit.
"""

import argparse
import re
import subprocess
from pathlib import Path
from zlib import crc32

from glmcode.context.files import list_files
from glmcode.context.index.kinds import is_code, kind_by_name

_NAME = re.compile(r"\b[A-Za-z_][A-Za-z_0-9]{4,}\b")
CHANGED = 5
"""One name in so many."""
MAX_BYTES = 60_000


def main() -> None:
    """Write the files and commit them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("sources", type=Path, nargs="+")
    options = parser.parse_args()
    files = [
        (source, path)
        for source in options.sources
        for path in list_files(source)
        if is_code(path) and kind_by_name(path) == "source" and 0 < (source / path).stat().st_size < MAX_BYTES
    ]
    for number in range(options.files):
        copy, at = divmod(number, len(files))
        source, path = files[at]
        target = options.to / f"{source.name}_{copy}" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (source / path).read_text("utf-8", "replace")
        target.write_text(renamed(text, copy) if copy else text, "utf-8")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "grow"],
    ):
        subprocess.run(["git", *command], cwd=options.to, check=True)


def renamed(text: str, copy: int) -> str:
    """The text with every fifth name changed, another fifth for each copy."""

    def name(match: "re.Match[str]") -> str:
        word = match.group()
        chosen = crc32(word.encode()) % CHANGED == copy % CHANGED
        return f"{word}_{_letters(copy)}" if chosen else word

    return _NAME.sub(name, text)


def _letters(number: int) -> str:
    found = ""
    while number:
        number, digit = divmod(number, 26)
        found += chr(ord("a") + digit)
    return f"q{found}x"


if __name__ == "__main__":
    main()
