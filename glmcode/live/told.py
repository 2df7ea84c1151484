"""What the model is told with the user's next message: what the user ran by hand, refused or changed since."""

from collections.abc import Sequence

from glmcode.session.branches import read_branches
from glmcode.session.marks import Noted
from glmcode.session.store import FILE_NAME, Session, records
from glmcode_prompts.library import fenced, load


class Told:
    """Notes that wait for the next message, in the order they came. Those of an open session are in its file, too."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._session: Session | None = None

    def add(self, note: str, *, found: bool = False) -> None:
        """Tell this, once. Text from elsewhere must be fenced in it.

        `found`: it was found out when the session was opened, and would be again.
        """
        self._notes.append(note)
        if self._session is not None and not found:
            self._session.append_record(Noted(text=note))

    def ran(self, title: str, output: str) -> None:
        """Tell what the user ran by hand and what came of it."""
        self.add(load("by_hand", title=title.replace("`", "'"), output=fenced(output)))

    def before(self, prompt: str) -> str:
        """The prompt with all notes before it."""
        notes, self._notes = self._notes, []
        return "\n\n".join([*notes, prompt])

    def keep(self, session: Session, earlier: Sequence[str]) -> None:
        """A session is open now; `earlier` are the notes that wait in its file."""
        fresh, self._notes, self._session = self._notes, [*earlier], session
        for note in fresh:
            self.add(note)

    def forget(self) -> None:
        """The session is left; what waits for its next message waits in its file."""
        self._notes, self._session = [], None


def waiting_notes(session: Session) -> list[str]:
    """What a session that was left has not told yet, as far as its conversation still goes. Blocking."""
    notes: list[str] = []
    for line in read_branches(records(session.folder / FILE_NAME)).lines():
        match line:
            case {"kind": "noted", "text": str(note)}:
                notes.append(note)
            case {"kind": "message", "message": {"role": "user"}}:
                notes.clear()
    return notes
