"""Text that arrives in pieces: appended cheaply, whole or with only its head and tail kept."""

HEAD_CHARS = 16_000
TAIL_CHARS = 16_000


class Growing:
    """A text that grows at its end. Appending is cheap; `text` joins what came since it was last read."""

    __slots__ = ("_parts", "length")

    def __init__(self, text: str = "") -> None:
        self._parts = [text] if text else []
        self.length = len(text)
        """In characters."""

    def append(self, text: str) -> None:
        self._parts.append(text)
        self.length += len(text)

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Growing) and self.text == other.text

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Growing({self.text!r})"


class HeadAndTail:
    """A growing text of which the first HEAD_CHARS and the last TAIL_CHARS characters are kept.

    What is kept does not depend on how the text was cut into pieces.
    """

    __slots__ = ("_head", "_tail", "length")

    def __init__(self) -> None:
        self._head = Growing()
        self._tail = Growing()
        self.length = 0
        """Of all that came, in characters."""

    def append(self, text: str) -> None:
        self.length += len(text)
        room = HEAD_CHARS - self._head.length
        if room > 0:
            self._head.append(text[:room])
            text = text[room:]
        if text:
            self._tail.append(text)
            if self._tail.length > 4 * TAIL_CHARS:
                self._tail = Growing(self._tail.text[-TAIL_CHARS:])

    @property
    def head(self) -> str:
        return self._head.text

    @property
    def tail(self) -> str:
        return self._tail.text[-TAIL_CHARS:]

    @property
    def left_out(self) -> int:
        """How many characters between head and tail are gone."""
        return self.length - len(self.head) - len(self.tail)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HeadAndTail) and (self.length, self.head, self.tail) == (
            other.length,
            other.head,
            other.tail,
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"HeadAndTail({self.length}, {self.head!r}, {self.tail!r})"
