"""What a hunk is, in words and in rows of a patch: for the screen of the review and for the plain face."""

from glmcode.review.hunks import Hunk, ReviewFile
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line
from glmcode_tools.filetext import visible


def lines_place(hunk: Hunk) -> str:
    """Which lines of the new file it has."""
    return text("review.place", first=hunk.new_start, last=hunk.new_start + max(0, hunk.new_count - 1))


def hunk_place(file: ReviewFile, hunk: Hunk) -> str:
    """Where it is, or what becomes of the whole file."""
    match hunk.kind:
        case "mode":
            assert file.new is not None
            return text("review.executable" if file.new[0] == "100755" else "review.not_executable")
        case "whole":
            kind = "binary" if file.is_binary else "link" if file.is_link else file.status
            return text(f"review.whole_{kind}", lines=len(hunk.lines))
        case "lines":
            heading = f"  {one_line(hunk.heading, 60)}" if hunk.heading.strip() else ""
            return lines_place(hunk) + heading


def patch_rows(kind: str, line: str) -> list[str]:
    """A line as a patch has it. What cannot be seen is written out, but for the line feed behind a carriage return."""
    bare = line.removesuffix("\n").removesuffix("\r")
    end = [] if line.endswith("\n") else [text("review.no_newline")]
    shown = visible(bare.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return [f"{kind}{shown}", *(f"\\ {each}" for each in end)]
