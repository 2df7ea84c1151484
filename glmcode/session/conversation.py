"""What the lines of a session file add up to: all that was said, and the view of it that the model is sent."""

from collections.abc import Sequence
from typing import Any

from glmcode.events import Compacted
from glmcode.session.remarks import Remark
from glmcode_engine.messages import Message


class Conversation:
    """Messages only ever join `said`. `view` is what the model is sent: the same, until it is compacted."""

    def __init__(self, steps: int = 0) -> None:
        self.steps = steps
        """How many steps the session has had, those that the user went back behind among them."""
        self.said: list[Message] = []
        self.view: list[Message] = []
        self.remarks: list[tuple[int, Remark]] = []
        """What happened between messages, each with the number of messages that were said before it."""
        self._places: list[int | None] = []
        """Where in `said` each message of the view is; None for one that stands in for others."""

    def add(self, message: Message) -> None:
        """The next message."""
        self._places.append(len(self.said))
        self.said.append(message)
        self.view.append(message)

    @property
    def compactions(self) -> list[tuple[int, Compacted]]:
        """Those of the remarks that are compactions."""
        return [(before, each) for before, each in self.remarks if isinstance(each, Compacted)]

    def remark(self, remark: Remark) -> None:
        """It happened after what was said so far."""
        self.remarks.append((len(self.said), remark))

    def go_on(self, text: str) -> None:
        """Let the last message go on with `text`. Raises IndexError where there is none."""
        last = self.view[-1]
        self.view[-1] = longer = last.model_copy(update={"content": last.content + text})
        if (place := self._places[-1]) is not None:
            self.said[place] = longer

    def compact(self, view: Sequence[Message], compacted: Compacted) -> list[int | dict[str, Any]]:
        """Send the model `view` from now on; returns its parts as a file keeps them.

        A part is the place of a message in `said`, for those of the present view that stay the same objects, or a
        whole message.
        """
        places = {id(message): place for message, place in zip(self.view, self._places, strict=True)}
        self.view, self._places = list(view), [places.get(id(message)) for message in view]
        self.remark(compacted)
        return [
            message.model_dump(exclude_defaults=True) if place is None else place
            for message, place in zip(self.view, self._places, strict=True)
        ]

    def restore(self, parts: object, compacted: object) -> None:
        """What `compact` did, from the parts that it gave. Raises ValueError where they are none."""
        if not isinstance(parts, list):
            raise ValueError("a view is a list")
        view: list[Message] = []
        places: list[int | None] = []
        for part in parts:
            known = type(part) is int and 0 <= part < len(self.said)
            places.append(part if known else None)
            view.append(self.said[part] if known else Message.model_validate(part))
        self.remark(Compacted.model_validate(compacted))
        self.view, self._places = view, places
