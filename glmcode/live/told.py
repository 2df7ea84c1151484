"""What the model is told with the user's next message: what the user ran by hand, refused or changed since."""

from glmcode_prompts.library import fenced, load


class Told:
    """Notes that wait for the next message, in the order they came."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def add(self, note: str) -> None:
        """Tell this, once. Text from elsewhere must be fenced in it."""
        self._notes.append(note)

    def ran(self, title: str, output: str) -> None:
        """Tell what the user ran by hand and what came of it."""
        self.add(load("by_hand", title=title.replace("`", "'"), output=fenced(output)))

    def before(self, prompt: str) -> str:
        """The prompt with all notes before it."""
        notes, self._notes = self._notes, []
        return "\n\n".join([*notes, prompt])
