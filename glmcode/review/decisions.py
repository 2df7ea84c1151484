"""What a person decides about the hunks of a review."""

from typing import Annotated, Literal

from pydantic import Field

from glmcode.review.hunks import Hunk, Review, ReviewFile
from glmcode_engine.messages import Value


class Accept(Value):
    """The hunk stays as the model wrote it."""

    kind: Literal["accept"] = "accept"


class Refuse(Value):
    """The hunk is taken back."""

    kind: Literal["refuse"] = "refuse"
    reason: str = ""
    """For the model."""


class Edit(Value):
    """The person wrote something else."""

    kind: Literal["edit"] = "edit"
    text: str
    """Instead of the hunk's `new_text`, lines around the change included; bytes that are no UTF-8 are surrogates."""


Decision = Annotated[Accept | Refuse | Edit, Field(discriminator="kind")]


class ReviewError(Exception):
    """Decisions that cannot be carried out; the text says which, and what to decide instead."""


class Decisions:
    """One decision for each hunk of a review; at first there is none for any. Unknown ids and paths are KeyErrors."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self._hunks = {hunk.id: (file, hunk) for file, hunk in review.hunks()}
        self._files = {file.path: file for file in review.files}
        self._made: dict[str, Decision] = {}

    def of(self, hunk_id: str) -> Decision | None:
        """None: undecided."""
        self._hunks[hunk_id]
        return self._made.get(hunk_id)

    def decide(self, hunk_id: str, decision: Decision | None) -> None:
        """Raises ReviewError for an edit of what is no text."""
        file, hunk = self._hunks[hunk_id]
        if isinstance(decision, Edit) and not can_edit(file, hunk):
            raise ReviewError("only changed lines and new text files can be edited: accept or refuse this one")
        if decision is None:
            self._made.pop(hunk_id, None)
        else:
            self._made[hunk_id] = decision

    def accept(self, hunk_id: str) -> None:
        self.decide(hunk_id, Accept())

    def refuse(self, hunk_id: str, reason: str = "") -> None:
        self.decide(hunk_id, Refuse(reason=reason))

    def edit(self, hunk_id: str, text: str) -> None:
        """See `Edit`. The line end of the last line may be missing where the file goes on. Raises ReviewError."""
        self.decide(hunk_id, Edit(text=text))

    def file(self, path: str, decision: Decision | None) -> None:
        """The same for all hunks of a file. Raises ReviewError."""
        for hunk in self._files[path].hunks:
            self.decide(hunk.id, decision)

    def all(self, decision: Decision | None, *, undecided_only: bool = False) -> None:
        """The same for all hunks. Raises ReviewError."""
        for hunk_id in self.undecided if undecided_only else self._hunks:
            self.decide(hunk_id, decision)

    @property
    def undecided(self) -> tuple[str, ...]:
        """The ids of the hunks without a decision, in order."""
        return tuple(hunk_id for hunk_id in self._hunks if hunk_id not in self._made)


def can_edit(file: ReviewFile, hunk: Hunk) -> bool:
    """Whether a hunk is text that a person can write anew: changed lines, or a new file."""
    if hunk.kind == "lines":
        return True
    return hunk.kind == "whole" and file.status == "added" and not file.is_binary and not file.is_link
