"""What a commit would do to one file, in a few words."""

from glmcode.tui.texts import text
from glmcode_sandbox.git.trees import FileChange


def change_text(change: FileChange) -> str:
    """What becomes of a file, in a few words."""
    if change.added is None or change.status == "deleted":
        return text(f"commit.{change.status}")
    return f"{text(f'commit.{change.status}')} +{change.added} -{change.removed}"
